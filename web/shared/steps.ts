/** What an agent sees of the conversation: its states, put together to steps. */
export const kSteps = ['amount', 'pan', 'expiry', 'cvv', 'postal', 'confirm', 'bank', 'done'] as const;
export type Step = (typeof kSteps)[number];

const kStepOf: Readonly<Record<string, Step>> = {
  ACCEPT: 'amount',
  GREETING: 'amount',
  IDV_HANDOFF: 'amount',
  AMOUNT_TELL: 'amount',
  AMOUNT_MENU: 'amount',
  AMOUNT_ENTRY: 'amount',
  AMOUNT_CONFIRM: 'amount',
  CARD_INTRO: 'pan',
  PAN_ENTRY: 'pan',
  PAN_CHECK: 'pan',
  PAN_CONFIRM: 'pan',
  EXPIRY_ENTRY: 'expiry',
  EXPIRY_CONFIRM: 'expiry',
  START_ENTRY: 'expiry',
  ISSUE_ENTRY: 'expiry',
  CVV_ENTRY: 'cvv',
  CVV_CONFIRM: 'cvv',
  POSTAL_ENTRY: 'postal',
  POSTAL_CONFIRM: 'postal',
  SUMMARY: 'confirm',
  CORRECT_MENU: 'confirm',
  SUBMIT: 'bank',
  WAIT: 'bank',
  RESOLVE: 'bank',
  REVERSING: 'bank',
  DECLINED: 'bank',
  RETRY_MENU: 'bank',
  MAX_DECLINES: 'bank',
  APPROVED: 'done',
  REFERENCE: 'done',
  END: 'done',
  FAIL: 'done',
};

/** Undefined for what belongs to no step, such as the menu of two stars. */
export function stepOf(stage: string): Step | undefined {
  return kStepOf[stage];
}

export const kStepNames: Readonly<Record<Step, string>> = {
  amount: 'Amount',
  pan: 'Card number',
  expiry: 'Expiry date',
  cvv: 'Security code',
  postal: 'Postal code',
  confirm: 'Customer confirms',
  bank: 'Bank',
  done: 'Result',
};

/** Steps of the card: gone when the card is. */
export const kCardSteps: readonly Step[] = ['pan', 'expiry', 'cvv', 'postal', 'confirm'];

/** How many keys an entry of this field usually has; the dots still to come are drawn faint. */
export const kUsualLength: Readonly<Record<string, number>> = { pan: 16, expiry: 4, cvv: 3, start: 4 };
