import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type ApiOptions, apiRoutes, createApi } from '../../../src/api/api.ts';
import { apiOptions } from '../../support/api-options.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { figures } from '../../support/figures.ts';
import { mutate, pick, randomFrom } from '../../support/mutation.ts';

const kRequests = Number(process.env['HUSHPAY_FUZZ_REQUESTS'] ?? 20_000);
const kSeed = Number(process.env['HUSHPAY_FUZZ_SEED'] ?? 20_261_122);
const kKey = 'open-sesame';
const kPatienceMs = 500;

const kNumbers = [0, -1, 1.5, 2 ** 53, 1e308, -0];
const kOthers = [null, true, false, [], {}, [[]], { __proto__: null }];
const kTexts = [
  ...[
    '',
    ' ',
    '10.50',
    '-1',
    '1e9',
    'USD',
    'ivr',
    'conference',
    'start',
    'cancel',
    'true',
    'null',
    '../../etc/passwd',
  ],
  ...[
    '%00',
    '\u0000',
    '\r\nX-Injected: 1',
    "' OR 1=1 --",
    '<script>',
    '=1+1',
    '\u202e',
    '\ud800',
    'x'.repeat(70_000),
  ],
];
const kTypes = [
  ...['application/json', 'application/json\t', 'APPLICATION/JSON', 'application/json; charset=utf-16'],
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''],
];
const kNames = [
  ...[
    'topology',
    'amount',
    'currency',
    'customerId',
    'merchantId',
    'identified',
    'start',
    'action',
    'role',
    'to',
  ],
  ...[
    'field',
    'state',
    'note',
    'by',
    'cursor',
    'limit',
    'from',
    'zone',
    'format',
    '__proto__',
    'constructor',
  ],
];

const random = randomFrom(kSeed);
const log = new FakeLog();
let options: ApiOptions;
let api: Api;
let url: URL;

beforeAll(async () => {
  options = apiOptions({ keys: [kKey], log });
  api = createApi(options);
  url = new URL(await api.start());
});
afterAll(() => api.stop());

function someValue(depth = 0): unknown {
  const kind = random();
  if (kind < 0.5) return pick(kTexts, random);
  if (kind < 0.7) return pick(kNumbers, random);
  if (kind < 0.8 || depth > 2) return pick(kOthers, random);
  if (kind < 0.9) return [someValue(depth + 1), someValue(depth + 1)];
  return someObject(depth + 1);
}

function someObject(depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Array.from({ length: Math.floor(random() * 5) }, () => [pick(kNames, random), someValue(depth)]),
  );
}

function somePath(path: string): string {
  const filled = path.replaceAll(/\{\w+\}/g, () =>
    encodeURIComponent(pick(['S1', '7', ...kTexts], random).toWellFormed()),
  );
  if (random() < 0.5) return filled;
  const query = pick(kTexts, random).toWellFormed();
  return `${filled}?${pick(kNames, random)}=${encodeURIComponent(query)}`.slice(0, 60_000);
}

/** What a request came to; a stream is left after its first bytes. */
async function ask(method: string, path: string, headers: Record<string, string>, body: string | null) {
  const leave = new AbortController();
  const response = await fetch(new URL(path, url), { method, headers, body, signal: leave.signal });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const text = isStream ? '' : await response.text();
  leave.abort();
  return { status: response.status, text };
}

async function isAlive(): Promise<boolean> {
  return (await ask('GET', '/livez', {}, null)).status === 200;
}

describe('the API', () => {
  it(`answers ${kRequests} requests of chance (seed ${kSeed}), with no mistake of its own and no word of its inside`, async () => {
    const routes = apiRoutes(options);
    const statuses = new Map<number, number>();
    const wrong: string[] = [];
    for (let sent = 0; sent < kRequests; sent++) {
      const { method, path } = pick(routes, random);
      const hasBody = method !== 'GET' && random() < 0.9;
      const content = random() < 0.8 ? JSON.stringify(someObject()) : mutate('{"action":"start"}', random);
      const headers: Record<string, string> = { authorization: `Bearer ${random() < 0.9 ? kKey : 'none'}` };
      if (hasBody) headers['content-type'] = pick(kTypes, random);
      const { status, text } = await ask(method, somePath(path), headers, hasBody ? content : null);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const isMistake = status >= 500 && status !== 503;
      if (isMistake || /\bat .+\.ts:\d+|node_modules|SQLITE/.test(text))
        wrong.push(`${method} ${path} ${status}`);
    }
    expect(wrong).toEqual([]);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(await isAlive()).toBe(true);
    const sorted = [...statuses].toSorted(([one], [other]) => one - other);
    expect(sorted.length).toBeGreaterThan(3); // it came past the first check
    figures(`${kRequests} requests: ${sorted.map(([status, times]) => `${times} × ${status}`).join(', ')}`);
  });

  it(`outlives ${kRequests / 10} connections that speak no HTTP, or nearly`, async () => {
    const usual = `POST /v1/sessions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${kKey}\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"topology":"ivr"}`;
    const kinds = new Map<string, number>();
    for (let sent = 0; sent < kRequests / 10; sent++) {
      let text = usual;
      for (let times = 0; times < 4; times++) text = mutate(text, random);
      const first = await converse(text);
      kinds.set(first, (kinds.get(first) ?? 0) + 1);
    }
    expect([...kinds.keys()].filter((kind) => /^HTTP\/1\.1 5(?!0[35])/.test(kind))).toEqual([]);
    expect(await isAlive()).toBe(true);
    figures(
      `${kRequests / 10} broken connections: ${[...kinds].map(([kind, times]) => `${times} × ${kind}`).join(', ')}`,
    );
  });
});

/** @returns the first words of the answer, or `no answer`. */
async function converse(text: string): Promise<string> {
  const socket = connect(Number(url.port), url.hostname);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
    if (answer.includes('\r\n')) socket.destroy();
  });
  socket.on('error', () => {});
  socket.end(Buffer.from(text, 'latin1')); // nothing more comes: it need not wait
  const late = setTimeout(() => socket.destroy(), kPatienceMs);
  await once(socket, 'close').catch(() => {});
  clearTimeout(late);
  return /^HTTP\/1\.1 \d{3}/.exec(answer)?.[0] ?? 'no answer';
}
