import type { Locale, PromptId } from '../../src/ports/prompts.ts';

/** A text that ends without a full stop runs on into a value; one that starts with a small letter goes on after one. */
type Texts = Readonly<Record<PromptId, string>>;

const kAmerican: Texts = {
  greet: 'Welcome to the secure payment line.',
  'greet.conf':
    'You are now in the secure payment step. Your agent can hear this message but not the keys you press.',
  consent: 'By entering your card details, you agree that we use them for this payment.',
  'idv.handoff': 'Please hold while we confirm who you are.',
  'idv.failed': 'We could not confirm who you are.',
  'idv.unavailable': 'We cannot confirm who you are at the moment.',

  'amount.is': 'The amount to pay is',
  'amount.balance': 'Your balance is',
  'amount.menu': 'To pay the full amount, press 1. To pay a different amount, press 2.',
  'amount.enter': 'Enter the amount you want to pay. Use star for the decimal point, then press pound.',
  'amount.enter.implied':
    'Enter the amount you want to pay, with two digits for the cents. Then press pound.',
  'amount.enter.whole': 'Enter the amount you want to pay, then press pound.',
  'amount.enter.help': 'For example, for twenty-five point five zero, press 2, 5, star, 5, 0, pound.',
  'amount.enter.help.implied': 'For example, for twenty-five point five zero, press 2, 5, 5, 0, pound.',
  'amount.invalid': 'That amount is not valid.',
  'amount.below_min': 'The requested amount is below the minimum payment.',
  'amount.above_max': 'The requested amount is above the maximum payment.',
  'amount.over_balance': 'You cannot pay more than your balance.',
  'amount.limits.between': 'You can pay between',
  'amount.limits.and': 'and',
  'amount.limits.min': 'The least you can pay is',
  'amount.limits.max': 'The most you can pay is',

  'you.entered': 'You entered',
  'you.entered.card': 'You entered a card',
  'confirm.menu': 'If this is correct, press 1. To enter it again, press 2. To hear it again, press 3.',
  'confirm.help': 'Please press 1, 2 or 3.',

  'card.intro': 'We will now ask for your card details. Please use your telephone keypad.',
  'card.enter': 'Enter your card number, then press pound.',
  'card.enter.help':
    'The card number is the long number on the front of your card. To start over, press star.',
  'card.invalid': 'That card number is not valid.',
  'card.short': 'That card number is too short.',
  'card.not_accepted': 'We do not accept that type of card.',
  'card.accepted_list': 'We accept',
  'card.use_other': 'That card cannot be used for this payment. Please use another card.',

  'exp.enter': 'Enter the expiration date as four digits: two for the month and two for the year.',
  'exp.enter.help': 'For example, for March twenty thirty, press 0, 3, 3, 0.',
  'exp.invalid': 'That date is not valid.',
  'exp.past': 'That card has expired.',
  'start.enter':
    'Enter the start date as four digits: two for the month and two for the year. If there is none, press pound.',
  'start.invalid': 'That start date is not valid.',
  'issue.enter': 'Enter the issue number, then press pound. If there is none, press pound.',
  'issue.invalid': 'That issue number is not valid.',

  'cvv.enter.3back': 'Enter the three digit security code on the back of your card.',
  'cvv.enter.4front': 'Enter the four digit security code on the front of your card.',
  'cvv.enter.optional': 'If your card has no security code, press pound.',
  'cvv.invalid': 'That code is not valid.',
  'cvv.count.before': 'You entered a',
  'cvv.count.after': 'digit code.',

  'postal.enter': 'Enter your postal code, then press pound.',
  'postal.enter.help': 'Enter only the digits of your postal code. Leave out letters and spaces.',
  'postal.invalid': 'That postal code is not valid.',

  'sum.pay': 'You are paying',
  'sum.card.before': 'with your',
  'sum.card.after': 'card',
  'sum.exp': 'which expires',
  'sum.menu':
    'If everything is correct and you want to make this payment, press 1. If something is wrong, press 2. To hear it again, press 3.',

  'correct.intro': 'What would you like to change?',
  'correct.card': 'For the card number, press 1.',
  'correct.exp': 'For the expiration date, press 2.',
  'correct.cvv': 'For the security code, press 3.',
  'correct.amount': 'For the amount, press 4.',
  'correct.postal': 'For the postal code, press 5.',
  'correct.restart': 'To start over, press 9.',

  'wait.processing': 'Please hold while we process your payment.',
  'wait.still': 'We are still working. Please stay on the line.',
  'wait.tone': '(tone)',

  declined: 'The payment was not accepted.',
  'declined.reenter': 'The payment was not accepted. Please check your details and enter them again.',
  'declined.other': 'The payment was not accepted. Please use another card.',
  'declined.max': 'We could not take this payment.',
  'retry.menu': 'To try again with this or another card, press 1. To leave without paying, press 2.',
  'not.charged': 'You have not been charged.',

  'approved.before': 'Thank you. Your payment of',
  'approved.after': 'was accepted.',
  'approved.token': 'Thank you. Your card was saved.',
  'approved.verified': 'Thank you. Your card was verified.',
  'ref.is': 'Your reference is',
  'ref.menu': 'To hear it again, press 1. To continue, press 2.',
  'unknown.before':
    'We could not confirm the result of your payment. Please do not pay again now. Your reference is',
  'unknown.after': 'We will contact you.',
  'gw.down': 'Payments are not available at the moment. You have not been charged.',

  'esc.menu': 'To continue, press 1. For more time, press 2. To stop, press 3.',
  'esc.menu.agent': 'To continue, press 1. For more time, press 2. To speak to an agent, press 3.',
  'pace.on': 'You now have more time for each step.',
  cancelled: 'The payment has been stopped.',
  noinput: 'We did not get your entry.',
  'noinput.2': 'To get more time or to stop, press star twice.',
  'invalid.key': 'That is not one of the choices.',
  'tries.used': 'We could not take your details.',

  'sorry.parameters': 'We are sorry. Some details for this payment are missing, so we cannot take it now.',
  'sorry.system': 'We are sorry. Something has gone wrong on our side.',
  'sorry.timeout': 'We are sorry. The time for this payment has run out.',
  locked: 'We cannot take a payment by phone at this time.',
  'fail.agent': 'One moment. We are connecting you to an agent.',
  'fail.queue': 'One moment. We are connecting you to the next free agent.',
  'fail.return': 'You are returning to your agent.',
  'fail.leave': 'Your agent is still on the line.',
  'fail.hangup': 'This call will now end.',
  'parked.hold': 'You are on hold.',
  'parked.card': 'Your customer is entering the payment details.',
  'parked.sent': 'The payment is being processed.',
  bye: 'Goodbye.',
};

const kBritish: Texts = {
  ...kAmerican,
  'amount.enter': 'Enter the amount you want to pay. Use star for the decimal point, then press hash.',
  'amount.enter.implied': 'Enter the amount you want to pay, with two digits for the pence. Then press hash.',
  'amount.enter.whole': 'Enter the amount you want to pay, then press hash.',
  'amount.enter.help': 'For example, for twenty-five point five zero, press 2, 5, star, 5, 0, hash.',
  'amount.enter.help.implied': 'For example, for twenty-five point five zero, press 2, 5, 5, 0, hash.',
  'card.enter': 'Enter your card number, then press hash.',
  'card.enter.help':
    'The card number is the long number on the front of your card. To start again, press star.',
  'exp.enter': 'Enter the expiry date as four digits: two for the month and two for the year.',
  'start.enter':
    'Enter the start date as four digits: two for the month and two for the year. If there is none, press hash.',
  'issue.enter': 'Enter the issue number, then press hash. If there is none, press hash.',
  'cvv.enter.optional': 'If your card has no security code, press hash.',
  'postal.enter': 'Enter the digits of your postcode, then press hash.',
  'postal.enter.help': 'Enter only the digits of your postcode. Leave out letters and spaces.',
  'postal.invalid': 'That postcode is not valid.',
  'correct.exp': 'For the expiry date, press 2.',
  'correct.postal': 'For the postcode, press 5.',
  'correct.restart': 'To start again, press 9.',
};

export const kTexts: Readonly<Record<Locale, Texts>> = { 'en-US': kAmerican, 'en-GB': kBritish };

/** What the speech engine is given instead where it would read the text wrongly, word for word. */
export const kRespelled: readonly (readonly [RegExp, string])[] = [
  [/\bJCB\b/, 'J C B'],
  [/\bUATP\b/, 'U A T P'],
  [/\bUnionPay\b/, 'Union Pay'],
  [/\bRuPay\b/, 'Roo Pay'],
  [/\bElo\b/, 'Ello'],
  [/\bHiper(?=card\b|\b)/, 'Heeper'],
  [/\bMir\b/, 'Meer'],
  [/\bNaranja\b/, 'Narahnha'],
  [/\böre\b/, 'ora'],
];

/** Hints for a person who records the script. */
export const kNotes = {
  mid: 'Voice stays up: more words follow.',
  end: 'Voice falls: nothing follows.',
  runsOn: 'Runs on into a value: no full stop, no pause.',
  goesOn: 'Goes on after a value, in the same sentence.',
  sentence: 'Complete; friendly and unhurried.',
  tone: 'Not spoken: a soft tone.',
} as const;
