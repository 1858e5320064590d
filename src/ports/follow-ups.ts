import type { FollowUpKind } from './payment-gateway.ts';
import type { FollowUpRecord } from './store.ts';

/** What somebody asks to have done about a payment. */
export interface FollowUpRequest {
  readonly paymentRef: string;
  readonly kind: FollowUpKind;
  /** Major units, such as `10.50`; null: all that is left. */
  readonly amount: string | null;
  /** Same when the same is asked for again, as after an answer that got lost: it is done once. */
  readonly requestKey: string;
  /** As the audit has it: `cli:<user>` or `api:<name>`. */
  readonly actor: string;
  readonly note: string;
}

export type FollowUpPlan =
  /** `isNew`: to be sent; else it was asked for before, and this is what became of it. */
  | { readonly kind: 'planned'; readonly record: FollowUpRecord; readonly isNew: boolean }
  | { readonly kind: 'no_such_payment'; readonly record?: never }
  | { readonly kind: 'not_possible'; readonly reason: string; readonly record?: never };
