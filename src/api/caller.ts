import type { ApiRole } from '../ports/api-roles.ts';

/** Who sent a request, as far as it was proven. */
export interface Caller {
  /** Of the key, or the subject of the token: for the audit, the log and what is counted per caller. */
  readonly name: string;
  readonly roles: ReadonlySet<ApiRole>;
  /** Whose sessions it sees and makes; null: everybody's. */
  readonly merchants: ReadonlySet<string> | null;
  /** Of those, the sessions of which agents; null: of all. */
  readonly agents: ReadonlySet<string> | null;
  readonly requestsPerMinute: number;
  /** When its proof ends, in ms since 1970; undefined: never. */
  readonly untilMs?: number;
}

/** Who did something, for the audit: who has proved to be who, and for whom it said it was. */
export function actorOf({ name }: Caller, by: string): string {
  return by === name ? `api:${name}` : `api:${name} for ${by}`;
}

/** Whose a session is. */
export interface Owners {
  /** Null: nobody's, which those see who see everything. */
  readonly merchantId: string | null;
  readonly agents: readonly string[];
}

/** @param merchantId - as {@link Owners} have it. */
export function sees(caller: Caller, merchantId: string | null): boolean {
  return caller.merchants === null || (merchantId !== null && caller.merchants.has(merchantId));
}

/** An agent sees sessions of his own alone, whoever does more those of all agents. @param owners - undefined: there is no such session. */
export function seesSession(caller: Caller, owners: Owners | undefined): owners is Owners {
  if (!owners || !sees(caller, owners.merchantId)) return false;
  const { agents } = caller;
  return agents === null || owners.agents.some((agent) => agents.has(agent));
}

/** As {@link sees}, for those who ask a database; undefined: everything. */
export function merchantsOf({ merchants }: Caller): { readonly merchants?: readonly string[] } {
  return merchants === null ? {} : { merchants: [...merchants] };
}

const kOpener = 'api:';

/** As sessions name who asked for them. */
export function openerOf({ name }: Pick<Caller, 'name'>): string {
  return `${kOpener}${name}`;
}

/** Which agents' sessions somebody of these roles sees. @param agentIds - what an agent is known by. */
export function agentsOf(
  name: string,
  roles: ReadonlySet<ApiRole>,
  agentIds: readonly string[],
): ReadonlySet<string> | null {
  const isMore = [...roles].some((role) => role !== 'agent');
  const others = agentIds.filter((id) => !id.startsWith(kOpener)); // which nobody is by saying so
  return isMore ? null : new Set([openerOf({ name }), ...others]);
}
