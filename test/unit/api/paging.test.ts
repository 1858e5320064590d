import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { apiOptions } from '../../support/api-options.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../support/records.ts';

const kKey = 'open-sesame';
const kRows = 7;
const kPerPage = 3;

let directory: string;
let store: Store;
let api: Api;
let url: string;

/** Rows two of which began at the same instant, so that time alone does not tell where a page ends. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-paging-'));
  store = openStore({ file: join(directory, 'hushpay.sqlite'), log: new FakeLog() });
  const rows = Array.from({ length: kRows }, (_, at) => at);
  for (const at of rows) {
    const when = `2026-11-22T12:00:0${Math.floor(at / 2)}.000Z`;
    const session = { sessionId: `S${at}`, paymentRef: `R4K7Z2M9QX3TB8V${at}` };
    store.open(sessionOf({ ...session, startedAt: when }));
    await store.begin(attemptOf({ ...session, idempotencyKey: `${session.paymentRef}01`, sentAt: when }));
    store.record({ actor: 'test', action: 'row.written', object: session.sessionId, detail: {} });
    const delivery = { type: 'payment.started', sessionId: session.sessionId, body: '{}' };
    store.outbox.fill('crm', [delivery], at + 1, when);
  }
  api = createApi(
    apiOptions({
      keys: [kKey],
      records: store,
      payments: { ledger: store, resolveNow: async () => undefined },
      audit: {
        entriesOf: (id) => store.audit.entriesOf(id),
        page: (limit, before) => store.audit.page(limit, before),
        verify: async () => store.audit.verify(),
      },
      webhooks: { webhooks: [{ name: 'crm', merchant: null }], outbox: store.outbox, hurry: () => undefined },
    }),
  );
  url = await api.start();
});

afterAll(async () => {
  await api.stop();
  store.close();
  rmSync(directory, { recursive: true });
});

interface Page {
  readonly next: string | null;
  readonly [list: string]: unknown;
}

async function page(path: string, limit: number, cursor: string | null): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== null && { cursor }) });
  const answer = await fetch(`${url}${path}?${query}`, { headers: { authorization: `Bearer ${kKey}` } });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Page;
}

describe('a list', () => {
  it.each([
    ['/v1/sessions', 'sessions'],
    ['/v1/payments', 'payments'],
    ['/v1/audit', 'entries'],
    ['/v1/webhooks/crm/deliveries', 'deliveries'],
  ])('%s has every row once, in pages as in one', async (path, list) => {
    const whole = (await page(path, 500, null))[list] as unknown[];
    expect(whole.length).toBeGreaterThanOrEqual(kRows);
    const walked: unknown[] = [];
    let pages = 0;
    for (let cursor: string | null | undefined = null; cursor !== undefined; pages++) {
      const { next, [list]: rows } = await page(path, kPerPage, cursor);
      walked.push(...(rows as unknown[]));
      cursor = next ?? undefined;
    }
    expect(walked).toEqual(whole);
    expect(pages).toBe(Math.ceil(whole.length / kPerPage));
  });
});
