import type { Payment } from './payment.ts';

/** What the desk says about a moment: what goes on, a sentence for the customer, and what the agent does now. */
export interface Words {
  readonly title: string;
  /** To be said aloud; null where the customer is listening to something else. */
  readonly say: string | null;
  readonly next: string;
}

const kListen = 'Wait. The customer hears the instructions.';

const kStageWords: Readonly<Record<string, Words>> = {
  ACCEPT: { title: 'Beginning', say: null, next: kListen },
  GREETING: { title: 'The customer hears the welcome', say: null, next: kListen },
  IDV_HANDOFF: {
    title: 'The customer is being identified',
    say: null,
    next: 'Wait. The customer comes back by themselves.',
  },
  AMOUNT_TELL: { title: 'The customer hears the amount', say: null, next: kListen },
  AMOUNT_MENU: {
    title: 'The customer chooses the amount',
    say: 'Press 1 for the full amount, or 2 to pay another.',
    next: 'Wait for the choice.',
  },
  AMOUNT_ENTRY: {
    title: 'The customer keys the amount',
    say: 'Key the amount, star for the decimal point, then the pound key.',
    next: 'Wait for the amount, or set it yourself with Amount.',
  },
  AMOUNT_CONFIRM: {
    title: 'The customer checks the amount',
    say: 'Press 1 if that is right.',
    next: kListen,
  },
  CARD_INTRO: {
    title: 'Card details come next',
    say: 'Please use your telephone keypad. I can not hear your keys.',
    next: 'Stay on the line. Never write down or repeat card digits.',
  },
  PAN_ENTRY: {
    title: 'The customer keys the card number',
    say: 'Key the long number on the front of your card, then the pound key.',
    next: 'Watch the dots grow. Nothing to type.',
  },
  PAN_CHECK: { title: 'The card number is checked', say: null, next: 'Wait a moment.' },
  PAN_CONFIRM: {
    title: 'The customer checks the card number',
    say: 'Press 1 if that is right.',
    next: kListen,
  },
  EXPIRY_ENTRY: {
    title: 'The customer keys the expiry date',
    say: 'Key the expiry date, two digits for the month and two for the year.',
    next: 'Watch the dots grow.',
  },
  EXPIRY_CONFIRM: { title: 'The customer checks the date', say: 'Press 1 if that is right.', next: kListen },
  START_ENTRY: {
    title: 'The customer keys the start date',
    say: 'Key the start date of the card.',
    next: kListen,
  },
  ISSUE_ENTRY: { title: 'The customer keys the issue number', say: 'Key the issue number.', next: kListen },
  CVV_ENTRY: {
    title: 'The customer keys the security code',
    say: 'Key the security code from the back of your card.',
    next: 'Watch the dots grow. American Express has four digits on the front.',
  },
  CVV_CONFIRM: { title: 'The customer checks the code', say: 'Press 1 if that is right.', next: kListen },
  POSTAL_ENTRY: {
    title: 'The customer keys the postal code',
    say: 'Key your postal code, then the pound key.',
    next: 'Watch the dots grow.',
  },
  POSTAL_CONFIRM: {
    title: 'The customer checks the postal code',
    say: 'Press 1 if that is right.',
    next: kListen,
  },
  SUMMARY: {
    title: 'The customer confirms the payment',
    say: 'Press 1 to pay, or 2 if something is wrong.',
    next: 'Wait for the customer to press 1.',
  },
  CORRECT_MENU: {
    title: 'The customer corrects something',
    say: 'Choose what you would like to change.',
    next: 'Wait, or ask for a field again yourself.',
  },
  SUBMIT: {
    title: 'Sent to the bank',
    say: 'One moment while the bank answers.',
    next: 'Wait. It can not be stopped now.',
  },
  WAIT: {
    title: 'The bank is working',
    say: 'Still waiting for the bank.',
    next: 'Wait. It can not be stopped now.',
  },
  RESOLVE: {
    title: 'Asking the bank what became of it',
    say: 'The bank is slow today. Please stay on the line.',
    next: 'Wait. Do not start another payment.',
  },
  REVERSING: { title: 'The payment is taken back', say: null, next: 'Wait. Do not start another payment.' },
  DECLINED: {
    title: 'The bank declined',
    say: 'The bank did not accept this card.',
    next: 'Wait for the choice.',
  },
  RETRY_MENU: {
    title: 'The customer may try again',
    say: 'Press 1 to try this or another card, or 2 to stop.',
    next: 'Wait for the choice.',
  },
  MAX_DECLINES: {
    title: 'No more tries',
    say: 'We could not take this payment today.',
    next: 'Offer another way to pay.',
  },
  APPROVED: {
    title: 'The bank accepted',
    say: 'Thank you, the payment was accepted.',
    next: 'The customer hears it too.',
  },
  REFERENCE: {
    title: 'The customer hears the reference',
    say: 'Note the reference, then press 2.',
    next: 'Wait until it has been read out.',
  },
  ESCAPE: {
    title: 'The customer asked for a pause',
    say: 'Press 1 to go on, 2 for more time, or 3 to stop.',
    next: 'Wait for the choice.',
  },
  FAIL: { title: 'The payment ends', say: null, next: 'The customer comes back to you.' },
  END: { title: 'The payment ends', say: null, next: 'The customer comes back to you.' },
};

const kPrepared: Words = {
  title: 'Ready to begin',
  say: 'I will now take the payment. You will hear a voice, and I will not hear your keys.',
  next: 'Press Start when the customer is ready.',
};

export function wordsFor(payment: Payment): Words {
  if (payment.phase === 'ended') return resultWords(payment);
  if (payment.phase === 'prepared') return preparedWords(payment);
  if (payment.paused)
    return {
      title: 'Paused',
      say: null,
      next: 'The questions wait. Press Resume to go on where you stopped.',
    };
  return kStageWords[payment.stage ?? 'ACCEPT'] ?? { title: 'In progress', say: null, next: kListen };
}

function preparedWords({ parties, topology, dialling, notReached }: Payment): Words {
  if (parties.includes('customer') || topology === 'inline') return kPrepared;
  const say = null;
  if (dialling.includes('customer'))
    return { title: 'Calling the customer', say, next: 'Wait for the answer.' };
  if (notReached?.role === 'customer')
    return {
      title: 'The customer did not answer',
      say,
      next: `Try again, or another number (SIP ${notReached.status}).`,
    };
  return {
    title: 'Waiting for the customer',
    say,
    next: 'Transfer the customer to the payment address, or call them from here.',
  };
}

const kFieldNames: Readonly<Record<string, string>> = {
  pan: 'card number',
  expiry: 'expiry date',
  start: 'start date',
  issue: 'issue number',
  cvv: 'security code',
  postal: 'postal code',
  amount: 'amount',
};

export function fieldName(field: string): string {
  return kFieldNames[field] ?? 'answer';
}

const kErrorWords: Readonly<Record<string, (field: string) => string>> = {
  no_input: (field) => `We did not get your ${field}. Please key it on your telephone.`,
  invalid_key: () => 'That key is not one of the choices. Please listen again.',
  invalid: (field) => `That ${field} is not valid. Please check it and key it again.`,
  short: (field) => `That ${field} is too short. Please key all of it.`,
  past: () => 'That card has expired. Do you have another one?',
  not_accepted: () => 'We do not take that type of card. Do you have another one?',
  use_other: () => 'That card was refused before. Please use another one.',
  below_min: () => 'That amount is below the smallest payment we take.',
  above_max: () => 'That amount is above the largest payment we take.',
  over_balance: () => 'That is more than you owe.',
  slower: () => 'Take your time.',
};

/** What went wrong with an entry, as the agent can say it. */
export function errorWords({ field, reason }: { readonly field: string; readonly reason: string }): string {
  const words = kErrorWords[reason];
  return words ? words(fieldName(field)) : `Please key your ${fieldName(field)} again.`;
}

const kResultWords: Readonly<Record<string, Words>> = {
  APPROVED: { title: 'Paid', say: 'Thank you, your payment was accepted.', next: 'Nothing left to do.' },
  DECLINED_LEFT: {
    title: 'Declined; the customer stopped',
    say: 'Nothing was charged.',
    next: 'Offer another card or another way to pay.',
  },
  DECLINED_HANGUP: { title: 'Declined; the customer hung up', say: null, next: 'Call back if you should.' },
  CALLER_CANCELLED: {
    title: 'The customer stopped',
    say: 'Nothing was charged.',
    next: 'Ask what they would like to do.',
  },
  AGENT_REQUESTED: {
    title: 'The customer asked for you',
    say: 'I am here. Nothing was charged.',
    next: 'Help, then start again.',
  },
  AGENT_CANCELLED: {
    title: 'You cancelled it',
    say: 'Nothing was charged.',
    next: 'Prepare a new payment to start again.',
  },
  AGENT_LOST: { title: 'You left the call', say: null, next: 'Nothing was charged.' },
  HANGUP_BEFORE_AUTH: {
    title: 'The customer hung up',
    say: null,
    next: 'Nothing was charged. Call back if you should.',
  },
  MAX_INPUT: {
    title: 'Too many wrong entries',
    say: 'Nothing was charged. Shall we try once more?',
    next: 'Prepare a new payment to start again.',
  },
  SESSION_TIMEOUT: {
    title: 'It took too long',
    say: 'Nothing was charged.',
    next: 'Prepare a new payment to start again.',
  },
  AMOUNT_REJECTED: {
    title: 'The amount is outside the limits',
    say: null,
    next: 'Prepare it with another amount.',
  },
  INVALID_PARAMETERS: {
    title: 'Something is missing',
    say: null,
    next: 'Prepare it with customer and amount.',
  },
  IDV_FAILED: {
    title: 'Not identified',
    say: 'I could not confirm who you are.',
    next: 'Follow your procedure.',
  },
  IDV_UNAVAILABLE: {
    title: 'Identification is not available',
    say: null,
    next: 'Identify the customer yourself.',
  },
  LOCKED_OUT: {
    title: 'Too many declines',
    say: 'We cannot take a payment by phone at this time.',
    next: 'Offer another way to pay.',
  },
  GATEWAY_UNAVAILABLE: {
    title: 'The bank cannot be reached',
    say: 'Payments are not available at the moment. You have not been charged.',
    next: 'Try again later.',
  },
  GATEWAY_CONFIG_ERROR: {
    title: 'The bank refused our request',
    say: 'You have not been charged.',
    next: 'Tell your supervisor.',
  },
  UNKNOWN: {
    title: 'The result is not known yet',
    say: 'We could not confirm the result. Please do not pay again now.',
    next: 'Do not start another payment. hushpay keeps asking the bank.',
  },
  SYSTEM_ERROR: {
    title: 'Something broke',
    say: null,
    next: 'Ask your supervisor whether it was charged before you start again.',
  },
};

function resultWords({ result, outcome, resolution }: Payment): Words {
  if (resolution !== null) return resolvedWords(resolution);
  const known = kResultWords[result ?? ''];
  if (known) return known;
  return outcome === 'declined'
    ? { title: 'Declined', say: 'The bank did not accept the card.', next: 'Offer another way to pay.' }
    : { title: 'Ended', say: null, next: 'Prepare a new payment to start again.' };
}

function resolvedWords(resolution: string): Words {
  switch (resolution) {
    case 'APPROVED':
      return { title: 'Paid after all', say: null, next: 'Tell the customer that the payment went through.' };
    case 'REVERSED':
    case 'NOT_CHARGED':
      return { title: 'Not charged', say: null, next: 'The customer may pay again.' };
    default:
      return { title: 'Being looked into', say: null, next: 'Your supervisor settles this one by hand.' };
  }
}
