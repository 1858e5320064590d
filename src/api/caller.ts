import type { ApiRole } from '../ports/api-roles.ts';

/** Who sent a request, as far as it was proven. */
export interface Caller {
  /** Of the key, or the subject of the token: for the audit, the log and what is counted per caller. */
  readonly name: string;
  readonly roles: ReadonlySet<ApiRole>;
  /** Whose sessions it sees and makes; null: everybody's. */
  readonly merchants: ReadonlySet<string> | null;
  readonly requestsPerMinute: number;
}

/** @param merchantId - null: a session of no merchant, which those see who see everything. */
export function sees(caller: Caller, merchantId: string | null): boolean {
  return caller.merchants === null || (merchantId !== null && caller.merchants.has(merchantId));
}

/** As {@link sees}, for those who ask a database; undefined: everything. */
export function merchantsOf({ merchants }: Caller): { readonly merchants?: readonly string[] } {
  return merchants === null ? {} : { merchants: [...merchants] };
}
