import { z } from 'zod';
import type { BrandId } from '../card/brand.ts';
import { kPaymentTypes } from '../ports/payment-gateway.ts';
import { choice, flag, optionalText, section, special, text, wholeNumber } from './keys.ts';

const kMinute = 60_000;
// The order is the one prompts name them in. Every brand the card rules know, retired schemes last.
const kBrands = [
  ...[
    'visa',
    'mastercard',
    'amex',
    'discover',
    'diners',
    'jcb',
    'unionpay',
    'maestro',
    'elo',
    'hiper',
    'hipercard',
  ],
  ...['mir', 'troy', 'rupay', 'verve', 'naranja', 'dankort', 'bancontact', 'uatp', 'solo', 'switch', 'laser'],
] as BrandId[];
export const kAmount = {
  expects: 'amount in major units as text, such as `"25.00"`',
  pattern: /^\d{1,10}(\.\d{1,4})?$/,
};
const kRoute = {
  expects: '`return`, `agent`, `queue`, `hangup` or a SIP URI',
  pattern: /^(return|agent|queue|hangup|sip:[^\s<>"]+)$/,
};
const kSipUri = { expects: 'SIP URI', pattern: /^sips?:[^\s<>"]+$/ };

function milliseconds(sentence: string, value: number, max = kMinute) {
  return wholeNumber(sentence, { min: 500, max, unit: 'ms', default: value });
}

function times(sentence: string, value: number, max: number) {
  return wholeNumber(sentence, { min: 1, max, unit: 'times', default: value });
}

/** What decides about a conversation (PaymentPolicy), as people write it: amounts in major units. */
export const kPaymentKeys = {
  profile: choice(
    'How the conversation goes: everything confirmed at the end, or each field as it is keyed. Sets defaults of the keys below.',
    ['pureconnect-ivr', 'cloud-ivr'],
    'pureconnect-ivr',
  ),
  operation: choice(
    'What is done with the card unless a call says otherwise: charge it, hold the amount for a later capture, look whether it is good, or keep a token.',
    [...kPaymentTypes],
    'sale',
  ),
  amount: section({
    policy: choice(
      'Pay exactly the amount asked, choose between it and another, or enter one. A call without an amount enters one where the profile lets it.',
      ['fixed', 'full_or_other', 'enter'],
      'fixed',
    ),
    min: optionalText('Smallest payment.', kAmount, '1.00'),
    max: optionalText('Largest payment.', kAmount, '5000.00'),
    perCustomer: optionalText(
      'The most one customer may pay within `perCustomerMs`, payments of unknown outcome included; `null`: no limit.',
      kAmount,
    ),
    perCustomerMs: wholeNumber('How long a payment counts against `perCustomer`.', {
      min: kMinute,
      max: 366 * 24 * 60 * kMinute,
      unit: 'ms',
      default: 24 * 60 * kMinute,
    }),
    entry: choice(
      'Keying amounts: star is the decimal point, or keys are minor units.',
      ['star', 'implied'],
      'star',
    ),
    allowOverpay: flag('A caller may enter more than the balance.', false),
  }),
  cards: section({
    allowed: special(
      z.array(z.enum(kBrands)).min(1).default(['visa', 'mastercard', 'amex', 'discover', 'diners', 'jcb']),
      {
        sentence: 'Cards that are taken.',
        expects: `list of ${kBrands.map((brand) => `\`${brand}\``).join(', ')}`,
      },
    ),
    cvv: choice('Ask for the security code.', ['required', 'off'], 'required'),
    postalCode: choice('Ask for the postal code.', ['required', 'off'], 'off'),
    legacyFields: flag('Ask for start date and issue number of retired UK schemes.', false),
  }),
  confirm: section({
    policy: choice(
      'Confirm everything in one summary, each field, or both.',
      ['summary', 'per_field', 'both'],
      'summary',
    ),
    card: choice('How much of the card number is read back.', ['last4', 'full'], 'last4'),
    cvv: choice('How the security code is confirmed.', ['off', 'count', 'digits'], 'off'),
  }),
  declines: section({
    max: times('Declines after which the conversation ends.', 3, 10),
    autoRetry: flag('Ask for another card without asking whether to.', false),
    wording: choice('What a decline tells the caller.', ['generic', 'actionable'], 'generic'),
    onReached: section({
      result: text(
        'Result code of a call that used up its declines.',
        {
          expects: 'capital letters, digits, `_`, at most 32',
          pattern: /^[A-Z][A-Z0-9_]{0,31}$/,
        },
        'DECLINED_MAX',
      ),
      route: special(z.string().regex(kRoute.pattern).default('agent'), {
        sentence: 'Where such a call goes.',
        expects: kRoute.expects,
      }),
    }),
  }),
  input: section({
    attempts: times('Tries per field, wrong and missing entries together.', 3, 10),
    sessionErrors: times('Wrong and missing entries a whole session may have.', 8, 50),
    corrections: times('Corrections from the summary.', 5, 20),
    firstDigitMs: milliseconds('Wait for the first key.', 8000),
    cardFirstDigitMs: milliseconds('Wait for the first key of the card number.', 20_000),
    interDigitMs: milliseconds('Wait between keys.', 5000),
    cardInterDigitMs: milliseconds('Wait between keys of the card number.', 8000),
    doubleStarMs: wholeNumber('A second star within this opens the escape menu.', {
      min: 300,
      max: 5000,
      unit: 'ms',
      default: 1200,
    }),
    pace: choice('`relaxed` doubles every wait above.', ['normal', 'relaxed'], 'normal'),
  }),
  hangup: section({
    inFlight: choice(
      'A caller who hangs up while the payment is on its way: keep it, or take it back.',
      ['keep', 'reverse'],
      'keep',
    ),
  }),
  idv: section({
    required: flag('A caller who is not identified goes no further.', true),
    target: optionalText('Where callers are identified.', kSipUri),
    method: choice(
      'How callers get there: we call it and stay between the two (`bridge`), or they are sent there by REFER and come back by a call to `X-Pay-Return-Uri` (`refer`).',
      ['bridge', 'refer'],
      'bridge',
    ),
    timeoutMs: milliseconds('Wait for the identification.', 5 * kMinute, 30 * kMinute),
  }),
  escape: choice('What key 3 of the escape menu means.', ['cancel', 'agent'], 'agent'),
  session: section({
    maxMs: milliseconds(
      'A conversation ends after this; waiting for the gateway does not count.',
      10 * kMinute,
      60 * kMinute,
    ),
    holdMs: milliseconds(
      'Waits stand still for so long while the caller holds the call.',
      2 * kMinute,
      30 * kMinute,
    ),
  }),
  consent: flag('Play the consent notice before the card is asked for.', false),
  agent: section({
    onLost: choice('A payment whose agent hangs up: goes on, or ends.', ['continue', 'abort'], 'continue'),
    onPaid: special(
      z
        .string()
        .regex(/^(back|return|agent|queue|hangup|sip:[^\s<>"]+)$/)
        .default('back'),
      {
        sentence:
          'Where a customer goes who has paid while the agent was parked; an agent who is not wanted back gets the result and a BYE.',
        expects: '`back`, `return`, `agent`, `queue`, `hangup` or a SIP URI',
      },
    ),
    clamp: choice(
      'What an agent hears in place of a key.',
      ['comfort_noise', 'silence', 'neutral_tone'],
      'comfort_noise',
    ),
    parked: choice(
      'What a parked agent hears: a tone now and then, how far the payment is, or nothing.',
      ['hold', 'status', 'silence'],
      'hold',
    ),
  }),
  failRoute: special(z.string().regex(kRoute.pattern).default('agent'), {
    sentence: 'Where a call goes that could not pay.',
    expects: kRoute.expects,
  }),
};

export const kPaymentSection = section(kPaymentKeys);
