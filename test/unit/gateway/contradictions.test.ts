import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wire } from '../../../src/gateway/dialect.ts';
import { renderBody } from '../../../src/gateway/secret-body.ts';
import { type SimulatorServer, startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { money } from '../../../src/money/money.ts';
import type { FollowUpKind, PaymentType } from '../../../src/ports/payment-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { kAdapters } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kStatuses = [302, 400, 401, 402, 403, 404, 408, 409, 422, 429, 500, 503];
const kTypes: readonly PaymentType[] = ['sale', 'authorize', 'verify', 'tokenize'];
const kChanges: readonly FollowUpKind[] = ['capture', 'void', 'refund'];

/** The bank approves, and something on the way says that the request failed: nobody knows, whoever the gateway is. */
describe.each(kAdapters)('an approval of $name behind a status that says failure', (adapter) => {
  const clock = new FakeClock();
  let server: SimulatorServer;
  let made = 0;

  beforeAll(async () => {
    server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock });
  });
  afterAll(() => server.close());

  /** @param status - of answers about money; null: as the bank sent it. */
  function wire(status: number | null, isStripped = false): Wire {
    const card = cardOf({ pan: '4242424242424242' });
    return {
      ask: async ({ method, path, headers, body, charges }, read) => {
        const bytes = body && renderBody(body.segments, card);
        const own = typeof headers === 'function' ? headers(bytes ?? new Uint8Array()) : headers;
        const sent: Record<string, string> = { ...own, 'content-type': body?.contentType ?? 'text/plain' };
        const response = await fetch(`${server.url}${adapter.path}${path}`, {
          method,
          headers: sent,
          ...(bytes ? { body: new Uint8Array(bytes) } : {}),
        });
        const text = Buffer.from(await response.arrayBuffer());
        const shown = charges && status !== null ? status : response.status;
        const contentType = response.headers.get('content-type') ?? '';
        const told = isStripped && charges ? Buffer.from('<h1>sorry</h1>') : text;
        return read({ status: shown, contentType, body: told, cardMasked: true });
      },
    };
  }

  function request(operation: PaymentType) {
    const paymentRef = `R4K7Z2M9QX3T${String(++made).padStart(4, '0')}`;
    const minor = operation === 'verify' || operation === 'tokenize' ? 0 : 1050;
    return requestOf({
      paymentRef,
      idempotencyKey: `${paymentRef}01`,
      operation,
      amount: money(minor, 'EUR'),
    });
  }

  const dialect = () => adapter.dialect(clock, new URL(server.url).host);
  const submit = (operation: PaymentType, through: Wire) =>
    dialect().submit(through, request(operation), cardOf({ pan: '4242424242424242' }));

  it.each(kTypes)('is unknown for every status: %s', async (operation) => {
    if (!dialect().operations.includes(operation)) return;
    if (adapter.name !== 'worldpay')
      // its account decides what an order is
      expect(await submit(operation, wire(null))).toMatchObject({ kind: 'approved' });
    for (const status of kStatuses)
      expect([status, await submit(operation, wire(status))]).toMatchObject([status, { kind: 'unknown' }]);
  });

  it.each(kChanges)('is unknown for every status: %s', async (kind) => {
    if (!dialect().operations.includes(kind)) return;
    for (const status of kStatuses) {
      const operation = kind === 'refund' ? 'sale' : 'authorize';
      const payment = request(operation);
      const result = await dialect().submit(wire(null), payment, cardOf({ pan: '4242424242424242' }));
      if (result.kind !== 'approved') throw new Error(result.kind);
      const { transactionId } = result;
      const key = `${payment.idempotencyKey}F1`;
      const order = { kind, payment, transactionId, captureId: null, last4: '4242', key, beforeMinor: 0 };
      const answer = await dialect().followUp?.(wire(status), { ...order, amount: payment.amount });
      expect([status, answer?.kind]).toEqual([status, 'unknown']);
    }
  });

  it.each(kChanges)('a %s that was carried out is never refused because its resend is', async (kind) => {
    if (!dialect().operations.includes(kind)) return;
    const payment = request(kind === 'refund' ? 'sale' : 'authorize');
    const result = await dialect().submit(wire(null), payment, cardOf({ pan: '4242424242424242' }));
    if (result.kind !== 'approved') throw new Error(result.kind);
    const order = {
      kind,
      payment,
      transactionId: result.transactionId,
      captureId: null,
      last4: '4242',
      key: `${payment.idempotencyKey}F1`,
      beforeMinor: 0,
      amount: money(50, 'EUR'),
    };
    await dialect().followUp?.(wire(null), order); // the answer is lost
    for (const status of kStatuses) {
      const found = await dialect().findFollowUp?.(wire(status, true), order);
      expect([status, found?.kind]).not.toEqual([status, 'refused']);
    }
  });

  it('is a refusal when the body says nothing of an approval', async () => {
    if (adapter.name === 'xml, mapped') return; // its description has no word for that
    const result = await submit('sale', wire(400, true));
    expect(result.kind).toBe('rejected_config');
  });
});
