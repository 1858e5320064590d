import type { BrandId } from '../card/brand.ts';
import type { SecretField } from '../card/card-secret.ts';
import type { PlannedField } from '../card/field-plan.ts';
import type { Money } from '../money/money.ts';
import type { DeclineClass } from '../ports/payment-gateway.ts';
import type { Ending } from './result.ts';

/*
 * The conversation. Boxes are states; decisions that need nobody's answer are made on an arrow.
 *
 *   ACCEPT ──> GREETING ──identified?──> IDV_HANDOFF ─┐
 *                  └───────────────────────┬──────────┘
 *                          fixed │ balance │ enter
 *               AMOUNT_TELL <────┤         ├────> AMOUNT_ENTRY <──┐again
 *                    │      AMOUNT_MENU ───┘other      └─> AMOUNT_CONFIRM
 *                    └───────────┴──full──┬───────────────────┘
 *                                    CARD_INTRO                 secure mode on
 *                                         │
 *   ┌──────────── next field of the card's plan that is missing <──────────────┐
 *   │  PAN_ENTRY ─> PAN_CHECK ─> PAN_CONFIRM   EXPIRY_ENTRY ─> EXPIRY_CONFIRM  │
 *   │  START_ENTRY, ISSUE_ENTRY   CVV_ENTRY ─> CVV_CONFIRM                     │
 *   │  POSTAL_ENTRY ─> POSTAL_CONFIRM              (…_CONFIRM: per field only) │
 *   └───────┬ none missing                                                     │
 *        SUMMARY ──something is wrong──> CORRECT_MENU ─────────────────────────┤
 *           │                                                                  │
 *        SUBMIT ─> WAIT ─> RESOLVE     in flight: nothing stops a submission   │
 *           │ approved        │ declined                    ┌──try again───────┘
 *        APPROVED          DECLINED ──> RETRY_MENU ─────────┘
 *           │                 └──────> MAX_DECLINES
 *        REFERENCE                           │
 *           └──> (RETURN) ──> END <── FAIL <── anything that ends it
 *
 * From any state before SUBMIT two stars open ESCAPE, which goes back, slower, or leaves.
 * When a caller left while a payment is in flight and policy takes it back: REVERSING, then END.
 */

/** The numbers the payment documents call the states by. S02, S04 and S30 are decisions on the way. */
export const kStateNumbers = {
  ACCEPT: 'S00',
  GREETING: 'S01',
  IDV_HANDOFF: 'S03',
  AMOUNT_TELL: 'S05',
  AMOUNT_MENU: 'S06',
  AMOUNT_ENTRY: 'S07',
  AMOUNT_CONFIRM: 'S08',
  CARD_INTRO: 'S09',
  PAN_ENTRY: 'S10',
  PAN_CHECK: 'S11',
  PAN_CONFIRM: 'S12',
  EXPIRY_ENTRY: 'S13',
  EXPIRY_CONFIRM: 'S14',
  START_ENTRY: 'S15',
  ISSUE_ENTRY: 'S15',
  CVV_ENTRY: 'S16',
  CVV_CONFIRM: 'S17',
  POSTAL_ENTRY: 'S18',
  POSTAL_CONFIRM: 'S19',
  SUMMARY: 'S20',
  CORRECT_MENU: 'S21',
  SUBMIT: 'S22',
  WAIT: 'S23',
  RESOLVE: 'S24',
  REVERSING: 'S24',
  DECLINED: 'S25',
  RETRY_MENU: 'S26',
  MAX_DECLINES: 'S27',
  APPROVED: 'S28',
  REFERENCE: 'S29',
  ESCAPE: 'S31',
  FAIL: 'S32',
  END: 'S33',
} as const;

export type StateName = keyof typeof kStateNumbers;

/** What is known about the card: never a digit beyond the last four. */
export interface CardFacts {
  readonly brand: BrandId;
  readonly last4: string;
  readonly plan: readonly PlannedField[];
}

/** What the conversation knows; goes from state to state. */
export interface Facts {
  /** What will be charged, once it is settled. */
  readonly amount: Money | null;
  /** The caller entered it, so it may be corrected. */
  readonly amountKeyed: boolean;
  readonly card: CardFacts | null;
  /** Fields that are entered and, where asked for, confirmed. */
  readonly done: readonly SecretField[];
  readonly secure: boolean;
  readonly pace: 'normal' | 'relaxed';
  /** Invalid and missing entries of the whole session. */
  readonly errors: number;
  readonly corrections: number;
  /** Submissions made; also the number of the last one. */
  readonly attempts: number;
  readonly declines: number;
  readonly lastDecline: { readonly class: DeclineClass; readonly code: string } | null;
  readonly approval: Approval | null;
  readonly callerPresent: boolean;
  /** The agent the call would go back to has hung up. */
  readonly agentLost: boolean;
  /** The caller heard the verdict to its end. */
  readonly announced: boolean;
}

export interface Approval {
  readonly transactionId: string;
  readonly authCode: string | null;
  readonly spokenReference: string | null;
  /** What stands for the card from now on. */
  readonly token: string | null;
}

/** Why a question is asked again. */
export type Trouble =
  | 'no_input'
  | 'invalid_key'
  | 'invalid'
  | 'short'
  | 'past'
  | 'not_accepted'
  | 'use_other'
  | 'below_min'
  | 'above_max'
  | 'over_balance'
  /** No trouble at all: the caller asked for more time. */
  | 'slower';

/** A state that waits for keys. */
export interface Asking {
  /** Answers of this question that were of no use. */
  readonly tries: number;
  readonly trouble: Trouble | null;
}

type At<Name extends StateName, More = unknown> = { readonly name: Name; readonly facts: Facts } & More;

export const kEntryNames = {
  pan: 'PAN_ENTRY',
  expiry: 'EXPIRY_ENTRY',
  start: 'START_ENTRY',
  issue: 'ISSUE_ENTRY',
  cvv: 'CVV_ENTRY',
  postal: 'POSTAL_ENTRY',
} as const satisfies Record<SecretField, StateName>;

/** Start date and issue number are rare and short: they are not read back. */
export const kConfirmNames = {
  pan: 'PAN_CONFIRM',
  expiry: 'EXPIRY_CONFIRM',
  cvv: 'CVV_CONFIRM',
  postal: 'POSTAL_CONFIRM',
} as const satisfies Partial<Record<SecretField, StateName>>;

export type ConfirmedField = keyof typeof kConfirmNames;

export type FieldEntry = At<(typeof kEntryNames)[SecretField], Asking & { readonly field: SecretField }>;
export type FieldConfirm = At<
  (typeof kConfirmNames)[ConfirmedField],
  Asking & { readonly field: ConfirmedField }
>;
export type Opening = At<'ACCEPT' | 'GREETING' | 'IDV_HANDOFF'>;
export type AmountTell = At<'AMOUNT_TELL'>;
export type AmountMenu = At<'AMOUNT_MENU', Asking & { readonly balance: Money }>;
export type AmountEntry = At<'AMOUNT_ENTRY', Asking>;
export type AmountConfirm = At<'AMOUNT_CONFIRM', Asking & { readonly entered: Money }>;
export type CardIntro = At<'CARD_INTRO'>;
export type Summary = At<'SUMMARY', Asking>;
export type CorrectMenu = At<'CORRECT_MENU', Asking>;
export type Declined = At<'DECLINED'>;
export type RetryMenu = At<'RETRY_MENU', Asking>;
export type PanCheck = At<'PAN_CHECK', { readonly tries: number }>;
/** `told`: the reference was read out, now the menu is open. */
export type Reference = At<'REFERENCE', { readonly plays: number; readonly told: boolean }>;
export type InFlight = At<'SUBMIT' | 'WAIT' | 'RESOLVE' | 'REVERSING'>;

/** Before anything was sent: hanging up, cancelling and the session limit end it here and now. */
export type BeforeSubmission =
  | Opening
  | AmountTell
  | AmountMenu
  | AmountEntry
  | AmountConfirm
  | CardIntro
  | FieldEntry
  | FieldConfirm
  | PanCheck
  | Summary
  | CorrectMenu
  | Declined
  | RetryMenu;

export type Escape = At<'ESCAPE', Asking & { readonly back: BeforeSubmission }>;

/** The verdict or the failure stands, whatever happens. */
export type Decided =
  | At<'MAX_DECLINES' | 'APPROVED'>
  | Reference
  | At<'FAIL' | 'END', { readonly ending: Ending; readonly stage: StateName }>;

export type State = BeforeSubmission | Escape | InFlight | Decided;

/** Where every conversation begins. */
export function firstState(pace: Facts['pace']): State {
  const facts: Facts = {
    amount: null,
    amountKeyed: false,
    card: null,
    done: [],
    secure: false,
    pace,
    errors: 0,
    corrections: 0,
    attempts: 0,
    declines: 0,
    lastDecline: null,
    approval: null,
    callerPresent: true,
    agentLost: false,
    announced: false,
  };
  return { name: 'ACCEPT', facts };
}
