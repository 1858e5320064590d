import { describe, expect, it } from 'vitest';
import { resultHeaders } from '../../../src/call/result-headers.ts';
import type { PaymentOrder, PaymentPolicy } from '../../../src/dialog/policy.ts';
import { SimulatorGateway } from '../../../src/gateway/simulator.ts';
import { SimulatorBank } from '../../../src/gateway/simulator-bank.ts';
import { money } from '../../../src/money/money.ts';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import { kPaymentTypes } from '../../../src/ports/payment-gateway.ts';
import type { PhrasePart } from '../../../src/ports/prompts.ts';
import { loadCatalog } from '../../../src/prompt/catalog.ts';
import { RecordedPrompts } from '../../../src/prompt/prompts.ts';
import { kVisa, orderOf, policyOf, Rig } from '../../support/dialog.ts';
import { on, Walk } from '../../support/dialog-walk.ts';
import { FakeStore } from '../../support/fake-store.ts';

// As in simulated-payments.test.ts: only wire, packets and time are fakes.
const kCatalog = loadCatalog('audio', ['en-US']);
const kAll: PaymentPolicy = { ...policyOf(), operations: kPaymentTypes };

interface Asked {
  readonly policy?: PaymentPolicy;
  readonly order?: PaymentOrder;
  readonly partialApproval?: 'reverse' | 'accept';
}

function wordOf(part: PhrasePart): string {
  if (part.say === 'prompt') return part.id;
  return part.say === 'money' ? `${part.amount.minor} ${part.amount.currency}` : `{${part.say}}`;
}

async function pay({ policy = kAll, order = orderOf(), partialApproval = 'reverse' }: Asked) {
  const missing: string[] = [];
  const said: string[] = [];
  const store = new FakeStore();
  let bank: SimulatorBank | undefined;
  const rig = new Rig({
    policy,
    order,
    partsOf: ({ clock, log }) => {
      bank = new SimulatorBank(clock);
      const recorded = new RecordedPrompts(kCatalog, log, (_locale, fragment) => void missing.push(fragment));
      return {
        payments: new JournaledPayments({
          gateway: new SimulatorGateway(clock, log, bank),
          journal: store,
          clock,
          log,
          policy: { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse', partialApproval },
        }),
        prompts: {
          items(phrase, ...rest) {
            said.push(...phrase.map(wordOf));
            return recorded.items(phrase, ...rest);
          },
        },
      };
    },
  });
  await rig.start();
  await rig.payWith(kVisa);
  for (let second = 0; second < 60 && rig.stage !== 'RETRY_MENU' && !rig.end; second++) await rig.wait(1000);
  const stage = rig.stage;
  if (stage === 'RETRY_MENU') await rig.press('2');
  await rig.wait(20_000);
  return { rig, stage, missing, said, rows: store.attempts('session-1'), ledger: bank?.ledger() ?? [] };
}

describe('what a call does with a card', () => {
  it.each([
    ['sale', 'APPROVED', 'approved'],
    ['authorize', 'APPROVED', 'authorized'],
  ] as const)('%s says the amount, and ends as %s', async (operation, result, state) => {
    const { rig, said, rows, ledger, missing } = await pay({ order: orderOf({ operation }) });
    expect(rig.end).toMatchObject({ result, amountCharged: money(1050, 'EUR') });
    expect(said).toEqual(expect.arrayContaining(['amount.is', 'sum.pay', 'approved.before', '1050 EUR']));
    expect(ledger).toMatchObject([{ operation, state }]);
    expect(rows[0]?.operation).toBe(operation === 'sale' ? undefined : operation);
    expect(missing).toEqual([]);
  });

  it.each([
    ['verify', 'VERIFIED', 'approved.verified'],
    ['tokenize', 'TOKENIZED', 'approved.token'],
  ] as const)(
    '%s asks and tells no amount, charges nothing and ends as %s',
    async (operation, result, prompt) => {
      const { rig, said, ledger, missing } = await pay({ policy: { ...kAll, operation } });
      expect(rig.end).toMatchObject({ result, outcome: 'success', amountCharged: null, operation });
      expect(said.filter((part) => / EUR$|^amount\.|^sum\.pay|^approved\.before/.test(part))).toEqual([]);
      expect(said).toEqual(
        expect.arrayContaining(['you.entered.card', '{lastFour}', 'confirm.menu', prompt]),
      );
      expect(ledger).toMatchObject([{ operation, state: 'verified', amount: { minor: 0 } }]);
      expect(rig.end?.token === undefined).toBe(operation === 'verify');
      expect(missing).toEqual([]);
    },
  );

  it('tells the other side in headers', async () => {
    const { rig } = await pay({ policy: { ...kAll, operation: 'tokenize' } });
    if (!rig.end) throw new Error('no end');
    expect(resultHeaders({ ...rig.end, sessionId: 'S1' })).toMatchObject({
      'X-Pay-Result': 'TOKENIZED',
      'X-Pay-Operation': 'tokenize',
      'X-Pay-Token': expect.stringMatching(/^TOK-/),
    });
    const sale = await pay({});
    if (!sale.rig.end) throw new Error('no end');
    expect(resultHeaders({ ...sale.rig.end, sessionId: 'S1' })).not.toHaveProperty('X-Pay-Operation');
  });

  it('needs no amount where no money moves, and a customer all the same', () => {
    const policy: PaymentPolicy = { ...kAll, operation: 'verify' };
    const order = orderOf({ amount: null });
    expect(new Walk({ policy, order }).send(on.start).name).toBe('GREETING');
    const nobody = orderOf({ amount: null, customerId: null });
    expect(new Walk({ policy, order: nobody }).send(on.start).ending?.[0]).toBe('INVALID_PARAMETERS');
  });

  it('is refused before a card is asked for when the gateway has it not', () => {
    const policy: PaymentPolicy = { ...kAll, operations: ['sale'] };
    const walk = new Walk({ policy, order: orderOf({ operation: 'authorize' }) }).send(on.start);
    expect(walk.ending?.[0]).toBe('INVALID_PARAMETERS');
  });
});

describe('an approval for less than was asked', () => {
  const kHalf = orderOf({ amount: money(5310, 'EUR') });

  it('is taken back; the caller hears what every decline sounds like, and may use another card', async () => {
    const { rig, stage, said, rows, ledger } = await pay({ order: kHalf });
    expect(stage).toBe('RETRY_MENU');
    expect(said).toContain('declined');
    expect(said.filter((part) => part === '2655 EUR')).toEqual([]);
    expect(rig.end).toMatchObject({ result: 'DECLINED_LEFT', amountCharged: null });
    expect(rows).toMatchObject([{ state: 'REVERSED' }]);
    expect(ledger).toMatchObject([{ state: 'reversed' }]);
  });

  it('is kept where that is allowed, and told as what it is', async () => {
    const { rig, said, rows, ledger } = await pay({ order: kHalf, partialApproval: 'accept' });
    expect(rig.end).toMatchObject({ result: 'APPROVED', amountCharged: money(2655, 'EUR') });
    expect(said.slice(said.indexOf('approved.before'))).toContain('2655 EUR');
    expect(rows).toMatchObject([{ state: 'APPROVED', amount: money(5310, 'EUR'), approvedMinor: 2655 }]);
    expect(ledger).toMatchObject([{ state: 'approved' }]);
  });
});

describe('amounts of currencies with other decimals than two', () => {
  it.each([
    ['JPY', 1050],
    ['KWD', 10_500],
    ['CLF', 105_000],
  ])('are told and charged in %s', async (currency, minor) => {
    const amount = money(minor, currency);
    const policy: PaymentPolicy = { ...kAll, amount: { ...kAll.amount, currency, min: 1, max: null } };
    const { rig, said, ledger, missing } = await pay({ policy, order: orderOf({ amount, currency }) });
    expect(missing).toEqual([]);
    expect(rig.end).toMatchObject({ result: 'APPROVED', amountCharged: amount });
    expect(said.filter((part) => part === `${minor} ${currency}`).length).toBeGreaterThanOrEqual(3);
    expect(ledger).toMatchObject([{ amount }]);
  });
});
