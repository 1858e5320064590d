import type { Flow } from '../transport/flow.ts';

/** Where a user can be reached: one phone of it (RFC 3261 section 10.3). */
export interface Binding {
  readonly user: string;
  /** URI of the Contact. */
  readonly uri: string;
  /** Parameters of the Contact that its answers repeat, `+sip.instance` and the like. */
  readonly params: ReadonlyMap<string, string>;
  /** What makes it another phone: instance and reg-id (RFC 5626 section 6), else the URI. */
  readonly key: string;
  readonly callId: string;
  readonly seq: number;
  /** The way the REGISTER came by: calls to the phone go back by it, through its NAT and over its connection. */
  readonly flow: Flow;
  /** On the clock of the edge. */
  readonly untilMs: number;
}

/** The phones of all users. Each user has at most so many; they die by themselves. */
export class Bindings {
  readonly #perUser: number;
  readonly #byUser = new Map<string, Binding[]>();

  /** @param perUser - phones one user may have. */
  constructor(perUser: number) {
    this.#perUser = perUser;
  }

  size(nowMs: number): number {
    let count = 0;
    for (const user of [...this.#byUser.keys()]) count += this.of(user, nowMs).length;
    return count;
  }

  /** Those alive, the newest first. */
  of(user: string, nowMs: number): readonly Binding[] {
    const bindings = this.#byUser.get(user) ?? [];
    const alive = bindings.filter(({ untilMs }) => untilMs > nowMs);
    if (alive.length < bindings.length) this.#keep(user, alive);
    return alive;
  }

  /** Replaces all bindings of a user. @returns false when they are too many: nothing changes. */
  replace(user: string, bindings: readonly Binding[]): boolean {
    if (bindings.length > this.#perUser) return false;
    this.#keep(user, bindings);
    return true;
  }

  /** Forgets the phones that are lost. */
  lose(isLost: (binding: Binding) => boolean): void {
    for (const [user, bindings] of [...this.#byUser]) {
      if (bindings.some(isLost))
        this.#keep(
          user,
          bindings.filter((binding) => !isLost(binding)),
        );
    }
  }

  #keep(user: string, bindings: readonly Binding[]): void {
    if (bindings.length === 0) this.#byUser.delete(user);
    else this.#byUser.set(user, [...bindings]);
  }
}
