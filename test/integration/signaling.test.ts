import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import type {
  CallProgress,
  Dialling,
  IncomingCall,
  OutgoingCall,
  ReferReport,
  ReferRequest,
  SignalingLeg,
} from '../../src/ports/signaling.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { SipFrontEnd } from '../../src/sip/front-end.ts';
import { replacesOf } from '../../src/sip/replaces.ts';
import { kSecret, openEdge } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { kLabTrunk } from '../support/fake-signaling.ts';
import {
  kSdp,
  openUdpPeer,
  RawCall,
  type RawMessage,
  type RawSipPeer,
  writeReply,
  writeRequest,
} from '../support/raw-sip-peer.ts';

const kOurSdp = kSdp.replace('30000', '30002');

let edge: EdgeServer;
let signaling: SipFrontEnd;
let peer: RawSipPeer;
let udp: { readonly host: string; readonly port: number };

beforeEach(async () => {
  edge = await openEdge();
  udp = { host: '127.0.0.1', port: edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0 };
  const trunk = { ...kLabTrunk, sources: ['127.0.0.0/8'] };
  const credentials = { user: 'hushpay', realm: 'pbx', secret: 'only-for-tests', allowMd5: false };
  signaling = new SipFrontEnd([{ ...trunk, credentials }], kSystemClock, new FakeLog());
  await signaling.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  peer = await openUdpPeer(udp);
});

afterEach(async () => {
  peer.close();
  await signaling.close();
  await edge.close();
});

function dial(over: Partial<Dialling> = {}): OutgoingCall {
  const target = `sip:2000@127.0.0.1:${peer.port}`;
  return signaling.dial({
    target,
    from: '+15550100',
    offer: kOurSdp,
    headers: {},
    trunk: null,
    ringMs: 10_000,
    ...over,
  });
}

function contact(): Record<string, string> {
  return { Contact: `<sip:2000@127.0.0.1:${peer.port}>` };
}

function accept(invite: RawMessage, headers: Record<string, string> = {}): void {
  const all = { ...contact(), 'Content-Type': 'application/sdp', ...headers };
  peer.send(writeReply(invite, '200 OK', { toTag: 'far', headers: all, body: kSdp }));
}

/** A request of the far end of a call of ours. */
function farRequest(
  invite: RawMessage,
  method: string,
  seq: number,
  headers: Record<string, string> = {},
  body = '',
): string {
  return writeRequest({
    method,
    uri: /<([^>]+)>/.exec(invite.header('Contact'))?.[1] ?? '',
    headers: {
      Via: `SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKfar${method}${seq}`,
      From: `${invite.header('To')};tag=far`,
      To: invite.header('From'),
      'Call-ID': invite.header('Call-ID'),
      CSeq: `${seq} ${method}`,
      'Max-Forwards': '70',
      ...contact(),
      ...(body.startsWith('v=0') && { 'Content-Type': 'application/sdp' }),
      ...headers,
    },
    body,
  });
}

/** A call of ours that is up, its INVITE, and the leg. */
async function established(): Promise<{ invite: RawMessage; leg: SignalingLeg }> {
  const call = dial();
  const invite = await peer.next('INVITE');
  accept(invite);
  const outcome = await call.outcome;
  await peer.next('ACK');
  if (outcome.kind !== 'answered') throw new Error(`refused with ${outcome.status}`);
  outcome.leg.onBye(() => ({}));
  return { invite, leg: outcome.leg };
}

describe('a call out', () => {
  test('carries our offer and headers, plays early media, and is answered', async () => {
    const call = dial({ headers: { 'X-Pay-Session': 's1' } });
    const progress: CallProgress[] = [];
    call.onProgress((each) => progress.push(each));
    const invite = await peer.next('INVITE');
    expect(invite.body).toBe(kOurSdp);
    expect(invite.header('X-Pay-Session')).toBe('s1');
    expect(invite.header('From')).toContain('sip:+15550100@');
    expect(invite.header('Supported')).toContain('replaces');
    peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
    const early = { 'Content-Type': 'application/sdp', ...contact() };
    peer.send(writeReply(invite, '183 Session Progress', { toTag: 'far', headers: early, body: kSdp }));
    accept(invite, { 'X-Agent': '7' });
    const outcome = await call.outcome;
    expect(progress.map(({ status, sdp }) => [status, sdp])).toEqual([
      [180, null],
      [183, kSdp],
    ]);
    if (outcome.kind !== 'answered') throw new Error('it was refused');
    expect(outcome.sdp).toBe(kSdp);
    expect(outcome.header('x-agent')).toBe('7');
    expect(outcome.leg.remoteTarget).toBe(`sip:2000@127.0.0.1:${peer.port}`);
    expect(outcome.leg.name).toMatchObject({ callId: invite.header('Call-ID'), remoteTag: 'far' });
    await peer.next('ACK');
    const bye = outcome.leg.bye({ 'X-Pay-Result': 'APPROVED' });
    const sent = await peer.next('BYE');
    expect(sent.header('X-Pay-Result')).toBe('APPROVED');
    peer.send(writeReply(sent, '200 OK'));
    await bye;
  });

  test.each([
    ['486 Busy Here', 486],
    ['404 Not Found', 404],
    ['603 Decline', 603],
  ])('is refused with %s', async (line, status) => {
    const call = dial();
    peer.send(writeReply(await peer.next('INVITE'), line, { toTag: 'far' }));
    expect(await call.outcome).toMatchObject({ kind: 'refused', status });
    await peer.next('ACK');
  });

  test('is known by the dialog of each phone that rings, until it is decided', async () => {
    const call = dial();
    const invite = await peer.next('INVITE');
    for (const toTag of ['desk', 'mobile']) peer.send(writeReply(invite, '180 Ringing', { toTag }));
    await expect.poll(() => call.earlyNames.map(({ remoteTag }) => remoteTag)).toEqual(['desk', 'mobile']);
    const localTag = /;tag=([^;>]+)/.exec(invite.header('From'))?.[1];
    expect(call.earlyNames[0]).toMatchObject({ callId: invite.header('Call-ID'), localTag });
    accept(invite);
    await call.outcome;
    expect(call.earlyNames).toEqual([]);
  });

  test('rings no longer than it may, and is cancelled', async () => {
    const call = dial({ ringMs: 50 });
    const invite = await peer.next('INVITE');
    peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
    expect(await call.outcome).toMatchObject({ kind: 'refused', status: 408 });
    const cancel = await peer.next('CANCEL');
    peer.send(writeReply(cancel, '200 OK'));
    peer.send(writeReply(invite, '487 Request Terminated', { toTag: 'far' }));
    await peer.next('ACK');
  });

  test('that is answered while it is cancelled ends with a BYE', async () => {
    const call = dial();
    const invite = await peer.next('INVITE');
    peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
    call.cancel();
    expect(await call.outcome).toMatchObject({ kind: 'refused', status: 487 });
    const cancel = await peer.next('CANCEL');
    peer.send(writeReply(cancel, '200 OK'));
    accept(invite);
    await peer.next('ACK');
    peer.send(writeReply(await peer.next('BYE'), '200 OK'));
    await expect.poll(() => edge.stats().dialogs).toBe(0);
  });

  test('is sent again with credentials, as the same call', async () => {
    const call = dial({ trunk: kLabTrunk.name });
    const first = await peer.next('INVITE');
    const challenge = { 'WWW-Authenticate': 'Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth"' };
    peer.send(writeReply(first, '401 Unauthorized', { toTag: 'far', headers: challenge }));
    const again = await peer.next('INVITE');
    expect(again.header('Authorization')).toMatch(/username="hushpay".*algorithm=SHA-256/);
    expect(again.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(again.header('From')).toBe(first.header('From'));
    expect(again.header('CSeq')).toBe(
      '2 INVITE'.replace('2', `${Number.parseInt(first.header('CSeq'), 10) + 1}`),
    );
    accept(again);
    expect(await call.outcome).toMatchObject({ kind: 'answered' });
  });

  test('of a server that is lost is refused', async () => {
    const call = dial();
    await peer.next('INVITE');
    await edge.close();
    expect(await call.outcome).toMatchObject({ kind: 'refused', status: 503 });
  });
});

describe('an offer of ours within a call', () => {
  test('is answered, and carries headers', async () => {
    const { leg } = await established();
    const reoffer = leg.reoffer(kOurSdp.replace('sendrecv', 'sendonly'), { 'X-Pay-Result': 'APPROVED' });
    const invite = await peer.next('INVITE');
    expect(invite.header('To')).toContain(';tag=far');
    expect(invite.header('X-Pay-Result')).toBe('APPROVED');
    expect(invite.header('Contact')).not.toBe('');
    accept(invite);
    expect(await reoffer).toEqual({ kind: 'agreed', sdp: kSdp });
    await peer.next('ACK');
  });

  test('that crosses one of the peer is refused there and made again', async () => {
    const { invite, leg } = await established();
    leg.onOffer(async () => ({ sdp: kOurSdp }));
    const reoffer = leg.reoffer(kOurSdp);
    const ours = await peer.next('INVITE');
    peer.send(farRequest(invite, 'INVITE', 2, {}, kSdp));
    await peer.next('491');
    peer.send(writeReply(ours, '491 Request Pending'));
    await peer.next('ACK');
    accept(await peer.next('INVITE'));
    expect(await reoffer).toMatchObject({ kind: 'agreed' });
  });

  test('of a call the peer no longer has says so', async () => {
    const { leg } = await established();
    const reoffer = leg.reoffer(kOurSdp);
    peer.send(writeReply(await peer.next('INVITE'), '481 Call/Transaction Does Not Exist'));
    expect(await reoffer).toEqual({ kind: 'ended' });
  });
});

describe('REFER of the peer', () => {
  async function asked(headers: Record<string, string>): Promise<ReferRequest> {
    const { invite, leg } = await established();
    const request = Promise.withResolvers<ReferRequest>();
    leg.onRefer(request.resolve);
    peer.send(farRequest(invite, 'REFER', 2, headers));
    return request.promise;
  }

  test('says whom to call, and gets a report of it', async () => {
    const request = await asked({
      'Refer-To': '<sip:3000@127.0.0.1?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>',
      'X-Why': 'transfer',
    });
    expect(request).toMatchObject({
      target: 'sip:3000@127.0.0.1',
      targetHeaders: { Replaces: 'x@y;to-tag=1;from-tag=2' },
    });
    expect(request.header('X-Why')).toBe('transfer');
    const report: ReferReport = request.accept();
    await peer.next('202 REFER');
    const seen: string[] = [];
    const take = async (): Promise<void> => {
      const notify = await peer.next('NOTIFY');
      peer.send(writeReply(notify, '200 OK'));
      seen.push(`${notify.body.trim()}, ${notify.header('Subscription-State')}`);
    };
    await take();
    report.tell(180, 'Ringing');
    await take();
    report.tell(200, 'OK');
    await take();
    report.tell(200, 'OK'); // it is over: nothing more is said
    expect(seen).toEqual([
      'SIP/2.0 100 Trying, active;expires=60',
      'SIP/2.0 180 Ringing, active;expires=60',
      'SIP/2.0 200 OK, terminated;reason=noresource',
    ]);
  });

  test('that wants no report gets none', async () => {
    const request = await asked({ 'Refer-To': '<sip:3000@127.0.0.1>', 'Refer-Sub': 'false' });
    request.accept().tell(200, 'OK');
    expect((await peer.next('202 REFER')).header('Refer-Sub')).toBe('false');
    expect(peer.count('NOTIFY')).toBe(0);
  });

  test('in the breath of the answer waits for who will follow it', async () => {
    const { invite, leg } = await established();
    leg.onKey(() => undefined);
    peer.send(farRequest(invite, 'REFER', 2, { 'Refer-To': '<sip:3000@127.0.0.1>' }));
    peer.send(farRequest(invite, 'INFO', 3, {}));
    await peer.next('200 INFO'); // so the REFER has been there
    leg.onRefer((request) => request.accept());
    await peer.next('202 REFER');
  });

  test('is declined where nobody listens', async () => {
    const { invite } = await established();
    peer.send(farRequest(invite, 'REFER', 2, { 'Refer-To': '<sip:3000@127.0.0.1>' }));
    await peer.next('603 REFER');
  });

  test('without a usable Refer-To is refused', async () => {
    const { invite, leg } = await established();
    leg.onRefer(() => expect.unreachable());
    peer.send(farRequest(invite, 'REFER', 2, { 'Refer-To': '<http://example.net>' }));
    await peer.next('400 REFER');
  });
});

describe('a call to us', () => {
  function taken(): Promise<IncomingCall> {
    return new Promise((resolve) => signaling.onCall(resolve));
  }

  test('rings, hears early media, and is answered with headers', async () => {
    const incoming = taken();
    const call = new RawCall(peer, `sip:1000@127.0.0.1:${udp.port}`);
    call.send('INVITE', {}, kSdp);
    const it = await incoming;
    it.progress(180, 'Ringing', null);
    await peer.next('180');
    it.progress(183, 'Session Progress', kOurSdp, { 'X-Early': '1' });
    const early = await peer.next('183');
    expect([early.body, early.header('X-Early')]).toEqual([kOurSdp, '1']);
    const leg = await it.answer(kOurSdp, { 'X-Agent': '7' });
    const answer = await peer.next('200 INVITE');
    expect(answer.header('X-Agent')).toBe('7');
    call.learn(answer);
    call.send('ACK');
    expect(leg.name).toEqual({ callId: call.callId, localTag: call.toTag, remoteTag: call.fromTag });
    leg.onBye(() => ({}));
    await Promise.all([leg.bye({}), peer.next('BYE').then((bye) => peer.send(writeReply(bye, '200 OK')))]);
  });

  test('that is cancelled says so', async () => {
    const incoming = taken();
    const call = new RawCall(peer, `sip:1000@127.0.0.1:${udp.port}`);
    call.send('INVITE', {}, kSdp);
    const it = await incoming;
    const cancelled = new Promise<void>((resolve) => it.onCancel(resolve));
    const via = `SIP/2.0/UDP ${peer.host}:${peer.port};branch=${call.lastBranch};rport`;
    call.send('CANCEL', { Via: via });
    await peer.next('487 INVITE');
    await cancelled;
    it.progress(180, 'Ringing', null);
    it.reject(486, 'Busy Here');
    await expect(it.answer(kOurSdp)).rejects.toMatchObject({ code: 'SIP_CANCELLED' });
  });

  test.each([
    ['without a tag', { Replaces: 'x@y;to-tag=1' }],
    ['twice', { Replaces: 'x@y;to-tag=1;from-tag=2, z@y;to-tag=1;from-tag=2' }],
    ['beside Join', { Replaces: 'x@y;to-tag=1;from-tag=2', Join: 'x@y;to-tag=1;from-tag=2' }],
  ])('with Replaces %s is a bad request', async (_how, headers) => {
    signaling.onCall(() => expect.unreachable());
    new RawCall(peer, `sip:1000@127.0.0.1:${udp.port}`).send('INVITE', headers, kSdp);
    await peer.next('400 INVITE');
  });

  test('names the call of ours it wants to replace', async () => {
    const { leg } = await established();
    const incoming = taken();
    const call = new RawCall(peer, `sip:1000@127.0.0.1:${udp.port}`);
    // What we would tell the far end of our call to be replaced by is what comes back when it is asked the other way round.
    const { callId, localTag, remoteTag } = leg.name;
    const mirrored = replacesOf({ callId, localTag: remoteTag, remoteTag: localTag });
    call.send('INVITE', { Replaces: mirrored, Require: 'replaces' }, kSdp);
    const { replaces, reject } = await incoming.then((it) => ({
      replaces: it.replaces,
      reject: it.reject.bind(it),
    }));
    expect(replaces).toEqual({ ...leg.name, earlyOnly: false });
    reject(486, 'Busy Here');
    await peer.next('486');
  });
});

test('a key goes out as SIP INFO', async () => {
  const { leg } = await established();
  const sent = leg.sendKey(5);
  const info = await peer.next('INFO');
  expect([info.header('Content-Type'), info.body]).toEqual([
    'application/dtmf-relay',
    'Signal=5\r\nDuration=160\r\n',
  ]);
  peer.send(writeReply(info, '200 OK'));
  await sent;
});
