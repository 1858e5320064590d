import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveFeed } from '../../../src/call/live-feed.ts';
import type { SessionRecord } from '../../../src/ports/store.ts';
import { CallTraces } from '../../../src/telemetry/call-traces.ts';
import {
  attributesOf,
  countOf,
  sessionNameOf,
  stageOf,
  topologyOf,
  wordOf,
} from '../../../src/telemetry/trace-facts.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { sessionOf } from '../../support/records.ts';

const kPan = '4242424242424242';
const kFirst = '00000000-0000-4000-8000-000000000001';
const kSecond = '00000000-0000-4000-8000-000000000002';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { key: string; value: Record<string, unknown> }[];
  readonly events: readonly {
    name: string;
    attributes: readonly { key: string; value: Record<string, unknown> }[];
  }[];
  readonly status: { readonly code: number };
}

let collector: Server;
let url: string;
let received: { path: string; type: string; authorization: string | undefined; body: string }[];
let records: Map<string, SessionRecord>;
let clock: FakeClock;
let feed: LiveFeed;

beforeEach(async () => {
  received = [];
  records = new Map();
  clock = new FakeClock();
  let id = 0;
  const log = { append: () => ++id, eventsAfter: () => [], newestEventId: () => id };
  feed = new LiveFeed(log, clock, new FakeLog());
  collector = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { authorization } = request.headers;
    received.push({
      path: request.url ?? '',
      type: request.headers['content-type'] ?? '',
      authorization,
      body,
    });
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => collector.once('listening', resolve));
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/v1/traces`;
});
afterEach(() => new Promise((resolve) => collector.close(resolve)));

function follow(token: string | null = null): CallTraces {
  return new CallTraces({ url, token }, { feed, find: (id) => records.get(id) });
}

function spans(): Span[] {
  return received.flatMap(({ body }) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
}

function attributes({ attributes: all }: Pick<Span, 'attributes'>): Record<string, unknown> {
  return Object.fromEntries(all.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** A payment that is declined once. */
async function pay(sessionId: string, callId: string): Promise<void> {
  records.set(sessionId, sessionOf({ sessionId, callId, topology: 'inline', reference: kPan }));
  feed.publish(sessionId, 'started', {});
  for (const stage of ['GREETING', 'PAN_ENTRY']) {
    feed.publish(sessionId, 'stage', { stage });
    await clock.advance(2000);
  }
  feed.publish(sessionId, 'field_error', { field: 'pan', error: 'invalid' });
  feed.publish(sessionId, 'secure_mode', { on: true });
  feed.publish(sessionId, 'stage', { stage: 'SUBMIT' });
  await clock.advance(500);
  feed.publish(sessionId, 'attempt', { outcome: 'declined', declineClass: 'soft' });
  records.set(
    sessionId,
    sessionOf({ sessionId, callId, result: 'DECLINED_MAX', outcome: 'declined', attempts: 1, declines: 1 }),
  );
  feed.publish(sessionId, 'ended', { result: 'DECLINED_MAX' });
}

describe('the traces of calls', () => {
  it('have a span for the payment, one for each step and one for the gateway', async () => {
    const traces = follow('let-me-in');
    await pay(kFirst, 'call-1');
    await traces.close();
    expect(received[0]).toMatchObject({
      path: '/v1/traces',
      type: 'application/json',
      authorization: 'Bearer let-me-in',
    });
    const all = spans();
    expect(all.map(({ name }) => name).toSorted()).toEqual([
      'GREETING',
      'PAN_ENTRY',
      'SUBMIT',
      'gateway',
      'payment',
    ]);
    const named = Object.fromEntries(all.map((span) => [span.name, span]));
    const { payment } = named;
    for (const name of ['GREETING', 'PAN_ENTRY', 'SUBMIT', 'gateway']) {
      expect(named[name]).toMatchObject({ traceId: payment?.traceId, parentSpanId: payment?.spanId });
    }
    const lengthMs = ({ startTimeUnixNano, endTimeUnixNano }: Span) =>
      Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000_000n);
    expect(all.map((span) => [span.name, lengthMs(span)])).toEqual(
      expect.arrayContaining([
        ['PAN_ENTRY', 2000],
        ['gateway', 500],
        ['payment', 4500],
      ]),
    );
    expect(payment && attributes(payment)).toEqual({
      'hushpay.session': kFirst,
      'hushpay.topology': 'inline',
      'hushpay.gateway': 'fake',
      'hushpay.result': 'DECLINED_MAX',
      'hushpay.outcome': 'declined',
      'hushpay.attempts': 1,
      'hushpay.declines': 1,
    });
    expect(named['gateway'] && attributes(named['gateway'])).toEqual({
      'hushpay.outcome': 'declined',
      'hushpay.declineClass': 'soft',
    });
    expect(named['PAN_ENTRY']?.events.map((event) => [event.name, attributes(event)])).toEqual([
      ['field_error', { 'hushpay.field': 'pan', 'hushpay.error': 'invalid' }],
    ]);
    expect(payment?.events.map(({ name }) => name)).toEqual(['secure_mode']);
  });

  it('are one a call: its payments, and what was found out later, share it', async () => {
    const traces = follow();
    await pay(kFirst, 'call-1');
    await pay(kSecond, 'call-1');
    feed.publish(kFirst, 'resolved', { resolution: 'REVERSED' });
    await pay('00000000-0000-4000-8000-000000000003', 'call-2');
    await traces.close();
    const roots = spans().filter(({ parentSpanId }) => !parentSpanId);
    expect(roots.map(({ name }) => name)).toEqual(['payment', 'payment', 'resolved', 'payment']);
    const [first, second, resolved, other] = roots.map(({ traceId }) => traceId);
    expect([second, resolved]).toEqual([first, first]);
    expect(other).not.toBe(first);
    expect(received[0]?.authorization).toBeUndefined();
  });

  it('end with the server, and do not hold it up when nobody collects', async () => {
    const traces = new CallTraces(
      { url: 'http://127.0.0.1:1/v1/traces', token: null },
      { feed, find: (id) => records.get(id) },
    );
    records.set(kFirst, sessionOf({ sessionId: kFirst }));
    feed.publish(kFirst, 'started', {});
    await traces.close();
    feed.publish(kFirst, 'stage', { stage: 'PAN_ENTRY' });
    expect(spans()).toEqual([]);
  });

  it('hold no card, whatever a number or a text of it is called', async () => {
    const traces = follow();
    records.set(
      kFirst,
      sessionOf({ sessionId: kFirst, gateway: kPan, reference: kPan, customerId: kPan, last4: '4242' }),
    );
    feed.publish(kFirst, 'started', {});
    for (const name of [
      'stage',
      'field_error',
      'attempt',
      'secure_mode',
      'joined',
      'left',
      'action',
      'resolved',
    ]) {
      const keys = [
        'stage',
        'field',
        'error',
        'outcome',
        'declineClass',
        'on',
        'role',
        'action',
        'resolution',
      ];
      feed.publish(kFirst, name, Object.fromEntries(keys.map((key) => [key, kPan])));
      feed.publish(kFirst, name, Object.fromEntries(keys.map((key) => [key, Number(kPan)])));
    }
    const record = sessionOf({ sessionId: kFirst, result: kPan, attempts: Number(kPan), declines: -1 });
    records.set(kFirst, record);
    feed.publish(kFirst, 'ended', { result: kPan });
    await traces.close();
    expect(received.length).toBeGreaterThan(0);
    for (const { body } of received) {
      const said = JSON.stringify(
        JSON.parse(body, (key, value) => (/TimeUnixNano|[sS]panId|traceId/.test(key) ? undefined : value)),
      );
      expect(said).not.toMatch(/4242/);
    }
  });
});

describe('what a trace may say', () => {
  it('has no way in for digits, by any of its doors', () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), fc.integer({ min: 10_000 }), (anything, text, large) => {
        for (const value of [anything, text, `${text}1`, large, String(large), kPan]) {
          const said = { word: wordOf(value), stage: stageOf(value), topology: topologyOf(value) };
          expect(JSON.stringify(said)).not.toMatch(/\d/);
          expect(String(countOf(value) ?? '').length).toBeLessThanOrEqual(4);
        }
        expect(sessionNameOf(text)).toBeUndefined();
      }),
    );
    expect(sessionNameOf(kFirst)).toBe(kFirst);
    expect(attributesOf({ on: false })).toEqual({ 'hushpay.on': false });
  });
});
