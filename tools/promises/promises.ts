import type { Claim } from './claim.ts';

/** What hushpay promises of bad days, and of digits. */
export const kPromises: readonly Claim[] = [
  {
    name: 'R1',
    sentence: 'At most one charge for a payment under any single fault.',
    checks: [
      'test/integration/gateway-faults.test.ts › at most one charge, and every payment ends as it really was',
      'test/integration/payment-deaths.test.ts › wherever between entry and verdict the process is killed',
      'test/long/money/process-faults.test.ts › killed at every turn of a payment',
      'test/long/money/gateway-faults.test.ts › whatever byte a connection is cut at',
    ],
  },
  {
    name: 'R2',
    sentence:
      "Whatever may have reached the gateway is final within five minutes of the fault's end, or waits for a person by name.",
    checks: [
      'test/integration/gateway-faults.test.ts › at most one charge, and every payment ends as it really was',
      'test/unit/payment/reconciler.test.ts › needs a person a day after it was sent',
      'test/long/exhaustion/clock.test.ts › back and forth by hours under a payment cuts no call and changes no outcome',
      'test/long/exhaustion/clock.test.ts › keeps nobody from taking it back in minutes',
    ],
  },
  {
    name: 'R3',
    sentence:
      'SIGTERM cuts no call: not ready at once, 503 with Retry-After to new calls, an end when the last payment is made.',
    checks: [
      'test/integration/kill.test.ts › cuts no call when the worker is killed and SIGTERM comes under twenty calls that pay',
    ],
  },
  {
    name: 'R4',
    sentence:
      'A killed process costs no payment its truth: a media worker is replaced under its calls, the edge comes back on its port, control finishes what it had begun.',
    checks: [
      'test/integration/media-handover.test.ts › go on in the next one: same port, same stream, no number twice',
      'test/integration/kill.test.ts › keeps every promise when the',
      'test/integration/edge-process.test.ts › it is back on the same ports, ends the calls it had',
      'test/unit/process/child.test.ts › dies again and again is given up',
      'test/long/kill/kill.test.ts › keeps every promise over',
      'test/integration/payment-deaths.test.ts › the process is killed',
      'test/long/exhaustion/crash-loop.test.ts › gives up after twelve deaths, and ends with 70',
      'test/long/exhaustion/heap.test.ts › dies and leaves no card behind, and the next one has true books',
      'test/long/exhaustion/exhaustion.test.ts › has no file descriptors left in control lives on',
      'test/long/exhaustion/exhaustion.test.ts › has another one, and says so',
    ],
  },
  {
    name: 'R5',
    sentence: 'Memory, handles and timers stay level under load.',
    checks: [
      'test/long/soak/soak.test.ts › leave memory, handles and timers level',
      'test/long/sip/soak.test.ts › with level memory',
    ],
  },
  {
    name: 'R6',
    sentence: 'No message crashes a process.',
    checks: [
      'test/integration/edge-torture.test.ts › torture',
      'test/long/sip/edge-fuzz.test.ts › datagrams',
      'test/long/media/native-fuzz.test.ts › of inputs',
      'test/long/fuzz/api.test.ts › requests of chance',
      'test/long/fuzz/webhooks.test.ts › as chance has it',
    ],
  },
  {
    name: 'R7',
    sentence: 'At twice the load it admits, running calls keep their audio and new ones get 503.',
    checks: [
      'test/long/media/admission.test.ts › leave running calls their audio at twice the load it admits',
      'test/long/media/admission.test.ts › are refused with 503 and Retry-After',
      'test/integration/overload.test.ts › refuses twice the calls it admits with 503 and Retry-After',
    ],
  },
  {
    name: 'R8',
    sentence: 'A gateway that is down is found out, and callers are told within three seconds.',
    checks: [
      'test/unit/gateway/breaking.test.ts › has the caller told within three seconds',
      'test/unit/call/ivr-call.test.ts › tells the caller at once that the gateway is down',
      'test/unit/process/known-answers.test.ts › goes on for a day while the resolver is silent',
      'test/long/exhaustion/names.test.ts › the resolver will not say any more is paid at where it was last',
      'test/long/exhaustion/names.test.ts › nobody knows any more ends its payments with nothing charged',
      'test/long/exhaustion/names.test.ts › was never said, for want of a resolver',
      'test/long/exhaustion/names.test.ts › the resolver will not say is called where it was last',
    ],
  },
  {
    name: 'R9',
    sentence: 'Nothing is sent to a gateway that the disk does not have.',
    checks: [
      'test/unit/store/durability.test.ts › sends nothing to the gateway before the disk has the intent',
      'test/unit/store/durability.test.ts › that the disk would not keep is refused',
      'test/long/money/process-faults.test.ts › the disk full from every turn of a payment',
      'test/long/exhaustion/exhaustion.test.ts › sends nothing to the gateway without room for the intent',
      'test/long/exhaustion/exhaustion.test.ts › finds its database locked sends nothing to the gateway',
      'test/long/exhaustion/database.test.ts › starts on none that are damaged',
      'test/long/exhaustion/database.test.ts › does not start where it may not write',
      'test/long/exhaustion/database.test.ts › that are damaged beneath it sends nothing to the gateway',
      'test/unit/store/damage.test.ts › takes no intent any more once that is found',
      'test/unit/store/session-writer.test.ts › that a full disk refused are written in their order when there is room',
    ],
  },
  {
    name: 'R10',
    sentence: 'Card numbers are in memory only, and gone five seconds after the end.',
    checks: [
      'test/integration/leak-sweep.test.ts › leave no card number anywhere',
      'test/long/leak/leak-sweep.test.ts › leave no card number anywhere',
      'test/integration/media-leak.test.ts › an eavesdropper at his best, on what the agent receives',
    ],
  },
];
