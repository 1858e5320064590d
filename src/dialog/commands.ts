import type { BrandId } from '../card/brand.ts';
import type { SecretField } from '../card/card-secret.ts';
import type { CollectSpec } from '../dtmf/collector.ts';
import type { Money } from '../money/money.ts';
import type { Phrase } from '../ports/prompts.ts';
import type { TimerName } from './events.ts';
import type { Ending } from './result.ts';
import type { Trouble } from './states.ts';

export type CollectTarget = SecretField | 'amount' | 'menu';

/** What a conversation wants done. The controller does them in order. */
export type Command =
  /** Replaces what is playing; `said` follows. */
  | { readonly do: 'say'; readonly phrase: Phrase; readonly bargeIn: boolean }
  | { readonly do: 'stopPlaying' }
  /** Replaces a running entry. Keys typed ahead go into it at once. */
  | { readonly do: 'collect'; readonly target: CollectTarget; readonly spec: Omit<CollectSpec, 'completion'> }
  | { readonly do: 'stopCollecting' }
  /** What was typed ahead is gone; what slow carriers have yet to report of it too. */
  | { readonly do: 'flushTypeAhead' }
  /** No key of the entries is remembered any more. */
  | { readonly do: 'forgetKeys' }
  /** Answered by `panChecked`. */
  | { readonly do: 'checkPan' }
  /** Answered by `flushed`, perhaps `unanswered`, and a `verdict`. */
  | { readonly do: 'submit'; readonly attempt: number; readonly amount: Money; readonly brand: BrandId }
  /** Answered by `reversal`. */
  | { readonly do: 'reverse'; readonly attempt: number; readonly amount: Money }
  /** Refuse this card number for the rest of the session: at once, or after it was declined twice. */
  | { readonly do: 'refuseCard'; readonly from: 'now' | 'second_decline' }
  | { readonly do: 'clearFields'; readonly fields: readonly SecretField[] }
  /** The card is gone for good; nothing can be entered after it. */
  | { readonly do: 'wipe' }
  | { readonly do: 'secureMode'; readonly on: boolean }
  | { readonly do: 'startTimer'; readonly timer: TimerName; readonly ms: number }
  | { readonly do: 'stopTimers' }
  /** The limit on the whole session does not run while a payment is in flight. */
  | { readonly do: 'sessionTimer'; readonly run: boolean }
  | { readonly do: 'setPace'; readonly pace: 'normal' | 'relaxed' }
  /** Answered by `idv`. */
  | { readonly do: 'handOffToIdv'; readonly target: string }
  | { readonly do: 'noteFieldError'; readonly field: CollectTarget; readonly reason: Trouble }
  | { readonly do: 'finish'; readonly ending: Ending };
