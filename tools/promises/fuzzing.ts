import type { Claim } from './claim.ts';

/** Everything that is thrown at what reads from outside: what `npm run test:long -- fuzz` runs and reports on. */
export const kFuzzing: readonly Claim[] = [
  {
    name: 'SIP torture',
    sentence: 'RFC 4475, RFC 5118 and messages that broke other SIP servers, by UDP, TCP and TLS.',
    checks: [
      'test/integration/edge-torture.test.ts › over',
      'test/integration/edge-torture.test.ts › and it is the same process as before',
    ],
  },
  {
    name: 'SIP corpus',
    sentence: 'The same, inside the edge: no timer, transaction or dialog is left.',
    checks: [
      'test/unit/edge/hostile.test.ts › a message that broke a SIP server once',
      'test/unit/edge/torture.test.ts › torture messages',
    ],
  },
  {
    name: 'SIP parser',
    sentence: 'Texts of chance.',
    checks: ['test/unit/edge/sip/parse.test.ts › whatever comes, the parser answers, in bounded form'],
  },
  {
    name: 'SIP port',
    sentence: 'A million mutated datagrams: alive, bounded, and nothing left afterwards.',
    checks: ['test/long/sip/edge-fuzz.test.ts › mutated datagrams'],
  },
  {
    name: 'Media parsers',
    sentence:
      'libFuzzer under AddressSanitizer and UndefinedBehaviorSanitizer: RTP, RTCP, events, SRTP, STUN, DTLS, WAV, commands, whole sessions.',
    checks: ['test/long/media/native-fuzz.test.ts › s of inputs'],
  },
  {
    name: 'Gateway answers',
    sentence: 'JSON, XML and forms of chance and of malice, in the name of every gateway.',
    checks: [
      'test/unit/gateway/any-reply.test.ts › makes something of every reply',
      'test/unit/gateway/rest-reply.test.ts › makes something of every reply, and an approval only of an approval',
      'test/unit/gateway/xml-replies.test.ts › is nothing with',
      'test/unit/gateway/xml-replies.test.ts › it is unknown',
    ],
  },
  {
    name: 'HTTP API',
    sentence: 'Requests of chance to every route, and connections that speak no HTTP.',
    checks: [
      'test/long/fuzz/api.test.ts › requests of chance',
      'test/long/fuzz/api.test.ts › that speak no HTTP',
    ],
  },
  {
    name: 'Webhook receivers',
    sentence: 'Answers of chance to what hushpay tells others.',
    checks: ['test/long/fuzz/webhooks.test.ts › as chance has it'],
  },
];
