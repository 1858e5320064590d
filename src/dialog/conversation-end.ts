import type { BrandId } from '../card/brand.ts';
import type { Money } from '../money/money.ts';
import type { DeclineClass, PaymentType } from '../ports/payment-gateway.ts';
import type { Correctable } from './events.ts';
import type { Route } from './policy.ts';
import type { Ending, OutcomeGroup } from './result.ts';
import type { CardFacts, Facts, State, StateName, Trouble } from './states.ts';

/** What became of a conversation. Holds nothing of the card but brand and last four. */
export interface ConversationEnd {
  /** A code of `result.ts`, or the configured name of DECLINED_MAX. */
  readonly result: string;
  readonly outcome: OutcomeGroup;
  readonly route: Route;
  /** Null unless approved. */
  readonly amountCharged: Money | null;
  readonly transactionId: string | null;
  readonly authCode: string | null;
  /** What stands for the card at the gateway, where that was asked for. */
  readonly token?: string;
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  /** Of the last card number that passed the checks, whether or not it was submitted. */
  readonly brand: BrandId | null;
  readonly last4: string | null;
  readonly attempts: number;
  readonly declines: number;
  readonly lastDeclineClass: DeclineClass | null;
  readonly lastDeclineCode: string | null;
  /** State in which it began to end. */
  readonly stageReached: StateName;
  readonly callerPresent: boolean;
  readonly agentLost: boolean;
  /** The caller heard the verdict. */
  readonly announced: boolean;
  readonly durationMs: number;
  /** Part of it while a payment was in flight. */
  readonly waitMs: number;
  /** Part of it while the caller was being identified elsewhere. */
  readonly idvMs: number;
}

/** The conversation as it stands, masked. */
export interface ConversationSnapshot {
  readonly stage: StateName;
  /** What is being entered or confirmed; null where nothing is. */
  readonly field: Correctable | null;
  /** What was wrong with the answer before; null if nothing was. */
  readonly error: Trouble | null;
  /** Digits of the running entry; null while none is open. */
  readonly digitCount: number | null;
  readonly amount: Money | null;
  readonly brand: BrandId | null;
  readonly last4: string | null;
  readonly attempts: number;
  readonly declines: number;
  readonly secure: boolean;
  readonly callerPresent: boolean;
}

export function snapshotOf(
  state: State,
  lastCard: CardFacts | null,
  digitCount: number | undefined,
): ConversationSnapshot {
  const { facts } = state;
  return {
    stage: state.name,
    field: fieldOf(state),
    error: 'trouble' in state ? state.trouble : null,
    digitCount: digitCount ?? null,
    amount: facts.amount,
    brand: lastCard?.brand ?? null,
    last4: lastCard?.last4 ?? null,
    attempts: facts.attempts,
    declines: facts.declines,
    secure: facts.secure,
    callerPresent: facts.callerPresent,
  };
}

function fieldOf(state: State): Correctable | null {
  if ('field' in state) return state.field;
  if (state.name === 'PAN_CHECK') return 'pan';
  return state.name === 'AMOUNT_ENTRY' || state.name === 'AMOUNT_CONFIRM' ? 'amount' : null;
}

export type Durations = Pick<ConversationEnd, 'durationMs' | 'waitMs' | 'idvMs'>;

export function conversationEnd(
  how: Ending,
  stageReached: StateName,
  facts: Facts,
  lastCard: CardFacts | null,
  durations: Durations,
  operation: PaymentType = 'sale',
): ConversationEnd {
  return {
    result: how.result,
    outcome: how.outcome,
    route: how.route,
    amountCharged: how.code === 'APPROVED' ? facts.amount : null,
    transactionId: facts.approval?.transactionId ?? null,
    authCode: facts.approval?.authCode ?? null,
    ...(facts.approval?.token ? { token: facts.approval.token } : {}),
    ...(operation === 'sale' ? {} : { operation }),
    brand: lastCard?.brand ?? null,
    last4: lastCard?.last4 ?? null,
    attempts: facts.attempts,
    declines: facts.declines,
    lastDeclineClass: facts.lastDecline?.class ?? null,
    lastDeclineCode: facts.lastDecline?.code ?? null,
    stageReached,
    callerPresent: facts.callerPresent,
    agentLost: facts.agentLost,
    announced: facts.announced,
    ...durations,
  };
}
