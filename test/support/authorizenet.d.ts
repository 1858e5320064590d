/** The part of Authorize.Net's own library the tests use; it brings no types. */
declare module 'authorizenet' {
  /** Every contract class is filled by `set…` and written by `getJSON`. */
  interface Contract {
    getJSON(): object;
  }
  interface Controller {
    setEnvironment(url: string): void;
    execute(callback: () => void): void;
  }
  const sdk: {
    readonly APIContracts: Readonly<Record<string, new (members?: object) => Contract>>;
    readonly APIControllers: Readonly<Record<string, new (request: object) => Controller>>;
  };
  export default sdk;
}
