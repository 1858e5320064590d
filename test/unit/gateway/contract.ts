import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import { money } from '../../../src/money/money.ts';
import type { PaymentGateway, SubmitResult } from '../../../src/ports/payment-gateway.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import type { FakeLog } from '../../support/fake-log.ts';
import { cardOf, type KeyedCard, requestOf, until } from '../../support/payment-request.ts';

/** A gateway with the simulated bank behind it. */
export interface Bench {
  readonly gateway: PaymentGateway;
  readonly bank: SimulatorBank;
  readonly clock: FakeClock;
  readonly log: FakeLog;
  close(): Promise<void>;
}

const kDeadlineMs = 30_000;

const kApproved = [
  ['Visa', '4242424242424242'],
  ['Mastercard', '5555555555554444'],
  ['Mastercard 2-series', '2223003122003222'],
  ['American Express', '378282246310005'],
  ['Discover', '6011111111111117'],
  ['Diners', '36227206271667'],
  ['JCB', '3566002020360505'],
  ['UnionPay', '6200000000000005'],
  ['Maestro', '6759649826438453'],
  ['Elo', '5066991111111118'],
  ['Mir', '2200770212727079'],
  ['Troy', '9792030394440796'],
  ['Hiper', '6370950000000005'],
] as const;

const kDeclined: readonly (readonly [
  title: string,
  card: KeyedCard,
  minor: number,
  declineClass: string,
  code: string,
])[] = [
  ['generic', { pan: '4000000000000002' }, 1050, 'soft', '05'],
  ['insufficient funds', { pan: '4000000000009995' }, 1050, 'soft', '51'],
  ['expired', { pan: '4000000000000069' }, 1050, 'reenter', '54'],
  ['wrong security code', { pan: '4000000000000127' }, 1050, 'reenter', 'N7'],
  ['lost', { pan: '4000000000009987' }, 1050, 'hard', '41'],
  ['stolen', { pan: '4000000000009979' }, 1050, 'hard', '43'],
  ['fraud', { pan: '4100000000000019' }, 1050, 'hard', '59'],
  ['strong authentication', { pan: '4000002760003184' }, 1050, 'auth_required', '1A'],
  ['check digit', { pan: '4242424242424241' }, 1050, 'reenter', '14'],
  ['expiry in the past', { pan: '4242424242424242', expiry: '1026' }, 1050, 'reenter', '54'],
  ['security code 999', { pan: '4242424242424242', cvv: '999' }, 1050, 'reenter', 'N7'],
  ['security code 9999', { pan: '378282246310005', cvv: '9999' }, 1050, 'reenter', 'N7'],
  ['security code too short for the brand', { pan: '378282246310005', cvv: '123' }, 1050, 'reenter', 'N7'],
  ['amount …5105', { pan: '4242424242424242' }, 995_105, 'soft', '05'],
  ['amount …5407', { pan: '5555555555554444' }, 5_407, 'reenter', 'N7'],
  ['amount …4301', { pan: '4242424242424242' }, 14_301, 'hard', '43'],
  ['a number that is no test card', { pan: '4012888888881881' }, 1050, 'hard', 'not_a_test_card'],
];

/** What every adapter must do with the simulated bank behind it. */
export function gatewayContract(name: string, open: () => Promise<Bench>): void {
  describe(`gateway contract: ${name}`, () => {
    let bench: Bench;
    let flushes: number;

    beforeEach(async () => {
      bench = await open();
      flushes = 0;
    });
    afterEach(() => bench.close());

    function submit(keyed: KeyedCard, changes = {}, deadlineMs = kDeadlineMs): Promise<SubmitResult> {
      const card = cardOf(keyed);
      return bench.gateway
        .submit(requestOf(changes), card, { deadlineMs, onFlushed: () => void flushes++ })
        .finally(() => card.wipe());
    }

    /** Starts a submission that gets no answer, and returns it once the bank has it. */
    async function submitted(
      pan: string,
      deadlineMs = kDeadlineMs,
    ): Promise<{ result: Promise<SubmitResult> }> {
      const result = submit({ pan }, {}, deadlineMs);
      await until(() => bench.bank.ledger().length === 1);
      return { result };
    }

    it.each(kApproved)('approves %s and charges once', async (_brand, pan) => {
      const result = await submit({ pan });
      expect(result).toMatchObject({
        kind: 'approved',
        transactionId: expect.stringMatching(/^SIM-/),
        authCode: expect.stringMatching(/^[0-9A-Z]{6}$/),
        spokenReference: expect.stringMatching(/^[0-9A-Z]{4}$/),
      });
      expect(flushes).toBe(1);
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(1);
      expect(bench.bank.ledger()).toMatchObject([
        { amount: money(1050, 'EUR'), last4: pan.slice(-4), state: 'approved' },
      ]);
    });

    it.each(kDeclined)('declines %s', async (_title, card, minor, declineClass, code) => {
      const amount = money(minor, 'EUR');
      const result = await submit(card, { amount });
      expect(result).toMatchObject({ kind: 'declined', class: declineClass, code });
      expect(await bench.gateway.query(requestOf({ amount }))).toEqual(result);
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(0);
    });

    it('approves a card without a security code', async () => {
      expect(await submit({ pan: '6759649826438453', cvv: '' })).toMatchObject({ kind: 'approved' });
    });

    it('says transient when the bank did not process it, and finds nothing afterwards', async () => {
      expect(await submit({ pan: '4000000000000119' })).toMatchObject({ kind: 'transient' });
      expect(await submit({ pan: '4000000000000119' })).toMatchObject({ kind: 'transient' });
      expect(await bench.gateway.query(requestOf())).toEqual({ kind: 'not_found' });
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(0);
    });

    it('is unknown without an answer; a look-up finds the approval', async () => {
      const { result } = await submitted('4000000000000804');
      expect(flushes).toBe(1);
      await bench.clock.advance(kDeadlineMs);
      expect(await result).toMatchObject({ kind: 'unknown' });
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'approved' });
    });

    it('is unknown without an answer; a look-up finds nothing', async () => {
      const { result } = await submitted('4000000000000812');
      await bench.clock.advance(kDeadlineMs);
      expect(await result).toMatchObject({ kind: 'unknown' });
      expect(await bench.gateway.query(requestOf())).toEqual({ kind: 'not_found' });
    });

    it('is unknown after a reset; a look-up finds the approval', async () => {
      expect(await submit({ pan: '4000000000000838' })).toMatchObject({ kind: 'unknown' });
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'approved' });
    });

    it('is unknown after garbage', async () => {
      expect(await submit({ pan: '4000000000000846' })).toMatchObject({ kind: 'unknown' });
      expect(await bench.gateway.query(requestOf())).toEqual({ kind: 'not_found' });
    });

    it('waits 6 s for a slow approval', async () => {
      const { result } = await submitted('4000000000000820');
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'unknown' });
      await bench.clock.advance(6_000);
      expect(await result).toMatchObject({ kind: 'approved' });
    });

    it('is unknown when the answer is slower than the deadline, and approved in the end', async () => {
      const { result } = await submitted('4000000000000820', 2_000);
      await bench.clock.advance(2_000);
      expect(await result).toMatchObject({ kind: 'unknown' });
      await bench.clock.advance(4_000);
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'approved' });
    });

    it('gets the first result again under the same key, and one charge', async () => {
      const first = await submit({ pan: '4242424242424242' });
      const again = await submit({ pan: '4242424242424242' });
      expect(again).toEqual(first);
      expect(bench.bank.ledger()).toMatchObject([{ submissions: 2 }]);
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(1);
    });

    it('refuses a key that belongs to another payment', async () => {
      await submit({ pan: '4242424242424242' });
      const other = { amount: money(2000, 'EUR') };
      expect(await submit({ pan: '4242424242424242' }, other)).toMatchObject({ kind: 'rejected_config' });
    });

    it('shows a second charge under another key in the ledger', async () => {
      await submit({ pan: '4242424242424242' });
      await submit({ pan: '4242424242424242' }, { idempotencyKey: 'another' });
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(2);
      expect(await bench.gateway.reverse(requestOf())).toBe('reversed');
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(0);
    });

    it('reverses once and says so twice', async () => {
      await submit({ pan: '4242424242424242' });
      expect(await bench.gateway.reverse(requestOf())).toBe('reversed');
      expect(await bench.gateway.reverse(requestOf())).toBe('reversed');
      expect(bench.bank.ledger()).toMatchObject([{ state: 'reversed' }]);
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'declined', code: 'reversed' });
    });

    it('reverses a charge still under way', async () => {
      const { result } = await submitted('4000000000000820');
      expect(await bench.gateway.reverse(requestOf())).toBe('reversed');
      await bench.clock.advance(6_000);
      expect(await result).toMatchObject({ kind: 'declined', code: 'reversed' });
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(0);
    });

    it('does not charge what was reversed before it arrived', async () => {
      expect(await bench.gateway.reverse(requestOf())).toBe('nothing_to_reverse');
      expect(await submit({ pan: '4242424242424242' })).toMatchObject({ kind: 'declined', code: 'reversed' });
      expect(bench.bank.netCharges(requestOf().paymentRef)).toBe(0);
    });

    it('has nothing to reverse after a decline', async () => {
      await submit({ pan: '4000000000000002' });
      expect(await bench.gateway.reverse(requestOf())).toBe('nothing_to_reverse');
    });

    it('keeps attempts apart', async () => {
      await submit({ pan: '4000000000000002' });
      const second = requestOf({ attempt: 2 });
      expect(await submit({ pan: '4242424242424242' }, second)).toMatchObject({ kind: 'approved' });
      expect(await bench.gateway.query(requestOf())).toMatchObject({ kind: 'declined' });
      expect(await bench.gateway.query(second)).toMatchObject({ kind: 'approved' });
    });

    it('finds nothing it was never sent', async () => {
      expect(await bench.gateway.query(requestOf())).toEqual({ kind: 'not_found' });
    });

    it('is reachable', async () => {
      expect(await bench.gateway.check()).toEqual({ ok: true });
    });

    it('logs no card', async () => {
      const pan = '4242424242424242';
      await submit({ pan, postal: '90210' });
      await submit({ pan: '4000000000000846' }, { paymentRef: 'another' });
      await bench.gateway.query(requestOf());
      expect(bench.log.lines.length).toBeGreaterThan(0);
      expect(bench.log.text).toContain('approved');
      for (const digits of [pan, '4000000000000846', '0330', '90210', "'123'"])
        expect(bench.log.text).not.toContain(digits);
    });
  });
}
