import type { Claim } from './claim.ts';

const kUnit = 'test/unit';
const kWhole = 'test/integration';
const kNative = 'native/test';

/** Where card digits are, and where they are not. */
export const kCardHardening: readonly Claim[] = [
  {
    name: 'Digits in memory',
    sentence:
      'Card digits are bytes in one arena outside the JavaScript heap, in pages that are never swapped out, wiped at every end; no rule, log, error, clone or view shows or copies them; request bodies are wiped as well, and no heap snapshot has a digit in any string.',
    checks: [
      `${kUnit}/telemetry/locked-memory.test.ts › card digits are in pages that no swap device, core file or child gets`,
      `${kUnit}/dtmf/keypad.test.ts › leaves no key of a card behind but where it is wiped`,
      `${kUnit}/media/session.test.ts › leaves no key behind in what it told`,
      `${kUnit}/gateway/http-exchange.test.ts › is zeroed: it may have echoed the card`,
      `${kUnit}/card/card-secret.test.ts › is off the V8 heap, so that no copy of it stays behind`,
      `${kUnit}/card/card-secret.test.ts › is zero everywhere once wiped, also for a view that got away`,
      `${kUnit}/card/card-secret.test.ts › throws at any use once wiped`,
      `${kUnit}/card/card-secret.test.ts › shows nothing to inspection, formatting, JSON, enumeration or cloning`,
      `${kUnit}/card/memory.test.ts › leaves nothing behind when it is wiped, after every rule has looked at it`,
      `${kWhole}/conversation-memory.test.ts › would be found: a card that is being keyed is`,
      `${kWhole}/gateway-memory.test.ts › is none after`,
      `${kUnit}/gateway/secure-http.test.ts › refuses a body that is too small to stay off the heap, and zeroes it`,
      'test/long/leak/heap-snapshot.test.ts › hold no digit of the card in any string',
    ],
  },
  {
    name: 'Wiped at every end',
    sentence:
      'A card is wiped at the verdict, when the caller hangs up, an agent cancels or the session takes too long; a process that dies takes it along, and leaves no core file. What the media worker remembers of presses, to know their late packets by, is overwritten within seconds in a call that goes on.',
    checks: [
      `${kUnit}/dialog/interruptions.test.ts › the card is wiped`,
      `${kWhole}/conversation-memory.test.ts › is none: `,
      `${kNative}/event_receiver_test.cc › nothing of a press is left once no packet of it is expected any more`,
      `${kNative}/press_pairs_test.cc › nothing of a press is left once no report of it is expected any more`,
      `${kNative}/tone_detector_test.cc › keys keep out of the memory of a detector that goes on, once nobody keys`,
      `${kWhole}/serve.test.ts › leaves no core file, nor do its children`,
      `${kWhole}/leak-sweep.test.ts › what a crash left`,
    ],
  },
  {
    name: 'How cards are sent',
    sentence:
      'Only through the client that wipes what it sends: gateways import no other, and `fetch` is in none of them.',
    checks: [`${kUnit}/architecture.test.ts › send cards by the one client that wipes them`],
  },
  {
    name: 'Memory is private',
    sentence:
      'Production refuses to start with core files, inspector, heap snapshots, reports, TLS key logs or talkative packages; SIGUSR1 opens nothing; nobody of the same user may look into control or media workers, and no core file is left where those would go to a program.',
    checks: [
      `${kUnit}/telemetry/hardening.test.ts › refuses production with`,
      `${kUnit}/telemetry/hardening.test.ts › closes the memory of a process to others of its user`,
      `${kWhole}/serve.test.ts › inspector, heap snapshots and TLS key logs in production`,
      `${kWhole}/serve.test.ts › memory that could be shown in production`,
      `${kWhole}/serve.test.ts › opens no inspector on SIGUSR1, and prints no SIP messages for whoever debugs packages`,
      `${kWhole}/serve.test.ts › leaves no core file, nor do its children`,
    ],
  },
  {
    name: 'The last net',
    sentence:
      'Every sink has no field for a card number, and behind that a net: log lines, records, answers, webhooks, traces, HEP and ladders mask whatever looks like one; a test fails when the net was needed.',
    checks: [
      `${kUnit}/telemetry/log.test.ts › does not show a card number in`,
      `${kUnit}/card/card-like.test.ts › card-like digits`,
      `${kUnit}/gateway/masked-reply.test.ts › maskCard`,
      `${kUnit}/gateway/any-reply.test.ts › and says nothing of what a reply echoes where a word of the gateway belongs`,
      `${kUnit}/api/api.test.ts › shows no card number that a peer wrote into the call data`,
      `${kUnit}/webhook/webhooks.test.ts › tell what was asked for, signed, with nothing of a card that a peer wrote`,
      `${kUnit}/edge/trace/masking.test.ts › , and keeps the length`,
      `${kUnit}/telemetry/call-traces.test.ts › hold no card, whatever a number or a text of it is called`,
      `${kWhole}/leak-sweep.test.ts › leave no card number anywhere`,
    ],
  },
];
