/** What the tests use of Braintree's library, which brings no types. */
declare module 'braintree' {
  class Environment {
    constructor(
      server: string,
      port: string,
      authUrl: string,
      ssl: boolean,
      graphQlServer: string,
      graphQlPort: string,
    );
  }
  interface Search {
    orderId(): { is(orderId: string): void };
  }
  class BraintreeGateway {
    constructor(config: {
      environment: Environment;
      merchantId: string;
      publicKey: string;
      privateKey: string;
    });
    readonly transaction: {
      sale(request: object): Promise<{ readonly success: boolean }>;
      search(build: (search: Search) => void, done: (error: Error | null, found: unknown) => void): void;
      find(id: string): Promise<unknown>;
      void(id: string): Promise<{ readonly success: boolean }>;
      submitForSettlement(id: string, amount: string): Promise<unknown>;
      refund(id: string, options: object): Promise<unknown>;
    };
    readonly creditCardVerification: { create(request: object): Promise<unknown> };
    readonly customer: { create(request: object): Promise<unknown> };
  }
  const library: {
    readonly Environment: typeof Environment;
    readonly BraintreeGateway: typeof BraintreeGateway;
  };
  export default library;
}
