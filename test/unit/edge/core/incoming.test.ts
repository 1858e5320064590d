import { beforeEach, describe, expect, test } from 'vitest';
import { type EdgeCore, expectNothingLeft, openEdgeCore } from '../../../support/edge-core.ts';
import { answer, CorePeer, dialogIdOf } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp } from '../../../support/raw-sip-peer.ts';

let core: EdgeCore<FakeClock>;
let peer: CorePeer;

beforeEach(() => {
  core = openEdgeCore();
  peer = new CorePeer(core);
});

describe('outside a dialog', () => {
  test('the frame of a new request has its tokens where drachtio-srf reads them', () => {
    peer.send('INVITE', {}, kSdp);
    const { tokens } = core.application.last('sip');
    expect(tokens.slice(1, 3)).toEqual(['sip', 'network']);
    expect(tokens.slice(4, 8)).toEqual(['udp', '192.0.2.1', '5062', '12:00:00.000000']);
    expect(tokens[8]).toMatch(/^[0-9a-f-]{36}$/);
    expect(tokens.slice(9)).toEqual(['', '192.0.2.10', '5060', '']);
    expect(peer.statuses()).toEqual([100]);
  });

  test.each<[string, string, Record<string, string>, number]>([
    ['an unknown method', 'DANCE', {}, 501],
    ['a method nobody routed', 'REGISTER', {}, 405],
    ['OPTIONS', 'OPTIONS', {}, 200],
    ['BYE', 'BYE', {}, 481],
    ['an unknown extension', 'INVITE', { Require: 'nothing-known' }, 420],
    ['no hops left', 'INVITE', { 'Max-Forwards': '0' }, 483],
    ['a To tag we never gave', 'INVITE', { To: '<sip:1000@192.0.2.10>;tag=made-up' }, 481],
    ['a Contact of *', 'INVITE', { Contact: '*' }, 400],
    ['two Call-IDs', 'INVITE', { 'Call-ID': 'a\r\nCall-ID: b' }, 400],
    ['a token separator in Call-ID', 'INVITE', { 'Call-ID': 'a|b' }, 400],
    ['a token separator in the tag', 'INVITE', { From: '<sip:a@192.0.2.1>;tag=a|b' }, 400],
    ['a CSeq of 2^31', 'INVITE', { CSeq: '2147483648 INVITE' }, 400],
    ['a CSeq of another method', 'INVITE', { CSeq: '1 OPTIONS' }, 400],
    ['Max-Forwards above 255', 'INVITE', { 'Max-Forwards': '256' }, 400],
  ])('%s: %s', (_name, method, over, status) => {
    peer.send(method, over, '');
    expect(peer.statuses()[0]).toBe(status);
  });

  test('a scheme we do not speak is answered 416', () => {
    core.receive(peer.text('INVITE', {}, '', 'http://example.com'));
    expect(peer.statuses()).toEqual([416]);
  });

  test('420 names what is not supported', () => {
    peer.send('INVITE', { Require: 'replaces, nothing-known, also-not' });
    expect(peer.last().header('Unsupported')).toBe('nothing-known, also-not');
  });

  test('without any application a call is answered 503 with Retry-After', () => {
    core.application.connected = false;
    peer.send('INVITE', {}, kSdp);
    expect(peer.last()).toMatchObject({ status: 503 });
    expect(peer.last().header('Retry-After')).toBe('5');
  });

  test('OPTIONS is answered as a call would be', () => {
    const peer = new CorePeer(core);
    peer.send('OPTIONS');
    expect(peer.last().status).toBe(200);
    expect(peer.last().header('Allow')).toContain('INVITE');
    core.application.connected = false;
    new CorePeer(core).send('OPTIONS');
    expect(core.network.sent.at(-1)).toMatchObject({ status: 503 });
    expect(core.network.sent.at(-1)?.header('Retry-After')).toBe('5');
  });

  test('a copy that came by another way is answered 482', () => {
    peer.send('INVITE', {}, kSdp);
    core.receive(peer.text('INVITE', { CSeq: '1 INVITE' }, kSdp));
    expect(peer.statuses()).toEqual([100, 482]);
    expect(core.application.carrying('INVITE')).toHaveLength(1);
  });

  test('a late copy of an answered call is answered 482, and what we send goes out in the call', async () => {
    const dialogId = peer.establish();
    const copy = { To: '<sip:1000@192.0.2.10>', Contact: '<sip:other@192.0.2.99:5062>' };
    core.receive(peer.text('INVITE', { ...copy, CSeq: '1 INVITE' }, kSdp));
    core.receive(peer.text('INVITE', { ...copy, CSeq: '77 INVITE' }, kSdp));
    expect(core.network.sentOf('482')).toHaveLength(2);
    core.command('', dialogId, 'BYE sip:placeholder SIP/2.0\r\n\r\n');
    expect(core.network.sentOf('BYE').at(-1)?.startLine).toBe('BYE sip:peer@192.0.2.1:5062 SIP/2.0');
  });

  test('the same branch of two senders makes two transactions', () => {
    const text = peer.send('INVITE', {}, kSdp);
    core.receive(text.replace(peer.callId, 'other@peer'), { host: '192.0.2.3' });
    expect(core.application.carrying('INVITE')).toHaveLength(2);
  });

  test('a request the application never answers is given up and forgotten', async () => {
    peer.send('INVITE', {}, kSdp);
    await core.clock.advance(180_000);
    expect(peer.last().status).toBe(504);
    expect(core.edge.stats().drops['unanswered-by-application']).toBe(1);
    await expectNothingLeft(core);
  });

  test('the answer goes to the source port with rport, else to the port of Via', () => {
    peer.send('OPTIONS');
    expect(peer.last().flow.remote).toEqual({ host: '192.0.2.1', port: 5062 });
    expect(peer.last().header('Via')).toContain(';rport=5062');
    core.receive(
      new CorePeer(core).text('OPTIONS', { Via: 'SIP/2.0/UDP host.example:5099;branch=z9hG4bKa1' }),
      {
        port: 40_000,
      },
    );
    expect(peer.last().flow.remote).toEqual({ host: '192.0.2.1', port: 5099 });
    expect(peer.last().header('Via')).toContain(';received=192.0.2.1');
  });

  test('too many transactions are answered 503 without keeping anything', () => {
    core = openEdgeCore({ transactions: 1 });
    new CorePeer(core).send('INVITE', {}, kSdp);
    peer = new CorePeer(core);
    peer.send('INVITE', {}, kSdp);
    expect(peer.last().status).toBe(503);
    expect(core.edge.stats().transactions).toBe(1);
  });

  test('too many dialogs: a new call is answered 503', () => {
    core = openEdgeCore({ dialogs: 1 });
    new CorePeer(core).establish();
    peer = new CorePeer(core);
    peer.send('INVITE', {}, kSdp);
    expect(peer.last().status).toBe(503);
  });
});

describe('a source that is not allowed', () => {
  beforeEach(() => {
    core = openEdgeCore({}, ['192.0.2.1']);
    peer = new CorePeer(core);
  });

  test.each(['INVITE', 'OPTIONS', 'CANCEL', 'ACK', 'BYE', 'DANCE'])('gets no answer to %s', (method) => {
    core.receive(peer.text(method), { host: '203.0.113.5' });
    expect(core.network.sent).toEqual([]);
    expect(core.edge.stats().drops).toEqual({ 'unknown-source': 1 });
  });

  test('gets no answer to a broken request', () => {
    core.receive(peer.text('INVITE').replace('CSeq: 1', 'CSeq: x'), { host: '203.0.113.5' });
    expect(core.network.sent).toEqual([]);
  });

  test('may send within a call it has', () => {
    peer.establish();
    core.receive(peer.text('BYE'), { host: '203.0.113.5' });
    expect(core.application.carrying('BYE')).toHaveLength(1);
  });
});

describe('a call', () => {
  test('a 2xx is repeated until ACK comes, and the ACK carries the transaction of the INVITE', async () => {
    peer.invite();
    await core.clock.advance(4_000);
    expect(core.network.sent.filter(({ status }) => status === 200).map(({ atMs }) => atMs)).toEqual([
      0, 500, 1500, 3500,
    ]);
    peer.send('ACK');
    await core.clock.advance(60_000);
    expect(peer.statuses().filter((status) => status === 200)).toHaveLength(4);
    const [invite] = core.application.carrying('INVITE');
    const [ack] = core.application.carrying('ACK');
    expect([ack?.tokens[8], ack?.tokens[9]]).toEqual([invite?.tokens[8], dialogIdOf(peer)]);
  });

  test('over TCP a 2xx is repeated too', async () => {
    core.receive(peer.text('INVITE', { Via: 'SIP/2.0/TCP 192.0.2.1:5062;branch=z9hG4bKt1' }, kSdp), {
      transport: 'tcp',
    });
    answer(core, '200 OK', kSdp);
    await core.clock.advance(600);
    expect(peer.statuses()).toEqual([100, 200, 200]);
  });

  test('without ACK the call is ended by BYE after 64*T1 and the application told', async () => {
    peer.invite();
    await core.clock.advance(32_000);
    const bye = peer.last();
    expect([bye.method, bye.header('Reason')]).toEqual(['BYE', 'SIP;cause=200;text="ACK timeout"']);
    expect(bye.startLine).toBe('BYE sip:peer@192.0.2.1:5062 SIP/2.0');
    const { tokens, message } = core.application.last('sip');
    expect([tokens[2], tokens[8], tokens[9]]).toEqual(['application', 'unsolicited', dialogIdOf(peer)]);
    expect(message?.method).toBe('BYE');
    await expectNothingLeft(core);
  });

  test('the answer has Contact, Record-Route and our tag; the echo carries transaction and dialog', () => {
    peer.send('INVITE', { 'Record-Route': '<sip:p1.example;lr>, <sip:p2.example;lr>' }, kSdp);
    answer(core, '200 OK', kSdp, 'X-App: yes\r\nto: <sip:x@y>\r\nvia: nonsense\r\n');
    const sent = peer.last();
    expect(sent.header('Contact')).toBe('<sip:192.0.2.10:5060>');
    expect(sent.header('Record-Route')).toBe('<sip:p1.example;lr>, <sip:p2.example;lr>');
    expect(sent.header('To')).toMatch(/^<sip:1000@192.0.2.10>;tag=[\w-]{11}$/);
    expect(sent.headers('Via')).toHaveLength(1);
    expect(sent.header('X-App')).toBe('yes');
    expect(sent.header('Content-Type')).toBe('application/sdp');
    const { tokens, message } = core.application.last('response');
    expect(tokens.slice(3, 5)).toEqual(['OK', 'application']);
    expect([tokens[10], tokens[11]]).toEqual([
      core.application.carrying('INVITE')[0]?.tokens[8],
      dialogIdOf(peer),
    ]);
    expect(message?.text).toBe(sent.text);
  });

  test('the answer says what we take and know, unless the application does', () => {
    const peer = new CorePeer(core);
    peer.invite();
    expect(peer.last().header('Allow')).toContain('UPDATE');
    expect(peer.last().header('Supported')).toBe('100rel, timer');
    const other = new CorePeer(core);
    other.send('INVITE', {}, kSdp);
    answer(core, '200 OK', kSdp, 'Allow: INVITE, BYE\r\nSupported: replaces\r\n');
    expect(other.last().headers('Allow')).toEqual(['INVITE, BYE']);
    expect(other.last().headers('Supported')).toEqual(['replaces']);
  });

  test.each(['REFER', 'UPDATE'])('the 2xx to %s names the Contact the far end has of us', (method) => {
    const peer = new CorePeer(core);
    peer.send('INVITE', {}, kSdp);
    answer(core, '200 OK', kSdp, 'Contact: <sip:desk@192.0.2.10:5060>\r\n');
    peer.learn(peer.last());
    peer.send('ACK');
    peer.send(method, { 'Refer-To': '<sip:3000@192.0.2.1>' });
    answer(core, '202 Accepted');
    expect(peer.last().header('Contact')).toBe('<sip:desk@192.0.2.10:5060>');
  });

  test('the application may choose the tag, and keeps it once it has gone out', () => {
    peer.send('INVITE', {}, kSdp);
    answer(core, '180 Ringing', '', 'To: <sip:1000@192.0.2.10>;tag=mine\r\n');
    answer(core, '200 OK', kSdp, 'To: <sip:1000@192.0.2.10>;tag=other\r\n');
    expect(peer.last().header('To')).toBe('<sip:1000@192.0.2.10>;tag=mine');
  });

  test('CANCEL after the answer changes nothing', () => {
    peer.invite();
    const branch = peer.branch;
    peer.send('CANCEL', { Via: `SIP/2.0/UDP 192.0.2.1:5062;branch=${branch};rport` });
    expect(peer.statuses()).toEqual([100, 200, 200]);
    expect(core.application.carrying('CANCEL')).toHaveLength(0);
  });

  test('an answer after CANCEL is refused to the application', () => {
    peer.send('INVITE', {}, kSdp);
    const id = core.application.last('sip').tokens[8] ?? '';
    peer.send('CANCEL', { Via: `SIP/2.0/UDP 192.0.2.1:5062;branch=${peer.branch};rport` });
    expect(core.application.last('sip').tokens[8]).toBe(id);
    answer(core, '200 OK', kSdp);
    expect(core.application.last('response').tokens.slice(3)).toEqual([
      'NOK',
      'Response not sent due to unknown transaction',
    ]);
    expect(peer.statuses()).toEqual([100, 200, 487]);
  });

  test('BYE while a re-INVITE is open ends that with 487', () => {
    peer.establish();
    peer.send('INVITE', {}, kSdp);
    peer.send('BYE');
    expect(peer.last()).toMatchObject({ status: 487 });
    answer(core, '200 OK');
    expect(peer.last()).toMatchObject({ status: 200, method: 'BYE' });
    expect(core.edge.stats().dialogs).toBe(0);
  });

  test('a second INVITE before the first is answered gets 500 with Retry-After', () => {
    peer.establish();
    peer.send('INVITE', {}, kSdp);
    peer.send('INVITE', {}, kSdp);
    expect(peer.last()).toMatchObject({ status: 500 });
    expect(peer.last().header('Retry-After')).toBe('1');
  });

  test('an older CSeq is answered 500', () => {
    peer.establish();
    peer.send('INFO', { CSeq: '0 INFO' });
    expect(peer.last().status).toBe(500);
  });

  test('a re-INVITE moves the remote target', () => {
    const dialogId = peer.establish();
    peer.send('INVITE', { Contact: '<sip:moved@192.0.2.9>' }, kSdp);
    answer(core, '200 OK', kSdp);
    peer.send('ACK');
    core.command('', dialogId, 'BYE sip:placeholder SIP/2.0\r\n\r\n');
    expect(peer.last().startLine).toBe('BYE sip:moved@192.0.2.9 SIP/2.0');
  });

  test('a caller by TCP whose Contact names no transport is called back by TCP', () => {
    const via = { Via: 'SIP/2.0/TCP 192.0.2.1:5062;branch=z9hG4bKt2' };
    core.receive(peer.text('INVITE', via, kSdp), { transport: 'tcp' });
    answer(core, '200 OK', kSdp);
    core.command('', dialogIdOf(peer), 'BYE sip:placeholder SIP/2.0\r\n\r\n');
    expect([peer.last().method, peer.last().flow.transport]).toEqual(['BYE', 'tcp']);
  });

  test('nothing is left of a finished call', async () => {
    peer.establish();
    peer.send('BYE');
    answer(core, '200 OK');
    await expectNothingLeft(core);
  });

  test('nothing is left of calls refused, cancelled, unanswered, unacknowledged', async () => {
    for (let call = 0; call < 40; call++) {
      peer = new CorePeer(core);
      peer.send('INVITE', {}, kSdp);
      if (call % 4 === 0) answer(core, '486 Busy Here');
      if (call % 4 === 1)
        peer.send('CANCEL', { Via: `SIP/2.0/UDP 192.0.2.1:5062;branch=${peer.branch};rport` });
      if (call % 4 === 2) answer(core, '200 OK', kSdp);
    }
    await core.clock.advance(180_000);
    await expectNothingLeft(core);
  });
});

test('messages are counted by direction, method, status and transport', () => {
  peer.establish();
  expect(core.edge.stats()).toMatchObject({
    messages: { 'in udp INVITE': 1, 'out udp 100': 1, 'out udp 200': 1, 'in udp ACK': 1 },
    drops: {},
    dialogs: 1,
  });
});

test('what drachtio-srf cannot read is pushed in plain form', () => {
  const text = peer
    .text(
      'INVITE',
      { From: `J\xc3\xb6rg <sip:peer@192.0.2.1>;tag=${peer.fromTag}`, Subject: 'a\r\n  folded\r\n\tline' },
      kSdp,
    )
    .replace('To: <sip:1000@192.0.2.10>', 't :sip:1000@192.0.2.10');
  core.receive(text);
  const { message } = core.application.last('sip');
  expect(message?.header('From')).toBe(`"J\xc3\xb6rg" <sip:peer@192.0.2.1>;tag=${peer.fromTag}`);
  expect(message?.header('To')).toBe('<sip:1000@192.0.2.10>');
  expect(message?.header('Subject')).toBe('a folded line');
});
