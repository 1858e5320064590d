import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { type SimulatorServer, startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import type { SubmitResult } from '../../../src/ports/payment-gateway.ts';
import { cardTable } from '../../support/card-table.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { kAdapters, openAdapter } from '../../support/gateway-adapters.ts';
import { cardOf, type KeyedCard, requestOf, until } from '../../support/payment-request.ts';

const kDeadlineMs = 30_000;
const kApproved = cardTable([
  ['4242424242424242'],
  ['5555555555554444'],
  ['378282246310005'],
  ['36227206271667'],
  ['6759649826438453'],
]);
const kDeclined: readonly (readonly [title: string, card: KeyedCard, declineClass: string])[] = [
  ['generic', { pan: '4000000000000002' }, 'soft'],
  ['insufficient funds', { pan: '4000000000009995' }, 'soft'],
  ['expired', { pan: '4000000000000069' }, 'reenter'],
  ['wrong security code', { pan: '4000000000000127' }, 'reenter'],
  ['lost', { pan: '4000000000009987' }, 'hard'],
  ['stolen', { pan: '4000000000009979' }, 'hard'],
  ['fraud', { pan: '4100000000000019' }, 'hard'],
  ['strong authentication', { pan: '4000002760003184' }, 'auth_required'],
  ['check digit', { pan: '4242424242424241' }, 'reenter'],
];
// Gateways whose codes do not name it: another card is asked for all the same.
const kWithoutAuthClass = new Set(['authorizenet', 'nmi']);
/** Says that the gateway does not know, where others say that nothing was processed. */
const kTransientIsUnknown = new Set(['worldpay', 'nmi', 'xml, mapped']);

describe.each(kAdapters)('$name with the simulated bank', (adapter) => {
  const { name } = adapter;
  const { lookUp, reversal } = adapter.dialect(new FakeClock(), 'host').capabilities;
  let clock: FakeClock;
  let log: FakeLog;
  let server: SimulatorServer;
  let gateway: HttpGateway;
  let flushes: number;

  beforeEach(async () => {
    clock = new FakeClock();
    log = new FakeLog();
    server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock });
    gateway = openAdapter(adapter, server.url, clock, log);
    flushes = 0;
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
    for (const digits of ['4242424242424242', '4000000000000002', '0330', "'123'", 'sk_test'])
      expect(log.text).not.toContain(digits);
  });

  function submit(keyed: KeyedCard, deadlineMs = kDeadlineMs): Promise<SubmitResult> {
    const card = cardOf(keyed);
    const context = { deadlineMs, onFlushed: () => void flushes++ };
    return gateway.submit(requestOf(), card, context).finally(() => card.wipe());
  }

  const charges = () => server.bank.netCharges(requestOf().paymentRef);

  it('has its name, and is reachable', async () => {
    expect(gateway.name).toBe(name.replace(', mapped', ''));
    expect(await gateway.check()).toEqual({ ok: true });
  });

  it.each(kApproved)('approves %s, charges once, and finds it again', async (_title, pan) => {
    const result = await submit({ pan });
    expect(result).toMatchObject({ kind: 'approved', transactionId: expect.stringMatching(/^\S+$/) });
    expect(flushes).toBe(1);
    expect(charges()).toBe(1);
    expect(server.bank.ledger()).toMatchObject([
      { last4: pan.slice(-4), amount: { minor: 1050, currency: 'EUR' } },
    ]);
    const found = await gateway.query(requestOf());
    if (lookUp === 'none') expect(found.kind).toBe('unknown');
    else
      expect(found).toMatchObject({
        kind: 'approved',
        transactionId: result.kind === 'approved' && result.transactionId,
      });
  });

  it.each(kDeclined)('declines %s', async (_title, card, declineClass) => {
    const expected = declineClass === 'auth_required' && kWithoutAuthClass.has(name) ? 'soft' : declineClass;
    const result = await submit(card);
    // The connector's codes are the merchant's own.
    expect(result).toMatchObject({ kind: 'declined', class: name === 'pay-connector' ? 'soft' : expected });
    expect(charges()).toBe(0);
    const found = await gateway.query(requestOf());
    if (lookUp === 'none') expect(found.kind).toBe('unknown');
    else expect(found).toMatchObject({ kind: 'declined', class: result.kind === 'declined' && result.class });
  });

  it('approves a card without a security code', async () => {
    expect(await submit({ pan: '6759649826438453', cvv: '' })).toMatchObject({ kind: 'approved' });
  });

  it('says so when the bank did not process it', async () => {
    const kind = kTransientIsUnknown.has(name) ? 'unknown' : 'transient';
    expect(await submit({ pan: '4000000000000119' })).toMatchObject({ kind });
    expect(charges()).toBe(0);
  });

  it.each(
    cardTable([
      ['4000000000000804', 1],
      ['4000000000000812', 0],
    ]),
  )('is unknown without an answer to %s', async (_title, charged, pan) => {
    const sentAt = clock.date().toISOString();
    const result = submit({ pan });
    await until(() => server.bank.ledger().length === 1);
    await clock.advance(kDeadlineMs);
    expect(await result).toMatchObject({ kind: 'unknown' });
    expect(charges()).toBe(charged);
    const found = await gateway.query(requestOf({ sentAt }));
    if (lookUp === 'none') expect(found.kind).toBe('unknown');
    else if (charged === 1) expect(found.kind).toBe('approved');
    else expect(found.kind).toBe(lookUp === 'every' ? 'not_found' : 'unknown');
  });

  it.each(cardTable([['4000000000000838'], ['4000000000000846']]))(
    'is unknown after a reset or garbage: %s',
    async (_title, pan) => {
      expect(await submit({ pan })).toMatchObject({ kind: 'unknown' });
    },
  );

  it('takes a charge back', async () => {
    await submit({ pan: '4242424242424242' });
    const answers = { told: 'reversed', later: 'pending', unheard: 'pending', none: 'failed' };
    expect(await gateway.reverse(requestOf())).toBe(answers[reversal]);
    expect(charges()).toBe(reversal === 'none' ? 1 : 0);
    if (reversal === 'told') expect(await gateway.reverse(requestOf())).toBe('reversed');
    if (lookUp !== 'none')
      expect(await gateway.query(requestOf())).toMatchObject({ kind: 'declined', takenBack: true });
  });

  it('finds nothing to take back where nothing was charged', async () => {
    const sentAt = clock.date().toISOString();
    const answers = {
      told: 'nothing_to_reverse',
      later: 'nothing_to_reverse',
      unheard: 'pending',
      none: 'failed',
    };
    expect(await gateway.reverse(requestOf({ sentAt }))).toBe(answers[reversal]);
    // Stripe keeps the intent that was cancelled for it.
    const kind = name === 'stripe' ? 'declined' : 'not_found';
    if (lookUp === 'every') expect(await gateway.query(requestOf({ sentAt }))).toMatchObject({ kind });
  });

  it('never charges twice for a resend of the same key, if it says that it may be resent', async () => {
    await submit({ pan: '4242424242424242' });
    if (gateway.idempotency === 'key') {
      expect(await submit({ pan: '4242424242424242' })).toMatchObject({ kind: 'approved' });
      expect(charges()).toBe(1);
    }
  });
});
