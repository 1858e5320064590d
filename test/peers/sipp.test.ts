import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import type { Phone } from './scenario.ts';
import { type PeersServer, type SessionView, startPeersServer } from './server.ts';
import { headerOf, type SipMessage } from './sip-log.ts';
import { runSipp, type SippRun } from './sipp.ts';

vi.setConfig({ maxConcurrency: 50 }); // each call mostly waits for prompts to end

const kHasSipp = hasProgram('sipp');
const kCards = [
  '4242424242424242',
  '4242424242424241',
  '5555555555554444',
  '378282246310005',
  '4000000000000002',
  '4000000000009995',
  '4000000000009979',
  '4000000000000820',
];
const kApproved = {
  result: 'APPROVED',
  outcome: 'success',
  stageReached: 'REFERENCE',
  attempts: 1,
  declines: 0,
  callerPresent: true,
  announced: true,
} as const;
const kLeft = { outcome: 'abandoned', attempts: 0, declines: 0, callerPresent: false, amountCharged: null };

interface Case {
  readonly scenario: string;
  readonly title?: string;
  readonly phone?: Partial<Phone>;
  /** Which message brings the result. */
  readonly by: 'BYE' | '200' | 'REFER';
  /** The row; its `result` is expected in the message too, unless that comes too early to know. */
  readonly row: Partial<SessionView>;
  readonly isResultKnown?: boolean;
  /** What the bank booked, as `state minor-units last-four`. */
  readonly booked: readonly string[];
}

let server: PeersServer;
let perField: PeersServer;
let choice: PeersServer;
let orphan: PeersServer;

beforeAll(async () => {
  if (!kHasSipp) return;
  [server, perField, choice, orphan] = await Promise.all([
    startPeersServer(),
    startPeersServer({ HUSHPAY_PAYMENT_PROFILE: 'cloud-ivr' }),
    startPeersServer({
      HUSHPAY_PAYMENT_AMOUNT_POLICY: 'full_or_other',
      HUSHPAY_SIP_ON_MISSING_PARAMETERS: '484',
    }),
    startPeersServer({ HUSHPAY_GATEWAY_URL: 'http://127.0.0.1:1' }),
  ]);
});

afterAll(() => Promise.all([server, perField, choice, orphan].map((each) => each?.stop())));

/** Runs the scenario and looks everywhere a payment leaves something. */
async function play(at: PeersServer, { scenario, phone, by, row, isResultKnown = true, booked }: Case) {
  const run = await runSipp(scenario, at.address, phone);
  expect({ exit: run.exit, errors: run.errors }).toEqual({ exit: 0, errors: '' });
  const last = run.messages.findLast(({ direction, what }) => direction === 'received' && what === by);
  const session = await at.ended(headerOf(last, 'X-Pay-Session') ?? '');
  expect(session).toMatchObject(row);
  expect(headerOf(last, 'X-Pay-Result')).toBe(isResultKnown ? row.result : undefined);
  if (isResultKnown) expectAttached(last, session);
  expect(at.sessionsOf(callIdOf(run))).toEqual([session.id]);
  expect(
    at.booked(session.paymentRef).map(({ state, amount, last4 }) => `${state} ${amount.minor} ${last4}`),
  ).toEqual(booked);
  return { run, session };
}

/** The same result in every header that carries it. */
function expectAttached(message: SipMessage | undefined, session: SessionView): void {
  expect(headerOf(message, 'X-Pay-Transaction')).toBe(session.transactionId ?? undefined);
  const userToUser = headerOf(message, 'User-to-User') ?? '';
  expect(userToUser).toMatch(/^[0-9a-f]+;encoding=hex$/);
  const parts = Buffer.from(userToUser.split(';')[0] ?? '', 'hex')
    .toString()
    .split(';');
  expect(parts).toContain(`r=${session.result}`);
  expect(parts).toContain(`s=${session.id}`);
}

function callIdOf({ messages }: SippRun): string {
  return headerOf(messages[0], 'Call-ID') ?? '';
}

describe.skipIf(!kHasSipp)('a caller with SIPp (needs sipp)', { concurrent: true }, () => {
  describe.skipIf(!mayUseRawSockets())(
    'pays by telephone-events (needs raw sockets: root or CAP_NET_RAW)',
    () => {
      it.each<Case>([
        {
          scenario: 'approved',
          by: 'BYE',
          row: { ...kApproved, amountCharged: '50.25', brand: 'visa', last4: '4242' },
          booked: ['approved 5025 4242'],
        },
      ])('$scenario', (each) => play(server, each));
    },
  );
});
