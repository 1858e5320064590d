import { AccessList } from '../transport/access.ts';
import type { Flow } from '../transport/flow.ts';
import { BoundedMap } from './bounded-map.ts';
import type { TrunkPolicy } from './policy.ts';

const kRemembered = 1_024; // sources whose standing is asked for again and again

/** What is known of a source before it has said anything. */
export type Standing =
  /** Of a trunk, by address or certificate: may call. */
  | { readonly kind: 'trusted'; readonly trunk: TrunkPolicy | undefined }
  /** May call once it has proved to be one of the trunk's users; without a trunk: a user of any trunk that is open to all. */
  | { readonly kind: 'challenged'; readonly trunk: TrunkPolicy | undefined }
  | { readonly kind: 'stranger' };

/** Which trunk a flow belongs to: the first that names its source or its certificate wins. */
export class TrunkTable {
  readonly #trunks: readonly { readonly policy: TrunkPolicy; readonly sources: AccessList }[];
  readonly #access: AccessList;
  readonly #openTrunks: ReadonlyMap<string, TrunkPolicy>;
  readonly #users: ReadonlyMap<TrunkPolicy, ReadonlySet<string>>;
  readonly #knowsNames: boolean;
  readonly #bySource = new BoundedMap<string, Standing>(kRemembered);

  /** @param access - sources that may call without belonging to a trunk. */
  constructor(trunks: readonly TrunkPolicy[], access: AccessList) {
    this.#trunks = trunks.map((policy) => ({ policy, sources: new AccessList(policy.sources) }));
    this.#access = access;
    const open = trunks.filter(isOpen).toReversed(); // so that the first wins
    this.#openTrunks = new Map(open.flatMap((trunk) => trunk.users.map((user) => [user, trunk])));
    this.#users = new Map(trunks.map((trunk) => [trunk, new Set(trunk.users)]));
    this.#knowsNames = trunks.some(({ tlsNames }) => tlsNames.length > 0);
  }

  /** Whether anybody may connect, because who it is shows only later: by certificate or credentials. */
  get hearsStrangers(): boolean {
    return this.#knowsNames || this.#openTrunks.size > 0;
  }

  hasSource(host: string): boolean {
    return this.#access.allows(host) || this.#trunks.some(({ sources }) => sources.allows(host));
  }

  standingOf(flow: Flow): Standing {
    const { host } = flow.remote;
    if (flow.peer?.verified) return this.#standingOf(host, flow.peer.names);
    const known = this.#bySource.get(host);
    if (known) return known;
    const standing = this.#standingOf(host, []);
    this.#bySource.set(host, standing);
    return standing;
  }

  #standingOf(host: string, names: readonly string[]): Standing {
    const found = this.#trunks.find(
      ({ policy, sources }) => sources.allows(host) || policy.tlsNames.some((name) => bears(names, name)),
    );
    if (found) {
      return { kind: found.policy.users.length > 0 ? 'challenged' : 'trusted', trunk: found.policy };
    }
    if (this.#access.allows(host)) return { kind: 'trusted', trunk: undefined };
    return this.#openTrunks.size > 0 ? { kind: 'challenged', trunk: undefined } : { kind: 'stranger' };
  }

  /** The trunk a user has by credentials alone. */
  openTrunkOf(user: string): TrunkPolicy | undefined {
    return this.#openTrunks.get(user);
  }

  /** In the same time whoever is asked for. @param trunk - that the flow is of; undefined: any that is open. */
  mayUse(trunk: TrunkPolicy | undefined, user: string): boolean {
    return trunk ? this.#users.get(trunk)?.has(user) === true : this.#openTrunks.has(user);
  }
}

function isOpen({ sources, tlsNames, users }: TrunkPolicy): boolean {
  return sources.length === 0 && tlsNames.length === 0 && users.length > 0;
}

/** Exact, any case: a wildcard in a certificate names nobody in particular (RFC 5922 section 7.2). */
function bears(names: readonly string[], wanted: string): boolean {
  return names.some((name) => name.toLowerCase() === wanted.toLowerCase());
}
