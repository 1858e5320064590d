import { beforeEach, describe, expect, test } from 'vitest';
import { type EdgeCore, expectNothingLeft, openEdgeCore } from '../../../support/edge-core.ts';
import { answer, ask, CorePeer, dialogIdOf } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply, writeRequest } from '../../../support/raw-sip-peer.ts';

const kFar = 'sip:far@192.0.2.1:5062';
const kReliable = 'Require: 100rel\r\n';
let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
});

describe('UPDATE (RFC 3311)', () => {
  test('goes both ways and moves the target', async () => {
    const peer = new CorePeer(core);
    const dialogId = peer.establish();
    peer.send('UPDATE', { Contact: '<sip:moved@192.0.2.1:5070>' }, kSdp);
    answer(core, '200 OK', kSdp);
    expect(core.network.last().header('Contact')).toBe('<sip:192.0.2.10:5060>');
    ask(core, 'UPDATE', dialogId, 'sip:placeholder', kSdp);
    expect(core.network.last().startLine).toBe('UPDATE sip:moved@192.0.2.1:5070 SIP/2.0');
    core.receive(
      writeReply(core.network.last(), '200 OK', { headers: { Contact: '<sip:again@192.0.2.1:5062>' } }),
    );
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    expect(core.network.last().startLine).toBe('BYE sip:again@192.0.2.1:5062 SIP/2.0');
    core.receive(writeReply(core.network.last(), '200 OK'));
    await expectNothingLeft(core);
  });

  test.each([
    ['an offer of ours is open', 'UPDATE', kSdp, 491],
    ['an offer of ours is open and it has none', 'UPDATE', '', 0],
    ['an offer of ours is open', 'INVITE', kSdp, 491],
  ])('when %s, %s of the far end is answered %s', (_name, method, body, status) => {
    const peer = new CorePeer(core);
    const dialogId = peer.establish();
    ask(core, 'UPDATE', dialogId, 'sip:placeholder', kSdp);
    core.application.frames.length = 0;
    peer.send(method, {}, body);
    if (status === 0) expect(core.application.carrying(method)).toHaveLength(1);
    else expect(core.network.last().status).toBe(status);
  });

  test('a second one before the first is answered gets 500 and Retry-After', () => {
    const peer = new CorePeer(core);
    peer.establish();
    peer.send('UPDATE', {}, kSdp);
    peer.send('UPDATE');
    expect([core.network.last().status, core.network.last().header('Retry-After')]).toEqual([500, '1']);
  });

  test('with an offer meets the unanswered one of the INVITE with 500; answered reliably, it is taken', () => {
    const peer = new CorePeer(core);
    peer.send('INVITE', { Supported: '100rel' }, kSdp);
    const invite = core.application.last('sip').tokens[8] ?? '';
    core.command(invite, '', `SIP/2.0 180 Ringing\r\n\r\n`);
    peer.learn(core.network.last());
    peer.send('UPDATE', {}, kSdp);
    expect(core.network.last().status).toBe(500);
    core.command(invite, '', `SIP/2.0 183 Progress\r\n${kReliable}\r\n${kSdp}`);
    const rseq = core.network.last().header('RSeq');
    peer.send('PRACK', { RAck: `${rseq} 1 INVITE` });
    answer(core, '200 OK');
    peer.send('UPDATE', {}, kSdp);
    expect(core.application.last('sip').message?.method).toBe('UPDATE');
  });

  test('a re-INVITE refused for glare leaves the first one answerable', () => {
    const peer = new CorePeer(core);
    peer.establish();
    peer.send('INVITE', {}, kSdp);
    const first = core.application.last('sip').tokens[8] ?? '';
    peer.send('INVITE', {}, kSdp);
    expect(core.network.last().status).toBe(500);
    peer.send('INVITE', {}, kSdp);
    expect(core.network.last().status).toBe(500);
    core.command(first, '', `SIP/2.0 200 OK\r\n\r\n${kSdp}`);
    expect(core.network.last().status).toBe(200);
  });
});

describe('a subscription (RFC 6665)', () => {
  const kNotify = { Event: 'dialog', 'Subscription-State': 'active;expires=60' };

  test('from outside: NOTIFYs of ours go in its dialog; the last one ends it', async () => {
    core.routed.add('subscribe');
    const peer = new CorePeer(core);
    peer.send('SUBSCRIBE', { Event: 'dialog', Expires: '60' });
    answer(core, '202 Accepted', '', 'Expires: 60\r\n');
    expect(core.network.last().header('Contact')).toBe('<sip:192.0.2.10:5060>');
    expect(core.edge.stats().dialogs).toBe(1);
    const notify = (state: string): void =>
      core.command(
        '',
        dialogIdOf(peer),
        `NOTIFY sip:placeholder SIP/2.0\r\nEvent: dialog\r\nSubscription-State: ${state}\r\n\r\n`,
      );
    notify('active;expires=60');
    expect(core.network.last().startLine).toBe('NOTIFY sip:peer@192.0.2.1:5062 SIP/2.0');
    core.receive(writeReply(core.network.last(), '200 OK'));
    notify('terminated;reason=timeout');
    core.receive(writeReply(core.network.last(), '200 OK'));
    expect(core.edge.stats().dialogs).toBe(0);
    await expectNothingLeft(core);
  });

  test('of ours: NOTIFYs come in its dialog; when it runs out it is forgotten', async () => {
    core.command('', '', `SUBSCRIBE ${kFar} SIP/2.0\r\nEvent: dialog\r\nExpires: 60\r\n\r\n`);
    const subscribe = core.network.last();
    core.receive(
      writeReply(subscribe, '200 OK', { toTag: 'far', headers: { Contact: `<${kFar}>`, Expires: '60' } }),
    );
    const headers = {
      Via: 'SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKn1',
      From: `<${kFar}>;tag=far`,
      To: subscribe.header('From'),
      'Call-ID': subscribe.header('Call-ID'),
      CSeq: '1 NOTIFY',
      Contact: `<${kFar}>`,
      ...kNotify,
    };
    core.receive(writeRequest({ method: 'NOTIFY', uri: 'sip:192.0.2.10', headers }));
    const { message, tokens } = core.application.last('sip');
    expect([message?.method, tokens[9]?.startsWith(subscribe.header('Call-ID'))]).toEqual(['NOTIFY', true]);
    answer(core, '200 OK');
    expect(core.edge.stats().dialogs).toBe(1);
    await core.clock.advance(92_001);
    await expectNothingLeft(core);
  });

  test('whose application goes is ended, without a BYE', () => {
    core.routed.add('subscribe');
    const peer = new CorePeer(core);
    peer.send('SUBSCRIBE', { Event: 'dialog', Expires: '60' });
    answer(core, '202 Accepted');
    core.application.connected = false;
    core.edge.applicationGone(core.application);
    expect([core.network.last().method, core.network.last().header('Subscription-State')]).toEqual([
      'NOTIFY',
      'terminated;reason=deactivated',
    ]);
    expect(core.edge.stats().dialogs).toBe(0);
  });
});

describe('behind a NAT', () => {
  test.each([
    ['a private Contact from elsewhere', '<sip:peer@192.168.1.5:5062>', {}, '192.0.2.1'],
    ['a public Contact from elsewhere', '<sip:peer@192.0.2.99:5062>', {}, '192.0.2.99'],
    [
      'a private Contact by a proxy',
      '<sip:peer@10.0.0.1>',
      { 'Record-Route': '<sip:192.0.2.80;lr>' },
      '192.0.2.80',
    ],
  ])('%s', (_name, contact, headers, host) => {
    const peer = new CorePeer(core);
    const dialogId = peer.establish({ Contact: contact, ...headers });
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    expect(core.network.last().flow.remote.host).toBe(host);
    expect(core.network.last().startLine).toBe(`BYE ${contact.slice(1, -1)} SIP/2.0`);
  });
});
