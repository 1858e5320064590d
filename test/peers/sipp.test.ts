import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import type { Phone } from './scenario.ts';
import { type PeersServer, type SessionView, startPeersServer } from './server.ts';
import { headerOf, type SipMessage } from './sip-log.ts';
import type { SippRun } from './sipp.ts';
import { callIdOf, expectAttached, expectQuiet, runFrozen, runWell } from './sipp-calls.ts';

vi.setConfig({ maxConcurrency: 50 }); // each call mostly waits for prompts to end

const kHasSipp = hasProgram('sipp');
const kAnyCarrier = mayUseRawSockets() ? 'event' : 'info';
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
let cancelled: PeersServer;
let repeated: PeersServer;

beforeAll(async () => {
  if (!kHasSipp) return;
  [server, perField, choice, orphan, cancelled, repeated] = await Promise.all([
    startPeersServer({ HUSHPAY_MEDIA_TIMEOUT_MS: '60000' }), // longer than the wait for an ACK
    startPeersServer({ HUSHPAY_PAYMENT_PROFILE: 'cloud-ivr' }),
    startPeersServer({
      HUSHPAY_PAYMENT_AMOUNT_POLICY: 'full_or_other',
      HUSHPAY_SIP_ON_MISSING_PARAMETERS: '484',
    }),
    startPeersServer({ HUSHPAY_GATEWAY_URL: 'http://127.0.0.1:1' }),
    startPeersServer(),
    startPeersServer(),
  ]);
});

afterAll(() =>
  Promise.all([server, perField, choice, orphan, cancelled, repeated].map((each) => each?.stop())),
);

/** Runs the scenario and looks everywhere a payment leaves something. */
async function play(at: PeersServer, { scenario, phone, by, row, isResultKnown = true, booked }: Case) {
  const run = await runWell(scenario, at.address, phone);
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

const kVisa = { ...kApproved, amountCharged: '50.25', brand: 'visa', last4: '4242' };
const kPaid: Omit<Case, 'title' | 'phone'> = {
  scenario: 'approved',
  by: 'BYE',
  row: kVisa,
  booked: ['approved 5025 4242'],
};

describe.skipIf(!kHasSipp)('a caller with SIPp (needs sipp)', { concurrent: true }, () => {
  describe.skipIf(!mayUseRawSockets())('with telephone-events (needs raw sockets: CAP_NET_RAW)', () => {
    it.each<Case>([
      { ...kPaid, title: 'pays', phone: { carrier: 'event', codec: 'PCMU' } },
      { ...kPaid, title: 'pays over A-law', phone: { carrier: 'event', codec: 'PCMA' } },
      {
        ...kPaid,
        title: 'pays by events of SIPp’s own making, of payload type 96',
        phone: { carrier: 'sipp-event' },
      },
      {
        scenario: 'declined-then-approved',
        title: 'pays with another card after a decline',
        by: 'BYE',
        row: { ...kVisa, brand: 'mastercard', last4: '4444', attempts: 2, declines: 1 },
        booked: ['declined 5025 0002', 'approved 5025 4444'],
      },
      {
        scenario: 'maximum-declines',
        title: 'is sent away after the third decline',
        by: 'BYE',
        row: {
          ...kVisa,
          result: 'DECLINED_MAX',
          outcome: 'declined',
          stageReached: 'MAX_DECLINES',
          amountCharged: null,
          last4: '9979',
          attempts: 3,
          declines: 3,
        },
        booked: ['declined 5025 0002', 'declined 5025 9995', 'declined 5025 9979'],
      },
      {
        scenario: 'declined-then-left',
        title: 'may leave after a decline',
        by: 'BYE',
        row: { result: 'DECLINED_LEFT', outcome: 'declined', attempts: 1, declines: 1, callerPresent: true },
        booked: ['declined 5025 0002'],
      },
      {
        ...kPaid,
        scenario: 'amount-below-minimum',
        title: 'enters an amount where the one asked is too small',
        phone: { headers: { 'X-Pay-Customer-Id': 'C-1001', 'X-Pay-Amount': '0.50' } },
        row: { ...kVisa, amountCharged: '25.50' },
        booked: ['approved 2550 4242'],
      },
      { ...kPaid, scenario: 'wrong-check-digit', title: 'keys the card again after a slip' },
      {
        ...kPaid,
        scenario: 'american-express',
        title: 'is asked for four digits of an American Express card',
        row: { ...kVisa, brand: 'amex', last4: '0005' },
        booked: ['approved 5025 0005'],
      },
      { ...kPaid, scenario: 'correction', title: 'corrects the expiry date from the summary' },
      {
        ...kPaid,
        scenario: 'sent-on-by-refer',
        title: 'is sent on with the result',
        phone: {
          headers: {
            'X-Pay-Customer-Id': 'C-1001',
            'X-Pay-Amount': '50.25',
            'X-Pay-Return-Uri': 'sip:shop@127.0.0.1:5099',
          },
        },
        by: 'REFER',
      },
    ])('$title', async (each) => {
      const { run, session } = await play(server, each);
      if (each.by === 'REFER') expectReferred(run, session);
    });

    it('confirms every field where the profile asks for it', async () => {
      await play(perField, { ...kPaid, scenario: 'confirmed-field-by-field' });
    });

    it('pays another amount than the balance', async () => {
      const row = { ...kVisa, amountCharged: '20.00' };
      await play(choice, {
        ...kPaid,
        scenario: 'other-than-full-amount',
        row,
        booked: ['approved 2000 4242'],
      });
    });
  });

  describe('with tones alone', () => {
    it.each<Case>([
      { ...kPaid, title: 'pays over µ-law', phone: { carrier: 'tone', codec: 'PCMU' } },
      { ...kPaid, title: 'pays over A-law', phone: { carrier: 'tone', codec: 'PCMA' } },
    ])('$title', async (each) => {
      await play(server, each);
    });
  });

  describe('with SIP INFO', () => {
    it.each<Case>([
      { ...kPaid, title: 'pays by application/dtmf-relay', phone: { carrier: 'info' } },
      { ...kPaid, title: 'pays by application/dtmf', phone: { carrier: 'info-bare' } },
    ])('$title', async (each) => {
      await play(server, each);
    });
  });

  describe('who hangs up', () => {
    const left = (stageReached: string): Case['row'] => ({
      result: 'HANGUP_BEFORE_AUTH',
      outcome: 'abandoned',
      stageReached,
      attempts: 0,
      callerPresent: false,
      announced: false,
      amountCharged: null,
    });
    const tooSmall = { 'X-Pay-Customer-Id': 'C-1001', 'X-Pay-Amount': '0.50' };
    it.each<Case>([
      { scenario: 'hang-up-in-greeting', by: '200', row: left('GREETING'), booked: [] },
      {
        scenario: 'hang-up-in-amount',
        phone: { headers: tooSmall },
        by: '200',
        row: left('AMOUNT_ENTRY'),
        booked: [],
      },
      { scenario: 'hang-up-in-card-entry', by: '200', row: left('PAN_ENTRY'), booked: [] },
      { scenario: 'hang-up-in-expiry', by: '200', row: left('EXPIRY_ENTRY'), booked: [] },
      { scenario: 'hang-up-in-cvv', by: '200', row: left('CVV_ENTRY'), booked: [] },
      { scenario: 'hang-up-in-summary', by: '200', row: left('SUMMARY'), booked: [] },
      {
        scenario: 'hang-up-in-flight',
        by: '200',
        isResultKnown: false,
        row: {
          ...kVisa,
          last4: '0820',
          stageReached: 'WAIT',
          callerPresent: false,
          announced: false,
        },
        booked: ['approved 5025 0820'],
      },
      {
        scenario: 'hang-up-after-approval',
        by: '200',
        row: { ...kVisa, callerPresent: false },
        booked: ['approved 5025 4242'],
      },
      {
        scenario: 'hang-up-after-decline',
        by: '200',
        row: {
          result: 'DECLINED_HANGUP',
          outcome: 'declined',
          stageReached: 'RETRY_MENU',
          attempts: 1,
          declines: 1,
          callerPresent: false,
        },
        booked: ['declined 5025 9995'],
      },
    ])('$scenario', async (each) => {
      await play(server, { ...each, phone: { carrier: kAnyCarrier, ...each.phone } });
    });
  });

  describe('whose call cannot pay', () => {
    const failed = { outcome: 'failed', attempts: 0, callerPresent: true, amountCharged: null };

    it('hears an apology when call data is missing', async () => {
      await play(server, {
        scenario: 'told-and-ended',
        phone: { headers: {} },
        by: 'BYE',
        row: { ...failed, result: 'INVALID_PARAMETERS' },
        booked: [],
      });
    });

    it('gets the status the configuration names when call data is missing', async () => {
      const run = await runWell('refused-with-484', choice.address, { headers: {} });
      expect(choice.sessionsOf(callIdOf(run))).toEqual([]);
    });

    it('hears that payments are not available when the gateway is down', async () => {
      await play(orphan, {
        scenario: 'told-and-ended',
        by: 'BYE',
        row: { ...failed, result: 'GATEWAY_UNAVAILABLE' },
        booked: [],
      });
    });
  });

  describe('at the edges of a call', () => {
    it('leaves no session when it cancels before the answer', async () => {
      const run = await runFrozen('cancelled-before-answer', cancelled);
      expect(cancelled.sessionsOf(callIdOf(run))).toEqual([]);
      await expectQuiet(cancelled);
    });

    it('is one call however often its INVITE comes', async () => {
      const run = await runFrozen('invite-retransmitted', repeated);
      expect(repeated.sessionsOf(callIdOf(run))).toHaveLength(1);
      const tags = received(run, '200').map((message) => headerOf(message, 'To'));
      expect(new Set(tags).size).toBe(1);
    });

    it('gets the answer again until an ACK arrives', async () => {
      const run = await runWell('ack-comes-late', server.address);
      const answers = received(run, '200').filter((each) => headerOf(each, 'CSeq') === '1 INVITE');
      expect(answers.length).toBeGreaterThan(2); // after 0, 0.5 and 1.5 s
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    });

    it('is given up when no ACK ever arrives', async () => {
      const run = await runWell('ack-never-comes', server.address);
      const [id = ''] = server.sessionsOf(callIdOf(run));
      expect(await server.ended(id)).toMatchObject({ result: 'HANGUP_BEFORE_AUTH', callerPresent: false });
      expect(headerOf(received(run, 'BYE')[0], 'Reason')).toContain('ACK timeout');
    });

    it('ends once when both hang up at the same time', async () => {
      await play(server, {
        scenario: 'byes-cross',
        phone: { headers: {} },
        by: 'BYE',
        row: { result: 'INVALID_PARAMETERS', outcome: 'failed' },
        booked: [],
      });
    });
  });
});

describe.skipIf(!kHasSipp)('after all these calls (needs sipp)', () => {
  it('no digit of a card is in any log or database', () => {
    for (const each of [server, perField, choice, orphan]) expect(each.tracesOf(kCards)).toEqual([]);
  });

  it('no session is open', async () => {
    for (const each of [server, perField, choice, orphan]) {
      const metrics = await (await fetch(`${each.httpUrl}/metrics`)).text();
      const active = metrics.match(/^\w*sessions_active\{.*\} (\d+)$/gm) ?? [];
      expect(active.filter((line) => !line.endsWith(' 0'))).toEqual([]);
    }
  });
});

function received({ messages }: SippRun, what: string): readonly SipMessage[] {
  return messages.filter((message) => message.direction === 'received' && message.what === what);
}

/** The call to come gets the result too, escaped in Refer-To (RFC 3261 section 19.1.1). */
function expectReferred(run: SippRun, session: SessionView): void {
  const [refer] = received(run, 'REFER');
  const target = /^<(sip:[^?]+)\?(.*)>$/.exec(headerOf(refer, 'Refer-To') ?? '');
  expect(target?.[1]).toBe('sip:shop@127.0.0.1:5099');
  const headers = new URLSearchParams(target?.[2]);
  expect(headers.get('X-Pay-Result')).toBe('APPROVED');
  expect(headers.get('X-Pay-Session')).toBe(session.id);
  expect(headers.get('X-Pay-Transaction')).toBe(session.transactionId);
  expect(headerOf(received(run, 'BYE')[0], 'X-Pay-Result')).toBe('APPROVED');
}
