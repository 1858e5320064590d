import { z } from 'zod';
import { choice, flag, list, optionalText, requiredText, section, special, wholeNumber } from './keys.ts';

const kMinuteMs = 60_000;
const kTrunkName = { expects: 'name of a trunk', pattern: /^[\w-]{1,32}$/ };
/** What no list may pass on: it belongs to one leg, or says what only we may say. */
const kOwnHeaders =
  /^(via|from|to|call-id|cseq|contact|route|record-route|max-forwards|content-.*|require|proxy-.*|supported|allow|allow-events|authorization|www-authenticate|session-expires|min-se|rseq|rack|replaces|refer-.*|event|subscription-state|x-hushpay-.*|x-pay-.*)$/i;
const kHeaderName = /^[\w-]{1,64}$/;

const kRoute = z.strictObject({
  dialled: requiredText('A called number or name; one that ends in `*` stands for all that begin so.', {
    expects: 'user part of a SIP URI such as `+4420*`',
    pattern: /^[\w+.*#~-]{1,64}$/,
  }),
  from: optionalText('Trunk the calls come by; null: any.', kTrunkName),
  target: requiredText('Where they go; `{dialled}` stands for what was dialled.', {
    expects: 'SIP URI such as `sip:{dialled}@pbx.example.net`',
    pattern: /^sips?:[^\s<>"?,]+$/,
  }),
  through: requiredText(
    'Trunk the other leg belongs to: its codecs, encryption, credentials and rights hold there.',
    kTrunkName,
  ),
  customer: choice('Who of the two pays: who calls, or who is called.', ['caller', 'callee'], 'caller'),
});

/** Calls that pass through hushpay. */
export const kInlineSection = section({
  routes: list(
    'Calls that pass through: which, and where they go on to. The first that fits counts.',
    'list of sections with the keys `inline.routes[]…`',
    kRoute,
    [],
  ),
  featureCode: special(
    z
      .string()
      .regex(/^[*#][0-9A-D*#]{1,10}$/)
      .nullable()
      .default('*729#'),
    {
      sentence: 'Keys by which an agent begins a payment, and cancels one that runs.',
      expects: '`*` or `#` and up to ten keys more, or `null`',
    },
  ),
  hideFeatureCode: choice(
    'From when on the agent’s keys are kept from the customer: the second key of a code (`after_first_key`), all the time (`always`), which delays the agent’s voice by 20 ms, or all the time only where keys may come as tones (`auto`): the agent’s phone has agreed on no telephone-events, or sent a tone before.',
    ['after_first_key', 'always', 'auto'],
    'auto',
  ),
  agentHears: choice(
    'What the agent hears of a payment: `all_but_keys`, or `nothing` but hold audio until it has ended (a secure transfer).',
    ['all_but_keys', 'nothing'],
    'all_but_keys',
  ),
  passHeaders: special(
    z
      .array(z.string().refine((name) => kHeaderName.test(name) && !kOwnHeaders.test(name)))
      .default(['User-to-User', 'P-Asserted-Identity', 'Privacy', 'Diversion', 'History-Info', 'Reason']),
    {
      sentence: 'Headers that go on from one leg to the other, in requests and answers; no others do.',
      expects:
        'list of header names, none that belongs to one leg (such as `Contact`) or begins with `X-Pay-`',
    },
  ),
  ringMs: wholeNumber('A call of ours that is not answered in this time is given up: 408.', {
    min: 1_000,
    max: 10 * kMinuteMs,
    unit: 'ms',
    default: 120_000,
  }),
  tellResult: choice(
    'How the agent’s PBX learns the result: at once, by a re-INVITE that carries it, or with the BYE alone.',
    ['reinvite', 'bye'],
    'bye',
  ),
});

/** How a caller goes on when the payment has ended. */
export const kHandOverSection = section({
  method: choice(
    'How a call goes to its next destination: the peer is asked to call it (`refer`); we call it, then ask the peer to take our place there (`attended`: REFER with Replaces); we call it and stay between the two (`bridge`); or the peer knows itself, and gets the result with the BYE (`bye`) or before it (`reinvite`).',
    ['refer', 'attended', 'bridge', 'bye', 'reinvite'],
    'refer',
  ),
  bridgeWhenRefused: flag(
    'A peer that refuses REFER: we call the destination ourselves and stay between the two.',
    true,
  ),
  through: optionalText(
    'Trunk our calls to destinations belong to; null: the one the call came by.',
    kTrunkName,
  ),
  join: choice(
    'A customer and an agent in a room, when the payment has ended: they go on talking here, or the PBX both came by is asked to join them without us (REFER with Replaces).',
    ['here', 'refer'],
    'here',
  ),
  waitMs: wholeNumber('After a result by re-INVITE, how long we wait for the peer to hang up.', {
    min: 0,
    max: kMinuteMs,
    unit: 'ms',
    default: 5_000,
  }),
});
