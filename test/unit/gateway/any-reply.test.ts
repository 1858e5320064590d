import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Wire } from '../../../src/gateway/dialect.ts';
import { renderBody } from '../../../src/gateway/secret-body.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { kAdapters } from '../../support/gateway-adapters.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kReplies = Number(process.env['HUSHPAY_FUZZ_REPLIES'] ?? 300);
const kWords = [
  ...[
    'id',
    'status',
    'succeeded',
    'error',
    'type',
    'card_error',
    'resultCode',
    'Authorised',
    'Refused',
    'pspReference',
    'outcome',
    'approved',
  ],
  ...[
    'declined',
    'transactionResponse',
    'responseCode',
    '1',
    '2',
    '4',
    'messages',
    'Ok',
    'transId',
    'charge_id',
    'error_code',
    'AUTHORIZED',
  ],
  ...[
    'response=1&transactionid=7',
    'response=2',
    'transactions',
    'invoiceNumber',
    requestOf().idempotencyKey,
    'metadata',
    'payment_ref',
  ],
];
const kTags = [
  'PaymentResponse',
  'TransactionId',
  'paymentService',
  'reply',
  'orderStatus',
  'payment',
  'lastEvent',
  'transaction',
  'nm_response',
  'condition',
];
const word = fc.constantFrom(...kWords);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    word,
    fc.integer(),
    fc.constant(null),
    fc.boolean(),
    tie('array'),
    tie('object'),
  ),
  array: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.dictionary(word, tie('value'), { maxKeys: 5 }),
})).value;
const xml = fc.letrec((tie) => ({
  node: fc
    .tuple(
      fc.constantFrom(...kTags),
      word,
      fc.oneof(
        { maxDepth: 4 },
        word,
        fc.array(tie('node'), { maxLength: 3 }).map((nodes) => nodes.join('')),
      ),
    )
    .map(
      ([tag, outcome, content]) =>
        `<${tag} outcome="${outcome.replace(/[&<]/g, '')}">${String(content).replace(/&/g, '&amp;')}</${tag}>`,
    ),
})).node;
const body = fc.oneof(
  json.map((value) => JSON.stringify(value) ?? ''),
  xml,
  word,
  fc.string(),
);
const reply = fc.record({
  status: fc.constantFrom(200, 201, 204, 302, 400, 401, 402, 404, 409, 422, 429, 500, 502, 503),
  body,
});

describe.each(kAdapters)('$name makes something of every reply', (adapter) => {
  const dialect = adapter.dialect(new FakeClock(), 'host');

  /** Answers with one reply after the other, the last one for ever. */
  function wireOf(replies: readonly { readonly status: number; readonly body: string }[]): Wire {
    let next = 0;
    return {
      ask: async (_ask, read) => {
        const { status = 500, body: text = '' } = replies[Math.min(next++, replies.length - 1)] ?? {};
        return read({ status, contentType: 'text/plain', body: Buffer.from(text), cardMasked: true });
      },
    };
  }

  /** The replies of a sale that is approved. */
  async function approval(): Promise<{ status: number; body: string }[]> {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: new FakeClock() });
    const replies: { status: number; body: string }[] = [];
    const card = cardOf({ pan: '4242424242424242' });
    const wire: Wire = {
      ask: async ({ method, path, headers, body }, read) => {
        const bytes = renderBody(body?.segments ?? [], card);
        const own = typeof headers === 'function' ? headers(bytes) : headers;
        const response = await fetch(`${server.url}${adapter.path}${path}`, {
          method,
          headers: { ...own, 'content-type': body?.contentType ?? 'text/plain' },
          body: bytes,
        });
        const text = await response.text();
        replies.push({ status: response.status, body: text });
        return read({ status: response.status, contentType: '', body: Buffer.from(text), cardMasked: true });
      },
    };
    const result = await dialect.submit(wire, requestOf(), card);
    await server.close();
    expect(result.kind).toBe('approved');
    return replies;
  }

  it.each([302, 400, 401, 404, 409, 500, 503])(
    'and believes no approval that comes with status %i',
    async (status) => {
      const replies = await approval();
      const card = cardOf({ pan: '4242424242424242' });
      expect(await dialect.submit(wireOf(replies), requestOf(), card)).toMatchObject({ kind: 'approved' });
      const failing = replies.map((each, index) =>
        index === replies.length - 1 ? { ...each, status } : each,
      );
      const result = await dialect.submit(wireOf(failing), requestOf(), card);
      expect(['unknown', 'rejected_config', 'transient']).toContain(result.kind);
    },
  );

  it('and believes no approval behind a status that says failure', async () => {
    const card = cardOf({ pan: '4242424242424242' });
    await fc.assert(
      fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 4 }), async (replies) => {
        const result = await dialect.submit(wireOf(replies), requestOf(), card);
        if (result.kind === 'approved') expect(replies.some(({ status }) => status < 300)).toBe(true);
        if (replies.every(({ status }) => status >= 500))
          expect(['unknown', 'transient', 'not_sent', 'declined']).toContain(result.kind);
        if ('reason' in result) expect(result.reason).not.toMatch(/\d{12}/);
      }),
      { numRuns: kReplies },
    );
  });

  it('and says nothing of what a reply echoes where a word of the gateway belongs', async () => {
    const [last, ...before] = (await approval()).reverse();
    const card = cardOf({ pan: '4242424242424242' });
    const body = last?.body ?? '';
    const words = [...body.matchAll(/(?<=[:=] ?"|>|=)[^"<>&=]+/g)];
    expect(words.length).toBeGreaterThan(0);
    for (const { index, 0: word } of words) {
      for (const status of [200, 402]) {
        const echo = `${body.slice(0, index)}cvv 4829${body.slice(index + word.length)}`;
        const result = await dialect.submit(wireOf([...before, { status, body: echo }]), requestOf(), card);
        if ('reason' in result) expect(result.reason).not.toContain('4829');
        const found = await dialect.query(wireOf([{ status, body: echo }]), requestOf());
        if ('reason' in found) expect(found.reason).not.toContain('4829');
      }
    }
  });

  it('and finds nothing absent, and takes nothing back, because of trouble', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(reply, { minLength: 1, maxLength: 4 }), async (replies) => {
        const trouble = replies.map((each) => ({ ...each, status: 500 + (each.status % 4) }));
        const found = await dialect.query(wireOf(trouble), requestOf());
        expect(['unknown', 'not_sent']).toContain(found.kind);
        expect(await dialect.reverse(wireOf(trouble), requestOf())).not.toBe('nothing_to_reverse');
        await dialect.query(wireOf(replies), requestOf());
        await dialect.reverse(wireOf(replies), requestOf());
      }),
      { numRuns: kReplies },
    );
  });
});
