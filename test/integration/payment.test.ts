import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../src/gateway/simulator-bank.ts';
import type { CallerOptions } from '../../src/phone/caller.ts';
import { hurriedKeys, PaymentLab, resultOf } from '../support/payment-lab.ts';
import { startRawServer } from '../support/raw-server.ts';

const kApproved = '4242424242424242';
const kNoFunds = '4000000000009995';
const kSlow = '4000000000000820'; // approved after 6 s
const kKeysOfPayment = 25; // 16 and #, 4, 3, 1
const kWays: readonly (readonly [string, Partial<CallerOptions>])[] = [
  ['telephone-events', { carrier: 'event' }],
  ['telephone-events beside A-law', { carrier: 'event', codec: 'PCMA' }],
  ['tones in mu-law', { carrier: 'tone' }],
  ['tones in A-law', { carrier: 'tone', codec: 'PCMA' }],
  ['SIP INFO', { carrier: 'info' }],
  ['telephone-events and tones at once', { carrier: 'event+tone' }],
];

describe('a payment by telephone', () => {
  let lab: PaymentLab;
  beforeAll(async () => {
    lab = await PaymentLab.start();
  });
  afterAll(() => lab.stop());

  const ledgerOf = (paymentRef: unknown): LedgerEntry[] =>
    lab.setting.bank.ledger().filter((entry) => entry.paymentRef === paymentRef);

  describe.concurrent('is approved', () => {
    it.each(kWays)('with keys as %s', async (_, options) => {
      const caller = await lab.answered(options);
      expect(await caller.follow([...hurriedKeys(kApproved), lab.atStage(caller, 'APPROVED')])).toBe(true);
      await caller.hangUp();

      const result = await resultOf(caller);
      const record = await lab.record(caller);
      expect(result).toMatchObject({ by: 'caller', result: 'APPROVED', session: record['id'] });
      expect(record).toMatchObject({
        result: 'APPROVED',
        outcome: 'success',
        amountCharged: '50.25',
        brand: 'visa',
        last4: '4242',
        attempts: 1,
        transactionId: result['transaction'],
        submissions: [{ state: 'APPROVED', amount: '50.25' }],
      });
      expect(ledgerOf(record['paymentRef'])).toMatchObject([
        { state: 'approved', amount: { minor: 5025 }, last4: '4242', submissions: 1 },
      ]);
      const hex = result['userToUser']?.split(';')[0] ?? '';
      expect(Buffer.from(hex, 'hex').toString()).toContain('r=APPROVED');
    });
  });

  it('counts each key press once, whatever carried it', async () => {
    expect(await lab.pressCount()).toBe(kWays.length * kKeysOfPayment);
  });

  describe.concurrent('takes its course', () => {
    it('is heard to its end, and the caller is sent on with the result', async () => {
      const caller = await lab.answered({}, { 'X-Pay-Return-Uri': 'sip:desk@pbx.example.net' });
      const listening = [{ hear: 'prompt' }, { key: '2' }] as const;
      await caller.follow([...hurriedKeys(kApproved), lab.atStage(caller, 'REFERENCE'), ...listening]);

      const result = await resultOf(caller);
      expect(result).toMatchObject({ by: 'server', result: 'APPROVED' });
      const [target = ''] = caller.call.referTargets;
      expect(target).toMatch(/^sip:desk@pbx\.example\.net\?/);
      const handedOn = new URLSearchParams(target.split('?')[1]);
      expect(handedOn.get('X-Pay-Result')).toBe('APPROVED');
      expect(handedOn.get('X-Pay-Transaction')).toBe(result['transaction']);
      expect(await lab.record(caller)).toMatchObject({ announced: true, callerPresent: true });
    });

    it('is declined, tried again with another card and approved', async () => {
      const caller = await lab.answered();
      await caller.follow([
        ...hurriedKeys(kNoFunds),
        lab.atStage(caller, 'RETRY_MENU'),
        { speakOver: '1' },
        lab.atStage(caller, 'PAN_ENTRY'),
        ...hurriedKeys(kApproved),
        lab.atStage(caller, 'APPROVED'),
      ]);
      await caller.hangUp();

      expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
      const record = await lab.record(caller);
      expect(record).toMatchObject({ attempts: 2, declines: 1, lastDeclineCode: '51', last4: '4242' });
      expect(ledgerOf(record['paymentRef'])).toMatchObject([
        { attempt: 1, state: 'declined', last4: '9995' },
        { attempt: 2, state: 'approved', last4: '4242' },
      ]);
    });

    it('ends without a charge when the caller hangs up in the card number', async () => {
      const caller = await lab.answered();
      const part = kApproved.slice(0, 9);
      expect(await caller.follow([{ speakOver: part }, lab.atStage(caller, 'PAN_ENTRY')])).toBe(true);
      await caller.hangUp();

      expect(await resultOf(caller)).toMatchObject({ by: 'caller', result: 'HANGUP_BEFORE_AUTH' });
      const record = await lab.record(caller);
      expect(record).toMatchObject({
        result: 'HANGUP_BEFORE_AUTH',
        outcome: 'abandoned',
        stageReached: 'PAN_ENTRY',
        callerPresent: false,
        last4: null,
        submissions: [],
      });
      expect(ledgerOf(record['paymentRef'])).toEqual([]);
    });

    it('is kept when the caller hangs up while it is on its way', async () => {
      const caller = await lab.answered();
      await caller.follow([...hurriedKeys(kSlow), lab.atStage(caller, 'WAIT')]);
      await caller.hangUp();

      const result = await resultOf(caller);
      expect(result).toMatchObject({ by: 'caller', result: undefined });
      const record = await lab.record(caller);
      expect(record).toMatchObject({ id: result['session'], result: 'APPROVED', callerPresent: false });
      expect(ledgerOf(record['paymentRef'])).toMatchObject([{ state: 'approved', submissions: 1 }]);
    });

    it('is not there for who dials anybody else', async () => {
      const caller = await lab.caller();
      const dialled = await caller.dial(lab.payUri.replace('pay@', 'nobody@'));
      expect(dialled).toMatchObject({ kind: 'refused', response: { status: 404 } });
    });

    it('goes on after the caller was held in the card number', async () => {
      const caller = await lab.answered();
      const [pan, ...rest] = hurriedKeys(kApproved);
      await caller.follow([lab.atStage(caller, 'PAN_ENTRY')]);
      expect(await caller.hold(true)).toBe(200);
      expect(await caller.hold(false)).toBe(200);
      await caller.follow([...(pan ? [pan] : []), ...rest, lab.atStage(caller, 'APPROVED')]);
      await caller.hangUp();
      expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
    });

    it('is not taken without customer and amount: an apology, then back to where the call came from', async () => {
      const caller = await lab.caller({ referStatus: 603 });
      await caller.dial(lab.payUri, { 'X-Pay-Return-Uri': 'sip:desk@pbx.example.net' });
      await caller.follow([{ hear: 'prompt' }, { when: () => caller.call.ended }]);

      expect(lab.prompts).toContain('sorry.parameters');
      expect(caller.call.requests.map(({ method }) => method)).toEqual(['REFER', 'BYE']);
      expect(await resultOf(caller)).toMatchObject({ by: 'server', result: 'INVALID_PARAMETERS' });
      expect(await lab.record(caller)).toMatchObject({ result: 'INVALID_PARAMETERS', outcome: 'failed' });
    });
  });

  it('leaves no card number in log, metrics and database', async () => {
    const traces = await lab.traces();
    expect(traces.length).toBeGreaterThan(10_000);
    for (const pan of [kApproved, kNoFunds, kSlow]) expect(traces.includes(pan)).toBe(false);
    expect(traces.includes(kApproved.slice(0, 9))).toBe(false);
    expect(await lab.metrics()).toMatch(/^payment_log_scrubbed_total 0$/m);
  });
});

describe('a gateway that does not answer', () => {
  it('is told to the caller before a card is asked for', async () => {
    const deaf = await startRawServer((socket) => socket.destroy());
    const lab = await PaymentLab.start({ HUSHPAY_GATEWAY_URL: `http://127.0.0.1:${deaf.port}` });
    try {
      const caller = await lab.answered();
      await caller.follow([{ hear: 'prompt' }, { when: () => caller.call.ended }]);
      expect(lab.prompts).toContain('gw.down');
      expect(lab.prompts).not.toContain('card.enter');
      expect(await resultOf(caller)).toMatchObject({ by: 'server', result: 'GATEWAY_UNAVAILABLE' });
      expect(await lab.record(caller)).toMatchObject({ result: 'GATEWAY_UNAVAILABLE', submissions: [] });
      expect(await lab.isReady()).toBe(false);
    } finally {
      await lab.stop();
      await deaf.close();
    }
  });
});
