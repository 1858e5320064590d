import { describe, expect, it } from 'vitest';
import { adyenDialect } from '../../../src/gateway/adyen.ts';
import { mappedDialect } from '../../../src/gateway/mapping.ts';
import { restDialect } from '../../../src/gateway/rest.ts';
import { xmlDialect } from '../../../src/gateway/xml.ts';
import { money } from '../../../src/money/money.ts';
import type { FollowUp } from '../../../src/ports/payment-gateway.ts';
import { CannedWire } from '../../support/canned-wire.ts';
import { requestOf } from '../../support/payment-request.ts';

const kRefund: FollowUp = {
  kind: 'refund',
  payment: requestOf(),
  transactionId: 'T-1',
  captureId: null,
  last4: '4242',
  key: 'K-F1',
  amount: money(500, 'EUR'),
  beforeMinor: 0,
};
const kMapping = {
  idempotency: 'key',
  submit: { body: '{}', rules: [{ when: { status: [200] }, outcome: 'approved', transactionId: '/id' }] },
  refund: {
    body: '{}',
    rules: [
      { when: { status: [200], path: '/state', in: ['no'] }, outcome: 'refused', code: '/state' },
      { when: { status: [401, 403, 404, 409, 422] }, outcome: 'refused' },
    ],
  },
};

describe.each([
  ['rest', restDialect(null), '{"outcome":"refused"}'],
  ['xml', xmlDialect({ credentials: null }), '<PaymentResponse outcome="refused"/>'],
  ['adyen', adyenDialect({ merchantAccount: 'M', apiKey: 'k' }), undefined],
  ['a mapping', mappedDialect('rest', kMapping, null), '{"state":"no"}'],
] as const)('a refund whose answer was lost, at %s', (_name, dialect, verdict) => {
  it.each([401, 403, 404, 422])('is unknown when its resend is refused with %i', async (status) => {
    const answer = [status, '{"message":"no Route matched"}'] as const;
    expect(await dialect.followUp?.(new CannedWire(answer), kRefund)).toMatchObject({ kind: 'refused' });
    expect(await dialect.findFollowUp?.(new CannedWire(answer), kRefund)).toMatchObject({ kind: 'unknown' });
  });

  it('is refused when the gateway says that it was', async () => {
    if (verdict === undefined) return; // Adyen tells it elsewhere
    const wire = new CannedWire([200, verdict]);
    expect(await dialect.findFollowUp?.(wire, kRefund)).toMatchObject({ kind: 'refused' });
  });
});

it('is unknown to Adyen while its first request is worked on, or was', async () => {
  const dialect = adyenDialect({ merchantAccount: 'M', apiKey: 'k' });
  const wire = new CannedWire([
    422,
    '{"status":422,"errorCode":"704","message":"request already processed"}',
  ]);
  expect(await dialect.followUp?.(wire, kRefund)).toMatchObject({ kind: 'unknown' });
  expect(await dialect.findFollowUp?.(wire, kRefund)).toMatchObject({ kind: 'unknown' });
});

it('is unknown once its change is no longer mapped', async () => {
  const { refund: _gone, ...mapping } = kMapping;
  const wire = new CannedWire([200, '{}']);
  expect(await mappedDialect('rest', mapping, null).findFollowUp?.(wire, kRefund)).toMatchObject({
    kind: 'unknown',
  });
  expect(wire.asked).toEqual([]);
});
