import type { BrandId } from '../card/brand.ts';
import type { SecretField } from '../card/card-secret.ts';
import type { PlannedField } from '../card/field-plan.ts';
import type { Money } from '../money/money.ts';
import type { Verdict } from '../payment/payments.ts';

/** What the card rules say about a card number that was keyed. */
export type CardVerdict =
  | {
      readonly kind: 'accepted';
      readonly brand: BrandId;
      readonly last4: string;
      readonly plan: readonly PlannedField[];
    }
  | { readonly kind: 'refused'; readonly reason: 'invalid' | 'short' | 'not_accepted' | 'use_other' };

/** What the card rules say about any other field. */
export type FieldVerdict = 'ok' | 'invalid' | 'past';

/** May this call pay at all. Asked once, when it is accepted. */
export type Admission = 'ok' | 'gateway_down' | 'locked_out' | 'unknown_merchant';

export type TimerName = 'still' | 'tone' | 'idv' | 'hold';

/** What an agent may ask to be entered again. */
export type Correctable = SecretField | 'amount';

/**
 * Everything that can happen to a conversation. None of it holds a digit: entries come as verdicts, keys only where a menu was
 * offered. An event that does not fit the state is ignored.
 */
export type DialogEvent =
  | { readonly type: 'start'; readonly admission: Admission }
  /** The last phrase was heard, or cut short by a key. */
  | { readonly type: 'said' }
  /** Answer to a menu, 0 to 9. */
  | { readonly type: 'choice'; readonly key: number }
  /** Minor units, or null if the keys make no amount. */
  | { readonly type: 'amountKeyed'; readonly minor: number | null }
  | { readonly type: 'fieldKeyed'; readonly field: SecretField; readonly verdict: FieldVerdict }
  | { readonly type: 'panKeyed' }
  | { readonly type: 'panChecked'; readonly verdict: CardVerdict }
  | { readonly type: 'tooShort' }
  /** `skip`: a `#` alone. */
  | { readonly type: 'noInput'; readonly skip: boolean }
  /** Star: the entry was cleared and runs again. */
  | { readonly type: 'restarted' }
  /** Two stars. */
  | { readonly type: 'escape' }
  | { readonly type: 'timer'; readonly timer: TimerName }
  | { readonly type: 'idv'; readonly result: 'verified' | 'failed' | 'abandoned' }
  /** The first byte of this submission may have left. */
  | { readonly type: 'flushed'; readonly attempt: number }
  /** No answer came, the payment is being looked up. */
  | { readonly type: 'unanswered'; readonly attempt: number }
  | { readonly type: 'verdict'; readonly attempt: number; readonly verdict: Verdict }
  | { readonly type: 'reversal'; readonly result: 'reversed' | 'unresolved' }
  | { readonly type: 'hangUp' }
  | { readonly type: 'mediaLost'; readonly blame: 'caller' | 'server' }
  | { readonly type: 'agentCancel' }
  | { readonly type: 'reEnter'; readonly field: Correctable }
  /** The agent asks for a field out of its turn. */
  | { readonly type: 'ask'; readonly field: Correctable }
  /** The agent settles the amount. */
  | { readonly type: 'amountChosen'; readonly amount: Money }
  /** The caller put us on hold, or took us back. */
  | { readonly type: 'held' }
  | { readonly type: 'unheld' }
  /** Somebody else is on the line in the caller's place. */
  | { readonly type: 'moved' }
  /** The agent hung up. `abort`: policy does not go on without one. */
  | { readonly type: 'agentLost'; readonly policy: 'continue' | 'abort' }
  /** Another agent is in that place, or the same one again. */
  | { readonly type: 'agentBack' }
  /** A recording that must stop before the card is asked for does not. */
  | { readonly type: 'recordingNotStopped' }
  | { readonly type: 'sessionLimit' }
  /** Something broke inside. `pending`: a submission or reversal is under way and will still be answered. */
  | { readonly type: 'fault'; readonly pending: boolean };
