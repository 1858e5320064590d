import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { followUpBody, saleSegments } from '../../../src/gateway/rest-body.ts';
import { renderBody } from '../../../src/gateway/secret-body.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { money } from '../../../src/money/money.ts';
import { cardTable } from '../../support/card-table.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kText = readFileSync(join(import.meta.dirname, '../../../docs/gateway-rest.openapi.yaml'), 'utf8');
const kDocument = parse(kText.replaceAll('#/components/schemas/', '#/$defs/'));

function schemaOf(name: string): z.ZodType {
  return z.fromJSONSchema({ ...kDocument.components.schemas[name], $defs: kDocument.components.schemas });
}

describe('docs/gateway-rest.openapi.yaml', () => {
  it('refers only to what it has', () => {
    const document = parse(kText);
    const references = Array.from(kText.matchAll(/\$ref: '#\/([^']+)'/g), (match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const target = reference
        .split('/')
        .reduce((node: unknown, part) => z.record(z.string(), z.unknown()).parse(node)[part], document);
      expect(target, reference).toBeDefined();
    }
  });

  it.each([
    ['a card', { pan: '4242424242424242' }],
    ['one with a postal code', { pan: '378282246310005', postal: '90210' }],
    ['one without a security code and an expiry', { pan: '6759649826438453', cvv: '', expiry: '' }],
  ])('describes the body the adapter sends for %s', (_title, keyed) => {
    const card = cardOf(keyed);
    const body = JSON.parse(renderBody(saleSegments(requestOf({ merchantId: null }), card), card).toString());
    const sale = schemaOf('Sale');
    expect(sale.safeParse(body).error).toBeUndefined();
    expect(sale.safeParse({ ...body, attempt: 0 }).success).toBe(false);
    expect(Object.keys(body)).toEqual(kDocument.components.schemas.Sale.required);
    expect(Object.keys(body.card)).toEqual(kDocument.components.schemas.Sale.properties.card.required);
  });

  it.each(cardTable([['4242424242424242'], ['4000000000000002'], ['4000000000000119']]))(
    'describes what the simulator answers to %s',
    async (_title, pan) => {
      const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
      const card = cardOf({ pan });
      const body = renderBody(saleSegments(requestOf(), card), card);
      const response = await fetch(`${server.url}/payments`, {
        method: 'POST',
        headers: { 'idempotency-key': 'K1' },
        body,
      });
      const answer = z.record(z.string(), z.unknown()).parse(await response.json());
      await server.close();
      expect(
        schemaOf(response.status === 200 ? 'Verdict' : 'Problem').safeParse(answer).error,
      ).toBeUndefined();
      expect(schemaOf('Verdict').safeParse({ ...answer, outcome: 'maybe' }).success).toBe(false);
    },
  );

  it('describes what the simulator answers about a payment it never had', async () => {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const response = await fetch(`${server.url}/payments/R4K7Z2M9QX3TB8VA/1`);
    const answer = await response.json();
    await server.close();
    expect(response.status).toBe(404);
    expect(schemaOf('Absent').safeParse(answer).error).toBeUndefined();
    expect(schemaOf('Absent').safeParse({ message: 'no Route matched' }).success).toBe(false);
  });

  it.each(['authorize', 'verify', 'tokenize'] as const)(
    'describes what is asked and answered: %s',
    async (operation) => {
      const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
      const card = cardOf({ pan: '4242424242424242' });
      const amount = money(operation === 'authorize' ? 1050 : 0, 'EUR');
      const body = renderBody(saleSegments(requestOf({ operation, amount }), card), card);
      expect(schemaOf('Sale').safeParse(JSON.parse(body.toString())).error).toBeUndefined();
      const headers = { 'idempotency-key': 'K1' };
      const response = await fetch(`${server.url}/payments`, { method: 'POST', headers, body });
      const answer = await response.json();
      await server.close();
      expect(schemaOf('Verdict').safeParse(answer).error).toBeUndefined();
      expect(answer).toMatchObject({ outcome: 'approved' });
    },
  );

  it.each(['done', 'refused'])('describes a refund that is %s', async (outcome) => {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const card = cardOf({ pan: '4242424242424242' });
    const sale = renderBody(saleSegments(requestOf(), card), card);
    const headers = { 'idempotency-key': 'K1' };
    const paid = await fetch(`${server.url}/payments`, { method: 'POST', headers, body: sale });
    const { transactionId } = z.object({ transactionId: z.string() }).parse(await paid.json());
    const minor = outcome === 'done' ? 50 : 1051;
    const order = {
      kind: 'refund',
      payment: requestOf(),
      transactionId,
      captureId: null,
      last4: '4242',
      beforeMinor: 0,
    } as const;
    const body = followUpBody({ ...order, key: 'K2', amount: money(minor, 'EUR') });
    const change = schemaOf('Change');
    expect(change.safeParse(JSON.parse(body)).error).toBeUndefined();
    expect(Object.keys(JSON.parse(body))).toEqual(kDocument.components.schemas.Change.required);
    const { paymentRef, attempt } = requestOf();
    const url = `${server.url}/payments/${paymentRef}/${attempt}/refund`;
    const response = await fetch(url, { method: 'POST', headers: { 'idempotency-key': 'K2' }, body });
    const answer = await response.json();
    await server.close();
    expect(schemaOf('Changed').safeParse(answer).error).toBeUndefined();
    expect(answer).toMatchObject({ outcome });
  });
});
