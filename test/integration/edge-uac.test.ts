import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EdgeWithSrf, openEdgeWithSrf, placeCall, requestIn } from '../support/edge-with-srf.ts';
import {
  kSdp,
  listenTcpPeer,
  openUdpPeer,
  type RawMessage,
  type RawSipPeer,
  writeReply,
  writeRequest,
} from '../support/raw-sip-peer.ts';

let it: EdgeWithSrf;
let peer: RawSipPeer;

beforeEach(async () => {
  it = await openEdgeWithSrf();
  peer = await openUdpPeer(it.udp);
});

afterEach(async () => {
  peer.close();
  await it.close();
});

function target(of: RawSipPeer = peer): string {
  return `sip:2000@127.0.0.1:${of.port}${of.transport === 'tcp' ? ';transport=tcp' : ''}`;
}

function contact(of: RawSipPeer = peer): Record<string, string> {
  return { Contact: `<${target(of)}>` };
}

function accept(invite: RawMessage, of: RawSipPeer = peer, toTag = 'far'): void {
  of.send(
    writeReply(invite, '200 OK', {
      toTag,
      headers: { ...contact(of), 'Content-Type': 'application/sdp' },
      body: kSdp,
    }),
  );
}

/** A request of the far end in the dialog of `invite`. */
function farRequest(invite: RawMessage, method: string, seq: number): string {
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
    },
  });
}

test('a call out rings, is answered and acknowledged, and ends by the far end', async () => {
  const statuses: number[] = [];
  const placed = placeCall(
    it.srf,
    target(),
    { localSdp: kSdp, headers: { 'X-Out': '1' }, callingNumber: '5551234' },
    { cbProvisional: (res) => statuses.push(res.status) },
  );
  const invite = await peer.next('INVITE');
  expect(invite.header('From')).toMatch(new RegExp(`^<sip:5551234@127.0.0.1:${it.udp.port}>;tag=[\\w-]+$`));
  expect(invite.header('Contact')).toBe(`<sip:5551234@127.0.0.1:${it.udp.port}>`);
  expect(invite.header('X-Out')).toBe('1');
  expect(invite.header('Content-Type')).toBe('application/sdp');
  peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  accept(invite);
  const ack = await peer.next('ACK');
  expect(ack.startLine).toBe(`ACK ${target()} SIP/2.0`);
  expect(ack.header('CSeq')).toBe(invite.header('CSeq').replace('INVITE', 'ACK'));
  const dialog = await placed;
  expect(statuses).toEqual([180]);
  const modified = dialog.modify(kSdp);
  const again = await peer.next('INVITE');
  expect(Number.parseInt(again.header('CSeq'), 10)).toBe(Number.parseInt(invite.header('CSeq'), 10) + 1);
  accept(again);
  await peer.next('ACK');
  await modified;
  peer.send(farRequest(invite, 'INFO', 10));
  await peer.next('200 INFO');
  const destroyed = once(dialog, 'destroy');
  peer.send(farRequest(invite, 'BYE', 11));
  await peer.next('200 BYE');
  await destroyed;
  expect(it.edge.stats().dialogs).toBe(0);
});

test('a refused call is acknowledged by the edge and fails with its status', async () => {
  const placed = placeCall(it.srf, target(), { localSdp: kSdp });
  const invite = await peer.next('INVITE');
  peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
  await expect(placed).rejects.toMatchObject({ status: 486 });
  const ack = await peer.next('ACK');
  expect(ack.header('Via')).toBe(invite.header('Via'));
  expect(ack.header('To')).toContain(';tag=far');
});

test('a call out is cancelled while it rings', async () => {
  let cancel = (): void => {};
  const placed = placeCall(
    it.srf,
    target(),
    { localSdp: kSdp },
    {
      cbRequest: (_error, req) => {
        cancel = () => req.cancel(() => {});
      },
      cbProvisional: () => cancel(),
    },
  );
  const invite = await peer.next('INVITE');
  peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  const cancelled = await peer.next('CANCEL');
  expect(cancelled.header('Via')).toBe(invite.header('Via'));
  peer.send(writeReply(cancelled, '200 OK'));
  peer.send(writeReply(invite, '487 Request Terminated', { toTag: 'far' }));
  await expect(placed).rejects.toMatchObject({ status: 487 });
  await peer.next('ACK');
});

test('a CANCEL before the first provisional response waits for it', async () => {
  const placed = placeCall(
    it.srf,
    target(),
    { localSdp: kSdp },
    { cbRequest: (_error, req) => req.cancel(() => {}) },
  );
  const failed = expect(placed).rejects.toMatchObject({ status: 487 });
  const invite = await peer.next('INVITE');
  expect(peer.count('CANCEL')).toBe(0);
  peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  peer.send(writeReply(await peer.next('CANCEL'), '200 OK'));
  peer.send(writeReply(invite, '487 Request Terminated', { toTag: 'far' }));
  await failed;
});

test('a challenge is answered by drachtio-srf in the same call, and so is one to BYE', async () => {
  const placed = placeCall(it.srf, target(), { localSdp: kSdp, auth: { username: 'u', password: 'p' } });
  const first = await peer.next('INVITE');
  const challenge = { 'Proxy-Authenticate': 'Digest realm="peer", nonce="n1", algorithm=MD5, qop="auth"' };
  peer.send(writeReply(first, '407 Proxy Authentication Required', { toTag: 'far', headers: challenge }));
  await peer.next('ACK');
  const second = await peer.next('INVITE');
  expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
  expect(second.header('From')).toBe(first.header('From'));
  expect(Number.parseInt(second.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
  expect(second.header('Proxy-Authorization')).toContain('username="u"');
  accept(second);
  expect((await peer.next('ACK')).header('Proxy-Authorization')).toContain('username="u"');
  const dialog = await placed;
  const ended = dialog.destroy();
  const bye = await peer.next('BYE');
  const again = { 'WWW-Authenticate': 'Digest realm="peer", nonce="n2", algorithm=MD5, qop="auth"' };
  peer.send(writeReply(bye, '401 Unauthorized', { headers: again }));
  const second2 = await peer.next('BYE');
  expect(second2.startLine).toBe(`BYE ${target()} SIP/2.0`);
  expect(second2.header('Authorization')).toContain('nonce="n2"');
  peer.send(writeReply(second2, '200 OK'));
  await ended;
  expect(it.edge.stats().dialogs).toBe(0);
});

test('an INVITE without offer: the answer of the application goes with the ACK', async () => {
  const placed = it.srf.createUAC(target(), {
    noAck: true,
  } as object as Srf.CreateUACOptions) as unknown as Promise<{
    sdp: string;
    ack(sdp: string): Promise<{ destroy(): Promise<unknown> }>;
  }>;
  const invite = await peer.next('INVITE');
  expect(invite.body).toBe('');
  accept(invite);
  const offer = await placed;
  const dialog = await offer.ack(kSdp);
  expect((await peer.next('ACK')).body).toBe(kSdp);
  const ended = dialog.destroy();
  peer.send(writeReply(await peer.next('BYE'), '200 OK'));
  await ended;
});

test('a copy of the 2xx is acknowledged again without the application', async () => {
  const placed = placeCall(it.srf, target(), { localSdp: kSdp });
  const invite = await peer.next('INVITE');
  accept(invite);
  const ack = await peer.next('ACK');
  await placed;
  accept(invite);
  expect((await peer.next('ACK')).text).toBe(ack.text);
});

test('a second fork that answers is acknowledged and ended', async () => {
  const placed = placeCall(it.srf, target(), { localSdp: kSdp });
  const invite = await peer.next('INVITE');
  accept(invite, peer, 'first');
  await peer.next('ACK');
  await placed;
  accept(invite, peer, 'second');
  expect((await peer.next('ACK')).header('To')).toContain(';tag=second');
  const bye = await peer.next('BYE');
  expect(bye.header('To')).toContain(';tag=second');
  expect(it.edge.stats().dialogs).toBe(1);
});

test('a call over TCP', async () => {
  const tcp = await listenTcpPeer();
  const placed = placeCall(it.srf, target(tcp), { localSdp: kSdp });
  const invite = await tcp.next('INVITE');
  expect(invite.header('Via')).toMatch(/^SIP\/2.0\/TCP /);
  accept(invite, tcp);
  await tcp.next('ACK');
  const dialog = await placed;
  const ended = dialog.destroy();
  tcp.send(writeReply(await tcp.next('BYE'), '200 OK'));
  await ended;
  tcp.close();
});

test('nobody listens on the TCP port: the call fails with 503', async () => {
  const tcp = await listenTcpPeer();
  const uri = target(tcp);
  tcp.close();
  await expect(placeCall(it.srf, uri, { localSdp: kSdp })).rejects.toMatchObject({ status: 503 });
});

test.each([
  ['own address', () => it.uri('x'), kSdp, 'can not send request to myself'],
  ['body of unknown type', () => target(), 'hello', 'missing content-type'],
  [
    'transport that is not there',
    () => `${target()};transport=tls`,
    kSdp,
    'requested protocol/transport not available',
  ],
])('%s is refused at once', async (_name, uri, localSdp, reason) => {
  await expect(placeCall(it.srf, uri(), { localSdp })).rejects.toMatchObject({
    code: 'EDRACHTIO',
    message: reason,
  });
});

test('a request on a dialog that has ended fails with ENODIALOG', async () => {
  const placed = placeCall(it.srf, target(), { localSdp: kSdp });
  const invite = await peer.next('INVITE');
  accept(invite);
  await peer.next('ACK');
  const dialog = await placed;
  const ended = dialog.destroy();
  peer.send(writeReply(await peer.next('BYE'), '200 OK'));
  await ended;
  await expect(requestIn(dialog, { method: 'INFO' })).rejects.toMatchObject({ code: 'ENODIALOG' });
});
