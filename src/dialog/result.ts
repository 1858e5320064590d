import type { PaymentType } from '../ports/payment-gateway.ts';
import type { OutcomeGroup } from '../ports/store.ts';
import type { Route } from './policy.ts';

export type { OutcomeGroup } from '../ports/store.ts';

/** How a conversation can end, and the group each code is counted in. */
export const kOutcomeOf = {
  APPROVED: 'success',
  TOKENIZED: 'success',
  VERIFIED: 'success',
  DECLINED_MAX: 'declined',
  DECLINED_LEFT: 'declined',
  DECLINED_HANGUP: 'declined',
  CALLER_CANCELLED: 'abandoned',
  AGENT_REQUESTED: 'abandoned',
  HANGUP_BEFORE_AUTH: 'abandoned',
  MAX_INPUT: 'abandoned',
  SESSION_TIMEOUT: 'abandoned',
  AGENT_CANCELLED: 'abandoned',
  AGENT_LOST: 'abandoned',
  INVALID_PARAMETERS: 'failed',
  IDV_FAILED: 'failed',
  IDV_UNAVAILABLE: 'failed',
  AMOUNT_REJECTED: 'failed',
  LOCKED_OUT: 'failed',
  GATEWAY_UNAVAILABLE: 'failed',
  GATEWAY_CONFIG_ERROR: 'failed',
  SYSTEM_ERROR: 'failed',
  UNKNOWN: 'unknown',
} as const satisfies Record<string, OutcomeGroup>;

export type ResultCode = keyof typeof kOutcomeOf;

export const kResultCodes = Object.keys(kOutcomeOf) as readonly ResultCode[];

/** What a conversation comes to that the gateway approved. */
export function successOf(operation: PaymentType): ResultCode {
  switch (operation) {
    case 'verify':
      return 'VERIFIED';
    case 'tokenize':
      return 'TOKENIZED';
    default:
      return 'APPROVED';
  }
}

/** How a conversation ends and where the call goes. */
export interface Ending {
  readonly code: ResultCode;
  /** What is attached to the call and stored: the code, or the configured name of DECLINED_MAX. */
  readonly result: string;
  readonly outcome: OutcomeGroup;
  readonly route: Route;
}

/** @param result - a name of the operator's own for this code. */
export function ending(code: ResultCode, route: Route, result: string = code): Ending {
  return { code, result, outcome: kOutcomeOf[code], route };
}
