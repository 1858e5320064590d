import { beforeEach, describe, expect, test } from 'vitest';
import {
  type EdgeCore,
  expectNothingLeft,
  openEdgeCore,
  type SentMessage,
} from '../../../support/edge-core.ts';
import { ask, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply, writeRequest } from '../../../support/raw-sip-peer.ts';

const kFar = 'sip:far@192.0.2.1:5062';
let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
});

function reply(
  request: SentMessage,
  status: string,
  headers: Record<string, string> = {},
  toTag = 'far',
): void {
  core.receive(writeReply(request, status, { toTag, headers }));
}

function accept(request: SentMessage, toTag = 'far'): void {
  reply(request, '200 OK', { Contact: `<${kFar}>` }, toTag);
}

/** An INVITE out, accepted and acknowledged. @returns the application's name of the dialog. */
function establish(headers: Record<string, string> = {}): { dialogId: string; invite: SentMessage } {
  ask(core, 'INVITE', '', kFar, kSdp);
  const invite = core.network.last();
  reply(invite, '200 OK', { Contact: `<${kFar}>`, ...headers });
  const dialogId = core.application.last('sip').tokens[9] ?? '';
  ask(core, 'ACK', dialogId, kFar);
  return { dialogId, invite };
}

describe('a new request', () => {
  test('gets what it lacks, and the echo carries the transaction at token 10', () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const { message, tokens } = core.application.last('response');
    expect(message?.text).toBe(core.network.last().text);
    expect(tokens[10]).toMatch(/^[0-9a-f-]{36}$/);
    expect(core.network.last().header('From')).toMatch(/^<sip:192.0.2.10:5060>;tag=/);
    expect(core.network.last().header('To')).toBe(`<${kFar}>`);
    expect(core.network.last().header('Contact')).toBe('<sip:192.0.2.10:5060>');
    expect(core.network.last().header('Max-Forwards')).toBe('70');
    expect(core.network.last().header('Allow')).toContain('UPDATE');
    expect(core.network.last().header('Content-Type')).toBe('application/sdp');
  });

  test('keeps what the application gave, with localhost replaced', () => {
    const given =
      'From: "Ann" <sip:5551234@localhost>;tag=t1\r\nTo: <sip:b@example.com>\r\nCall-ID: c1\r\nCSeq: 7 OPTIONS\r\n';
    core.command(
      '',
      '',
      `OPTIONS ${kFar} SIP/2.0\r\n${given}Max-Forwards: 9\r\nP-Asserted-Identity: <sip:x@localhost>\r\n\r\n`,
    );
    expect(core.network.last().header('From')).toBe('"Ann" <sip:5551234@192.0.2.10:5060>;tag=t1');
    expect(core.network.last().header('To')).toBe('<sip:b@example.com>');
    expect(core.network.last().header('Call-ID')).toBe('c1');
    expect(core.network.last().header('CSeq')).toBe('7 OPTIONS');
    expect(core.network.last().header('Max-Forwards')).toBe('9');
    expect(core.network.last().header('P-Asserted-Identity')).toBe('<sip:x@192.0.2.10:5060>');
  });

  test('goes to its outbound proxy, or to its first Route', () => {
    core.edge.command(
      core.application,
      ['c', 'sip', '', '', 'sip:192.0.2.77:5070'],
      `OPTIONS ${kFar} SIP/2.0\r\n\r\n`,
    );
    expect(core.network.last().flow.remote).toEqual({ host: '192.0.2.77', port: 5070 });
    core.command('', '', `OPTIONS ${kFar} SIP/2.0\r\nRoute: <sip:192.0.2.78;lr>\r\n\r\n`);
    expect(core.network.last().flow.remote).toEqual({ host: '192.0.2.78', port: 5060 });
    expect(core.network.last().header('Route')).toBe('<sip:192.0.2.78;lr>');
  });

  test('unanswered, becomes a synthetic 408 without address', async () => {
    ask(core, 'OPTIONS');
    await core.clock.advance(32_000);
    const { tokens, message } = core.application.last('sip');
    expect(message?.status).toBe(408);
    expect(tokens.slice(2, 7)).toEqual(['network', '0', 'udp', '', '0']);
    await expectNothingLeft(core);
  });

  test.each([
    ['a name that does not resolve', 'sip:far@nowhere.example'],
    ['a connection that cannot be made', `${kFar};transport=tcp`],
  ])('%s becomes a synthetic 503', (_name, uri) => {
    core.network.broken = true;
    ask(core, 'INVITE', '', uri, kSdp);
    expect(core.application.last('sip').message?.status).toBe(503);
    expect(core.edge.stats()).toMatchObject({ transactions: 0, timers: 0 });
  });

  test.each([
    ['sip:me@192.0.2.10:5060', 'can not send request to myself'],
    ['sips:far@192.0.2.1', 'requested protocol/transport not available'],
    [`${kFar};transport=tls`, 'requested protocol/transport not available'],
    ['tel:+1555', 'invalid request-uri'],
  ])('%s is refused: %s', (uri, reason) => {
    ask(core, 'INVITE', '', uri, kSdp);
    expect(core.application.last('response').tokens.slice(3)).toEqual(['NOK', reason]);
    expect(core.network.sent).toEqual([]);
  });

  test('a response that matches nothing is dropped', () => {
    ask(core, 'OPTIONS');
    const text = writeReply(core.network.last(), '200 OK');
    core.receive(text.replace(/branch=[\w-]+/, 'branch=z9hG4bKother'));
    core.receive(text.replace(/Call-ID: [^\r]+/, 'Call-ID: other'));
    expect(core.edge.stats().drops).toEqual({ 'stray-response': 2 });
    expect(core.application.carrying('200')).toHaveLength(0);
  });
});

describe('a call out', () => {
  test('responses carry transaction and dialog', () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const id = core.application.last('response').tokens[10];
    reply(core.network.last(), '180 Ringing');
    const { tokens } = core.application.last('sip');
    const tag = /tag=([\w-]+)/.exec(core.network.last().header('From'))?.[1];
    expect([tokens[8], tokens[9]]).toEqual([id, `${core.network.last().header('Call-ID')};from-tag=${tag}`]);
  });

  test('the ACK follows the reversed Record-Route to the Contact', () => {
    const { invite } = establish({ 'Record-Route': '<sip:192.0.2.81;lr>, <sip:192.0.2.82;lr>' });
    expect(core.network.last().startLine).toBe(`ACK ${kFar} SIP/2.0`);
    expect(core.network.last().headers('Route')).toEqual(['<sip:192.0.2.82;lr>', '<sip:192.0.2.81;lr>']);
    expect(core.network.last().flow.remote.host).toBe('192.0.2.82');
    expect(core.network.last().header('CSeq')).toBe(invite.header('CSeq').replace('INVITE', 'ACK'));
  });

  test('a strict router gets the Request-URI', () => {
    establish({ 'Record-Route': '<sip:192.0.2.81>' });
    expect(core.network.last().startLine).toBe('ACK sip:192.0.2.81 SIP/2.0');
    expect(core.network.last().headers('Route')).toEqual([`<${kFar}>`]);
  });

  test('ACK for a failure is refused to the application, as the edge has sent it', () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    reply(core.network.last(), '486 Busy Here');
    const dialogId = core.application.last('sip').tokens[9] ?? '';
    expect(core.network.last().method).toBe('ACK');
    ask(core, 'ACK', dialogId, kFar);
    expect(core.application.last('response').tokens[4]).toContain('ACK for non-success final response');
  });

  test('an answer the application never acknowledges is ended by BYE', async () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    accept(core.network.last());
    await core.clock.advance(32_000);
    expect(core.network.last().method).toBe('BYE');
    expect(core.application.last('sip').tokens[8]).toBe('unsolicited');
    await expectNothingLeft(core);
  });

  test('an answer without Contact is ended as soon as it is acknowledged', () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    reply(core.network.last(), '200 OK');
    ask(core, 'ACK', core.application.last('sip').tokens[9] ?? '', kFar);
    expect(core.network.last().method).toBe('BYE');
    expect(core.edge.stats().dialogs).toBe(0);
  });

  test.each([
    ['200 OK', 'application/sdp', 'v=1\r\n'],
    ['200 OK', 'application/sdp', `v=0\r\n${'m=audio 9 RTP/AVP 0\r\n'.repeat(33)}`],
    ['183 Session Progress', 'application/sdp', `${kSdp}a=rtpmap:4000000000 X/8000\r\n`],
    ['488 Not Acceptable Here', 'multipart/mixed;boundary=b', '--b\r\n\r\nunfinished'],
  ])('a %s with a body of %s beyond the bounds comes without it', (status, type, body) => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const headers = { Contact: `<${kFar}>`, 'Content-Type': type, 'Content-Disposition': 'session' };
    core.receive(writeReply(core.network.last(), status, { toTag: 'far', headers, body }));
    const { message } = core.application.last('sip');
    expect(message?.text).toMatch(new RegExp(`^SIP/2.0 ${status}\\r\\n`));
    expect(message?.text).not.toMatch(/content-(?:type|disposition)/i);
    expect(message?.body).toBe('');
    expect(core.edge.stats().drops).toEqual({ 'response-body': 1 });
  });

  test('an answer after the application has gone is acknowledged and ended', async () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const invite = core.network.last();
    core.application.connected = false;
    core.edge.applicationGone(core.application);
    accept(invite);
    expect(core.network.sent.slice(-2).map(({ method }) => method)).toEqual(['ACK', 'BYE']);
    await expectNothingLeft(core);
  });

  test('one that rings for ever is cancelled', async () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    reply(core.network.last(), '180 Ringing');
    await core.clock.advance(300_000);
    expect(core.network.last().method).toBe('CANCEL');
    await core.clock.advance(32_000);
    expect(core.application.last('sip').message?.status).toBe(487);
    await expectNothingLeft(core);
  });

  test('a challenged BYE keeps the dialog, its repetition ends it', () => {
    const { dialogId } = establish();
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    reply(core.network.last(), '401 Unauthorized');
    expect(core.edge.stats().dialogs).toBe(1);
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    reply(core.network.last(), '200 OK');
    expect(core.edge.stats().dialogs).toBe(0);
  });

  test('an INVITE of the far end meets ours with 491', () => {
    const { dialogId, invite } = establish();
    ask(core, 'INVITE', dialogId, 'sip:placeholder', kSdp);
    const headers = {
      Via: 'SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKglare',
      From: `<${kFar}>;tag=far`,
      To: invite.header('From'),
      'Call-ID': invite.header('Call-ID'),
      CSeq: '1 INVITE',
      Contact: `<${kFar}>`,
    };
    core.receive(writeRequest({ method: 'INVITE', uri: 'sip:192.0.2.10', headers, body: kSdp }));
    expect(core.network.last().status).toBe(491);
  });

  test('a reliable provisional response lets PRACK through', async () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const invite = core.network.last();
    reply(invite, '183 Session Progress', { Contact: `<${kFar}>`, Require: '100rel', RSeq: '1' });
    const dialogId = core.application.last('sip').tokens[9] ?? '';
    ask(core, 'PRACK', dialogId, kFar);
    expect(core.network.last().header('To')).toBe(`<${kFar}>;tag=far`);
    reply(core.network.last(), '200 OK');
    accept(invite);
    ask(core, 'ACK', dialogId, kFar);
    expect(core.network.last().header('CSeq')).toBe(invite.header('CSeq').replace('INVITE', 'ACK'));
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    reply(core.network.last(), '200 OK');
    await expectNothingLeft(core);
  });
});

test('when the application goes, every call ends and nothing is left', async () => {
  for (let call = 0; call < 5; call++) new CorePeer(core).establish();
  new CorePeer(core).send('INVITE', {}, kSdp);
  establish();
  ask(core, 'INVITE', '', kFar, kSdp);
  reply(core.network.last(), '180 Ringing');
  core.application.connected = false;
  core.edge.applicationGone(core.application);
  const methods = core.network.sent.map(({ method, status }) => status || method);
  expect(methods.filter((what) => what === 'BYE')).toHaveLength(6);
  expect(methods.filter((what) => what === 'CANCEL')).toHaveLength(1);
  expect(methods.filter((what) => what === 503)).toHaveLength(1);
  expect(core.edge.stats().dialogs).toBe(0);
  await expectNothingLeft(core);
});
