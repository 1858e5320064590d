import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  connectSrf,
  disconnectSrf,
  type EdgeWithSrf,
  openEdge,
  openEdgeWithSrf,
  placeCall,
} from '../support/edge-with-srf.ts';
import {
  connectTcpPeer,
  kSdp,
  openUdpPeer,
  RawCall,
  type RawSipPeer,
  writeReply,
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

test('a source that is not allowed gets silence, and is counted', async () => {
  const stranger = await openUdpPeer(it.udp, '127.0.0.9');
  new RawCall(stranger, it.uri('1000')).send('INVITE', {}, kSdp);
  stranger.send('INVITE broken\r\n\r\n');
  new RawCall(stranger, it.uri('1000')).send('OPTIONS');
  // answered after the stranger's messages have been read: they came first on the same socket
  await expect.poll(() => it.edge.stats().drops['unknown-source']).toBe(2);
  new RawCall(peer, it.uri('1000')).send('OPTIONS');
  await peer.next('503 OPTIONS');
  expect(stranger.received).toEqual([]);
  stranger.close();
});

test('a TCP connection of a source that is not allowed is closed without a word', async () => {
  const socket = connect({ ...it.tcp, localAddress: '127.0.0.9' });
  socket.on('error', () => {});
  let seen = '';
  socket.on('data', (chunk) => {
    seen += chunk;
  });
  socket.write(new RawCall(peer, it.uri('1000')).text('OPTIONS'));
  await once(socket, 'close');
  expect(seen).toBe('');
  expect(it.edge.stats().drops['unknown-source']).toBe(1);
});

test('a client with the wrong secret is refused and closed, and routes nothing', async () => {
  const socket = connect(it.edge.appPort, '127.0.0.1');
  let seen = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    seen += chunk;
  });
  socket.write('22#x1|authenticate|guess|15#x2|route|invite');
  await once(socket, 'close');
  expect(seen).toMatch(/\|response\|x1\|NO\|incorrect secret$/);
  new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
  await peer.next('503');
});

test('drachtio-srf with the wrong secret is told so', async () => {
  await expect(connectSrf(it.edge, 'guess')).rejects.toThrow('failed to authenticate');
});

test('a client that never authenticates is refused and closed', async () => {
  const socket = connect(it.edge.appPort, '127.0.0.1');
  let seen = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    seen += chunk;
  });
  socket.write('15#x1|route|invite');
  await once(socket, 'close');
  expect(seen).toMatch(/\|response\|x1\|NOK\|not authenticated$/);
});

test.each(['99999999#', 'no frame at all', '0#'])('a client that sends %j is closed', async (text) => {
  const socket = connect(it.edge.appPort, '127.0.0.1').resume();
  socket.write(text);
  await once(socket, 'close');
});

test('without an application calls get 503 and Retry-After, and so does OPTIONS', async () => {
  const edge = await openEdge();
  const port = edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0;
  const lonely = await openUdpPeer({ host: '127.0.0.1', port });
  new RawCall(lonely, `sip:1000@127.0.0.1:${port}`).send('INVITE', {}, kSdp);
  expect((await lonely.next('503')).header('Retry-After')).toMatch(/^\d+$/);
  new RawCall(lonely, `sip:1000@127.0.0.1:${port}`).send('OPTIONS');
  expect((await lonely.next('503 OPTIONS')).header('Retry-After')).toBe('5');
  lonely.close();
  await edge.close();
});

test('a method no application routed is answered 405', async () => {
  it.srf.invite((_req, res) => res.send(480));
  new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
  await peer.next('480');
  new RawCall(peer, it.uri('1000')).send('REGISTER');
  expect((await peer.next('405 REGISTER')).header('Allow')).toContain('INVITE');
});

test('when the application goes, its calls are ended and new ones get 503 until it is back', async () => {
  it.srf.invite((req, res) => {
    if (req.calledNumber !== 'pending') it.srf.createUAS(req, res, { localSdp: kSdp });
  });
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  new RawCall(peer, it.uri('pending')).send('INVITE', {}, kSdp);
  await expect.poll(() => peer.count('100')).toBe(2);
  disconnectSrf(it.srf);
  const bye = await peer.next('BYE');
  expect(bye.header('Call-ID')).toBe(call.callId);
  expect(bye.header('Reason')).toContain('application disconnected');
  peer.send(writeReply(bye, '200 OK'));
  await peer.next('503 INVITE');
  new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
  await peer.next('503 INVITE');
  const again = await connectSrf(it.edge);
  again.invite((_req, res) => res.send(486));
  await expect
    .poll(async () => {
      new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
      return (await Promise.race([peer.next('486'), peer.next('503')])).status;
    })
    .toBe(486);
  disconnectSrf(again);
});

test('an INVITE of an application that goes is cancelled', async () => {
  const placed = placeCall(it.srf, `sip:2000@127.0.0.1:${peer.port}`, { localSdp: kSdp });
  placed.catch(() => {});
  const invite = await peer.next('INVITE');
  peer.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  await expect.poll(() => it.edge.stats().messages['in udp 180']).toBe(1);
  disconnectSrf(it.srf);
  await peer.next('CANCEL');
});

test('when the edge stops, its calls are ended and open requests refused', async () => {
  it.srf.invite((req, res) => {
    if (req.calledNumber !== 'pending') it.srf.createUAS(req, res, { localSdp: kSdp });
  });
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  new RawCall(peer, it.uri('pending')).send('INVITE', {}, kSdp);
  await expect.poll(() => peer.count('100')).toBe(2);
  await it.edge.close();
  expect((await peer.next('BYE')).header('Call-ID')).toBe(call.callId);
  await peer.next('503 INVITE');
});

test('two applications share the calls in turn', async () => {
  const second = await connectSrf(it.edge);
  it.srf.invite((_req, res) => res.send(486));
  second.invite((_req, res) => res.send(480));
  await expect.poll(() => it.edge.stats().applications).toBe(2);
  for (let call = 0; call < 4; call++) new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
  await Promise.all(['486', '486', '480', '480'].map((status) => peer.next(status)));
  disconnectSrf(second);
});

test('a TCP stream that cannot be cut into messages is answered 400 and closed', async () => {
  const tcp = await connectTcpPeer(it.tcp);
  const text = new RawCall(tcp, `sip:1000@127.0.0.1:${it.tcp.port}`).text('OPTIONS');
  tcp.send(text.replace('Content-Length: 0', 'Content-Length: nonsense'));
  await tcp.next('400');
  await tcp.closed;
});

test('messages split and joined by TCP are read one by one', async () => {
  const tcp = await connectTcpPeer(it.tcp);
  const text = [1, 2, 3]
    .map(() => new RawCall(tcp, `sip:x@127.0.0.1:${it.tcp.port}`).text('OPTIONS'))
    .join('\r\n\r\n');
  for (let at = 0; at < text.length; at += 100) {
    tcp.send(text.slice(at, at + 100));
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let answer = 0; answer < 3; answer++) await tcp.next('503 OPTIONS');
  tcp.close();
});
