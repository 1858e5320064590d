import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RawReply } from '../../../src/gateway/dialect.ts';
import { queryResultOf, reversalResultOf, submitResultOf } from '../../../src/gateway/rest-reply.ts';
import { requestOf } from '../../support/payment-request.ts';

const kStatus = fc.oneof(
  fc.constantFrom(200, 201, 302, 400, 402, 404, 422, 429, 500, 503),
  fc.integer({ min: 100, max: 599 }),
);
const kValue = fc.oneof(
  fc.constantFrom('approved', 'declined', 'error', 'pending', 'hard', 'config', false, null, 1050),
  fc.jsonValue(),
);
const kFields = [
  'outcome',
  'transactionId',
  'declineClass',
  'processed',
  'approvedAmount',
  'paymentRef',
  'attempt',
  'message',
];
const kJson = fc
  .dictionary(fc.constantFrom(...kFields), kValue)
  .map((value) => Buffer.from(JSON.stringify(value)));
const kBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));

const kReply: fc.Arbitrary<RawReply> = fc.record({
  status: kStatus,
  contentType: fc.constantFrom('application/json', 'text/html', ''),
  body: fc.oneof(kJson, kBytes),
  cardMasked: fc.boolean(),
});

it('makes something of every reply, and an approval only of an approval', () => {
  const request = requestOf();
  fc.assert(
    fc.property(kReply, (reply) => {
      const { kind } = submitResultOf(reply, request);
      if (kind === 'approved') {
        expect(Math.floor(reply.status / 100)).toBe(2);
        expect(JSON.parse(reply.body.toString())).toMatchObject({
          outcome: 'approved',
          transactionId: expect.anything(),
        });
      }
      if (kind === 'declined')
        expect(JSON.parse(reply.body.toString())).toMatchObject({ outcome: 'declined' });
      expect(['approved', 'declined', 'unknown', 'not_found']).toContain(queryResultOf(reply, request).kind);
      expect(['reversed', 'nothing_to_reverse', 'failed', 'pending']).toContain(
        reversalResultOf(reply, request),
      );
    }),
    { numRuns: 5_000 },
  );
});
