import { beforeEach, describe, expect, test } from 'vitest';
import { readDurationMs } from '../../../../src/edge/proxy/options.ts';
import {
  type EdgeCore,
  expectNothingLeft,
  openEdgeCore,
  type SentMessage,
} from '../../../support/edge-core.ts';
import { CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply, writeRequest } from '../../../support/raw-sip-peer.ts';

const kOne = 'sip:one@192.0.2.21:5060';
const kTwo = 'sip:two@192.0.2.22:5060';
let core: EdgeCore<FakeClock>;
let caller: CorePeer;
let transaction: string;

beforeEach(() => {
  core = openEdgeCore();
  caller = new CorePeer(core);
});

interface How {
  readonly remain?: boolean;
  readonly full?: boolean;
  readonly follow?: boolean;
  readonly simultaneous?: boolean;
  readonly provisional?: string;
  readonly final?: string;
  readonly headers?: string;
}

function proxy(destinations: readonly string[], how: How = {}): void {
  const tokens = [
    'p1', 'proxy', transaction, how.remain === false ? '' : 'remainInDialog', how.full === false ? '' : 'fullResponse',
    how.follow ? 'followRedirects' : '', how.simultaneous ? 'simultaneous' : 'serial', how.provisional ?? '',
    how.final ?? '', ...destinations,
  ]; // biome-ignore format: a line of the wire
  core.edge.command(
    core.application,
    tokens,
    `INVITE ${destinations[0]} SIP/2.0\r\n${how.headers ?? ''}Content-Length: 0\r\n\r\n`,
  );
}

function invite(over: Record<string, string> = {}): void {
  caller.send('INVITE', over, kSdp);
  transaction = core.application.last('sip').tokens[8] ?? '';
}

/** Requests sent to a host, copies left out. */
function to(host: string, method = 'INVITE'): SentMessage[] {
  const sent = core.network.sent.filter(
    (message) => message.status === 0 && message.method === method && message.flow.remote.host === host,
  );
  return [...new Map(sent.map((message) => [message.header('Via'), message])).values()];
}

function reply(host: string, status: string, headers: Record<string, string> = {}): void {
  const request = to(host)[0];
  if (!request) throw new Error(`nothing was sent to ${host}`);
  const contact = { Contact: `<sip:callee@${host}:5060>` };
  core.receive(writeReply(request, status, { toTag: `at-${host}`, headers: { ...contact, ...headers } }), {
    host,
    port: 5060,
  });
}

/** What the caller has got, 100 left out. */
function got(): number[] {
  return core.network.sent
    .filter(({ status, flow }) => status > 100 && flow.remote.host === '192.0.2.1')
    .map(({ status }) => status);
}

function progress(): string[] {
  return core.application.frames
    .filter(({ tokens }) => tokens[1] === 'response')
    .map(({ tokens, message }) =>
      [...tokens.slice(3, 4), tokens.at(-1), message?.status].filter(Boolean).join(' '),
    );
}

test('an INVITE is sent on, its answers go back, the application is told', () => {
  invite();
  proxy([kOne], { headers: 'X-Added: yes\r\n' });
  const sent = to('192.0.2.21')[0];
  expect(sent?.startLine).toBe(`INVITE ${kOne} SIP/2.0`);
  expect(sent?.headers('Via')).toHaveLength(2);
  expect(sent?.header('Max-Forwards')).toBe('69');
  expect(sent?.header('Record-Route')).toBe('<sip:192.0.2.10:5060;lr>');
  expect(sent?.header('X-Added')).toBe('yes');
  expect([sent?.header('Call-ID'), sent?.body]).toEqual([caller.callId, kSdp]);
  reply('192.0.2.21', '100 Trying');
  reply('192.0.2.21', '180 Ringing');
  reply('192.0.2.21', '200 OK');
  expect(got()).toEqual([180, 200]);
  expect(caller.last().headers('Via')).toHaveLength(1);
  expect(caller.last().header('Record-Route')).toBe('<sip:192.0.2.10:5060;lr>');
  expect(progress()).toEqual(['OK continue 200', 'OK done']);
});

test('later requests of the dialog pass both ways, and the BYE ends it', async () => {
  invite();
  proxy([kOne]);
  reply('192.0.2.21', '200 OK');
  caller.learn(caller.last());
  const route = { Route: '<sip:192.0.2.10:5060;lr>' };
  core.receive(caller.text('ACK', route, '', 'sip:callee@192.0.2.21:5060'));
  const ack = to('192.0.2.21', 'ACK')[0];
  expect([ack?.startLine, ack?.headers('Route')]).toEqual(['ACK sip:callee@192.0.2.21:5060 SIP/2.0', []]);
  const back = {
    Via: 'SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKback',
    From: `<sip:1000@192.0.2.10>;tag=${caller.toTag}`,
    To: `<sip:peer@192.0.2.1>;tag=${caller.fromTag}`,
    'Call-ID': caller.callId,
    CSeq: '1 INFO',
    ...route,
  };
  core.receive(writeRequest({ method: 'INFO', uri: 'sip:peer@192.0.2.1:5062', headers: back }), {
    host: '192.0.2.21',
    port: 5060,
  });
  const info = to('192.0.2.1', 'INFO')[0];
  expect(info?.startLine).toBe('INFO sip:peer@192.0.2.1:5062 SIP/2.0');
  core.receive(writeReply(info as SentMessage, '200 OK'));
  core.receive(caller.text('BYE', route, '', 'sip:callee@192.0.2.21:5060'));
  const bye = to('192.0.2.21', 'BYE')[0];
  core.receive(writeReply(bye as SentMessage, '200 OK'), { host: '192.0.2.21', port: 5060 });
  expect(core.network.sent.at(-1)?.header('CSeq')).toContain('BYE');
  expect(core.network.sent.at(-1)?.status).toBe(200);
  expect(core.edge.stats().dialogs).toBe(0);
  await expectNothingLeft(core);
});

test("nobody else's request is sent on, whatever its Route says", () => {
  caller.toTag = 'unknown';
  core.receive(caller.text('INFO', { Route: '<sip:192.0.2.10:5060;lr>' }, '', 'sip:victim@198.51.100.7'));
  expect(caller.last().status).toBe(481);
  expect(core.network.sent.filter(({ status }) => status === 0)).toEqual([]);
});

test('without remaining there is no Record-Route and nothing is kept', async () => {
  invite();
  proxy([kOne], { remain: false });
  expect(to('192.0.2.21')[0]?.header('Record-Route')).toBe('');
  reply('192.0.2.21', '200 OK');
  expect(core.edge.stats().dialogs).toBe(0);
  await expectNothingLeft(core);
});

describe('one after the other', () => {
  test('the next is tried after a failure, and the best answer goes back', async () => {
    invite();
    proxy([kOne, kTwo]);
    expect(to('192.0.2.22')).toHaveLength(0);
    reply('192.0.2.21', '486 Busy Here');
    expect(to('192.0.2.21', 'ACK')).toHaveLength(1);
    expect(got()).toEqual([]);
    reply('192.0.2.22', '404 Not Found');
    expect(got()).toEqual([404]);
    expect(progress()).toEqual(['OK continue 486', 'OK continue 404', 'OK done']);
    caller.learn(caller.last());
    caller.send('ACK', { Via: to('192.0.2.21')[0]?.headers('Via')[1] ?? '' });
    await expectNothingLeft(core);
  });

  test('one that does not answer at all is given up after the provisional timeout', async () => {
    invite();
    proxy([kOne, kTwo], { provisional: '2s' });
    await core.clock.advance(1_999);
    expect(to('192.0.2.22')).toHaveLength(0);
    await core.clock.advance(1);
    reply('192.0.2.22', '200 OK');
    expect(got()).toEqual([200]);
    reply('192.0.2.21', '180 Ringing');
    expect(to('192.0.2.21', 'CANCEL')).toHaveLength(1); // as soon as it may be cancelled
  });

  test('one that only rings is cancelled after the final timeout', async () => {
    invite();
    proxy([kOne, kTwo], { final: '5s' });
    reply('192.0.2.21', '180 Ringing');
    await core.clock.advance(5_000);
    expect(to('192.0.2.21', 'CANCEL')).toHaveLength(1);
    expect(to('192.0.2.22')).toHaveLength(1);
    reply('192.0.2.21', '487 Request Terminated');
    await core.clock.advance(5_000);
    expect(got()).toEqual([180, 408]);
  });

  test('a challenge or a 6xx ends the search', () => {
    invite();
    proxy([kOne, kTwo]);
    reply('192.0.2.21', '603 Decline');
    expect([got(), to('192.0.2.22').length]).toEqual([[603], 0]);
  });

  test('nothing anywhere: 408', async () => {
    invite();
    proxy([kOne]);
    await core.clock.advance(32_000);
    expect(got()).toContain(408);
    expect(progress().at(-1)).toBe('OK done');
  });
});

describe('all at once', () => {
  test('the first 2xx wins, the others are cancelled', async () => {
    invite();
    proxy([kOne, kTwo], { simultaneous: true });
    reply('192.0.2.21', '180 Ringing');
    reply('192.0.2.22', '180 Ringing');
    reply('192.0.2.22', '200 OK');
    expect(to('192.0.2.21', 'CANCEL')).toHaveLength(1);
    reply('192.0.2.21', '487 Request Terminated');
    expect(got()).toEqual([180, 180, 200]);
    expect(progress()).toContain('OK done');
  });

  test('a second 2xx, and each copy, goes back as well', () => {
    invite();
    proxy([kOne, kTwo], { simultaneous: true });
    reply('192.0.2.21', '200 OK');
    reply('192.0.2.22', '200 OK');
    reply('192.0.2.21', '200 OK');
    expect(got()).toEqual([200, 200, 200]);
  });

  test('challenges of all destinations go back together', () => {
    invite();
    proxy([kOne, kTwo], { simultaneous: true });
    reply('192.0.2.21', '180 Ringing');
    reply('192.0.2.22', '401 Unauthorized', { 'WWW-Authenticate': 'Digest realm="two"' });
    reply('192.0.2.21', '487 Request Terminated');
    expect(got()).toEqual([180, 401]);
    expect(caller.last().headers('WWW-Authenticate')).toEqual(['Digest realm="two"']);
  });
});

test('redirects are followed, the best contact first', () => {
  invite();
  proxy([kOne], { follow: true });
  reply('192.0.2.21', '302 Moved', { Contact: '<sip:b@192.0.2.23>;q=0.2, <sip:a@192.0.2.22>;q=0.8' });
  expect([to('192.0.2.22').length, to('192.0.2.23').length]).toEqual([1, 0]);
  reply('192.0.2.22', '404 Not Found');
  expect(to('192.0.2.23')).toHaveLength(1);
  reply('192.0.2.23', '200 OK');
  expect(got()).toEqual([200]);
});

test('redirects that are not followed go back', () => {
  invite();
  proxy([kOne]);
  reply('192.0.2.21', '302 Moved', { Contact: '<sip:b@192.0.2.23>' });
  expect(got()).toEqual([302]);
});

test('CANCEL of the caller reaches every destination, and its 487 comes back', async () => {
  invite();
  proxy([kOne, kTwo], { simultaneous: true });
  reply('192.0.2.21', '180 Ringing');
  caller.send('CANCEL', { CSeq: '1 CANCEL' });
  expect(caller.core.network.sent.some(({ status, method }) => status === 200 && method === 'CANCEL')).toBe(
    true,
  );
  expect(to('192.0.2.21', 'CANCEL')).toHaveLength(1);
  expect(got()).toEqual([180, 200]);
  reply('192.0.2.21', '487 Request Terminated');
  await core.clock.advance(32_000); // the other never says anything
  expect(got().at(-1)).toBe(487);
});

test('a 503 of a destination becomes a 500: we are not the ones in trouble', () => {
  invite();
  proxy([kOne]);
  reply('192.0.2.21', '503 Service Unavailable');
  expect(got()).toEqual([500]);
});

test('without fullResponse the application is told once, at once', () => {
  invite();
  proxy([kOne], { full: false });
  expect(progress()).toEqual(['OK done']);
  reply('192.0.2.21', '200 OK');
  expect(progress()).toEqual(['OK done']);
});

test('what cannot be proxied is refused', () => {
  invite();
  proxy(['sip:me@192.0.2.10:5060']);
  expect(progress()).toEqual(['NOK error proxying request to ']);
  expect(got()).toEqual([500]);
  proxy([kOne]);
  expect(progress().at(-1)).toBe(`NOK Unknown transaction id: ${transaction}`);
});

test('a reliable answer is acknowledged through us', () => {
  invite({ Supported: '100rel' });
  proxy([kOne]);
  reply('192.0.2.21', '183 Progress', { Require: '100rel', RSeq: '9' });
  caller.learn(caller.last());
  expect(caller.last().header('RSeq')).toBe('9');
  const headers = { Route: '<sip:192.0.2.10:5060;lr>', RAck: '9 1 INVITE' };
  core.receive(caller.text('PRACK', headers, '', 'sip:callee@192.0.2.21:5060'));
  expect(to('192.0.2.21', 'PRACK')[0]?.header('RAck')).toBe('9 1 INVITE');
});

test('the call goes on when the application leaves', () => {
  invite();
  proxy([kOne]);
  core.application.connected = false;
  core.edge.applicationGone(core.application);
  reply('192.0.2.21', '200 OK');
  expect(got()).toEqual([200]);
});

test('between two transports both sides are recorded', () => {
  invite();
  proxy([`${kOne};transport=tcp`]);
  const sent = core.network.sent.find(({ method, flow }) => method === 'INVITE' && flow.transport === 'tcp');
  expect(sent?.headers('Record-Route')).toEqual([
    '<sip:192.0.2.10:5060;transport=tcp;lr>',
    '<sip:192.0.2.10:5060;lr>',
  ]);
});

test.each([
  ['5s', 5_000],
  ['250ms', 250],
  ['', undefined],
  ['5', undefined],
  ['5m', undefined],
])('a timeout of %j is %s ms', (text, ms) => {
  expect(readDurationMs(text)).toBe(ms);
});
