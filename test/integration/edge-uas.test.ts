import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EdgeWithSrf, openEdgeWithSrf, requestIn } from '../support/edge-with-srf.ts';
import {
  connectTcpPeer,
  kSdp,
  openUdpPeer,
  RawCall,
  type RawSipPeer,
  writeReply as replyTo,
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

/** Answers the next INVITE and gives its dialog. */
function answerNext(options: object = {}): Promise<Srf.Dialog> {
  return new Promise((resolve, reject) => {
    it.srf.invite((req, res) => {
      it.srf
        .createUAS(req, res, { localSdp: kSdp, ...options } as Srf.CreateUASOptions)
        .then(resolve, reject);
    });
  });
}

/** The next INVITE, unanswered. */
function takeNext(): Promise<{ req: Srf.SrfRequest; res: Srf.SrfResponse }> {
  return new Promise((resolve) => {
    it.srf.invite((req, res) => resolve({ req, res }));
  });
}

test('a call is answered, carries INFO, OPTIONS and a re-INVITE, and ends by BYE of the caller', async () => {
  const answered = answerNext({ headers: { 'X-App': 'yes' } });
  const call = new RawCall(peer, it.uri('1000'));
  const ok = await call.establish({ 'X-Cust': 'hello' });
  expect(ok.header('X-App')).toBe('yes');
  expect(ok.header('Content-Type')).toBe('application/sdp');
  expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${it.udp.port}>`);
  expect(peer.count('100')).toBe(1);
  const dialog = await answered;
  dialog.on('info', (_req, res) => res.send(200, { headers: { 'X-Info': 'seen' } }));
  call.send('INFO', { 'Content-Type': 'application/dtmf-relay' }, 'Signal=#\r\n');
  expect((await peer.next('200 INFO')).header('X-Info')).toBe('seen');
  call.send('OPTIONS');
  await peer.next('200 OPTIONS');
  call.send('INVITE', {}, `${kSdp}a=sendonly\r\n`);
  expect((await peer.next('200 INVITE')).body).toBe(kSdp);
  call.send('ACK');
  const destroyed = once(dialog, 'destroy');
  call.send('BYE');
  await peer.next('200 BYE');
  await destroyed;
  expect(it.edge.stats().dialogs).toBe(0);
});

test('the application sees the request headers, the source and its own address', async () => {
  const taken = takeNext();
  new RawCall(peer, it.uri('1000')).send('INVITE', { 'X-Pay-Reference': 'A 17' }, kSdp);
  const { req, res } = await taken;
  expect(req.get('X-Pay-Reference')).toBe('A 17');
  expect(req.callingNumber).toBe('peer');
  expect(req.body).toBe(kSdp);
  expect([req.source_address, req.source_port, req.protocol]).toEqual(['127.0.0.1', peer.port, 'udp']);
  expect((req as unknown as { receivedOn: string }).receivedOn).toBe(`127.0.0.1:${it.udp.port}`);
  res.send(480);
  await peer.next('480');
});

test('the application ends the call with custom headers in its BYE', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  const dialog = await answered;
  const ended = dialog.destroy({ headers: { 'X-Pay-Result': 'approved' } });
  const bye = await peer.next('BYE');
  expect(bye.startLine).toBe(`BYE sip:peer@127.0.0.1:${peer.port} SIP/2.0`);
  expect(bye.header('X-Pay-Result')).toBe('approved');
  expect(bye.header('To')).toContain(call.fromTag);
  peer.send(replyTo(bye, '200 OK'));
  await ended;
  expect(it.edge.stats().dialogs).toBe(0);
});

test('the application sees the headers of the BYE of the caller', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  const dialog = await answered;
  const destroyed = once(dialog, 'destroy');
  call.send('BYE', { 'X-Caller': 'left' });
  const [request] = await destroyed;
  expect(request.get('X-Caller')).toBe('left');
  await peer.next('200 BYE');
});

test('CANCEL while it rings is answered 200 and 487, and told to the application', async () => {
  const taken = takeNext();
  const call = new RawCall(peer, it.uri('1000'));
  call.send('INVITE', {}, kSdp);
  const { req, res } = await taken;
  const cancelled = new Promise((resolve) => req.on('cancel', resolve));
  res.send(180);
  await peer.next('180');
  call.send('CANCEL', { Via: viaOf(peer, call) });
  expect((await peer.next('200 CANCEL')).status).toBe(200);
  const terminated = await peer.next('487 INVITE');
  call.learn(terminated);
  call.send('ACK', { Via: viaOf(peer, call) });
  await cancelled;
});

test('CANCEL of an unknown INVITE is answered 481', async () => {
  const call = new RawCall(peer, it.uri('1000'));
  call.text('INVITE'); // never sent
  call.send('CANCEL', { Via: viaOf(peer, call) });
  await peer.next('481 CANCEL');
});

test('a rejection carries the headers of the application and stops repeating with its ACK', async () => {
  const taken = takeNext();
  const call = new RawCall(peer, it.uri('1000'));
  call.send('INVITE', {}, kSdp);
  const { res } = await taken;
  res.send(486, { headers: { 'Retry-After': '10' } });
  const busy = await peer.next('486');
  expect(busy.header('Retry-After')).toBe('10');
  call.learn(busy);
  call.send('ACK', { Via: viaOf(peer, call) });
  call.send('OPTIONS', { To: `<${call.target}>`, 'Call-ID': 'later@peer' });
  await peer.next('200 OPTIONS');
  expect(it.edge.stats().dialogs).toBe(0);
});

test('a second final response of the application is refused', async () => {
  const taken = takeNext();
  new RawCall(peer, it.uri('1000')).send('INVITE', {}, kSdp);
  const { req, res } = await taken;
  res.send(486);
  await peer.next('486');
  const again = (req as unknown as { agent: { sendResponse(...args: unknown[]): void } }).agent;
  const error = await new Promise((resolve) =>
    again.sendResponse(res, {}, (problem: unknown) => resolve(problem)),
  );
  expect(error).toBe('Response not sent due to unknown transaction');
});

test('copies of a request are absorbed: the application sees one', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  const invite = call.send('INVITE', {}, kSdp);
  peer.send(invite);
  call.learn(await peer.next('200 INVITE'));
  call.send('ACK');
  const dialog = await answered;
  let seen = 0;
  dialog.on('info', (_req, res) => {
    seen++;
    res.send(200);
  });
  const info = call.send('INFO');
  await peer.next('200 INFO');
  peer.send(info);
  await peer.next('200 INFO');
  expect(seen).toBe(1);
});

test('REFER of the caller is answered 202 and followed by NOTIFY', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  const dialog = await answered;
  const referred = new Promise<string>((resolve) => {
    dialog.on('refer', (req, res) => {
      res.send(202);
      resolve(req.get('Refer-To'));
    });
  });
  call.send('REFER', { 'Refer-To': '<sip:3000@127.0.0.1>' });
  expect((await peer.next('202 REFER')).header('Contact')).toContain(`127.0.0.1:${it.udp.port}`);
  expect(await referred).toBe('<sip:3000@127.0.0.1>');
  const notified = requestIn(dialog, {
    method: 'NOTIFY',
    headers: { Event: 'refer', 'Subscription-State': 'terminated', 'Content-Type': 'message/sipfrag' },
    body: 'SIP/2.0 200 OK',
  });
  const notify = await peer.next('NOTIFY');
  expect(notify.body).toBe('SIP/2.0 200 OK');
  peer.send(replyTo(notify, '200 OK'));
  expect((await notified).status).toBe(200);
});

test('the application refers the caller and takes its NOTIFY', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  const dialog = await answered;
  const notified = once(dialog, 'notify').then(([req, res]) => {
    res.send(200);
    return req.body;
  });
  const accepted = requestIn(dialog, { method: 'REFER', headers: { 'Refer-To': '<sip:2000@127.0.0.1>' } });
  const refer = await peer.next('REFER');
  expect(refer.header('Contact')).toBe(`<sip:127.0.0.1:${it.udp.port}>`);
  peer.send(replyTo(refer, '202 Accepted'));
  expect((await accepted).status).toBe(202);
  call.send('NOTIFY', { Event: 'refer', 'Subscription-State': 'terminated' }, 'SIP/2.0 200 OK\r\n');
  await peer.next('200 NOTIFY');
  expect(await notified).toBe('SIP/2.0 200 OK\r\n');
});

test('an INVITE without offer: the application gets the answer with the ACK', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  call.send('INVITE');
  call.learn(await peer.next('200 INVITE'));
  const dialog = await answered;
  const acknowledged = once(dialog, 'ack');
  call.send('ACK', {}, kSdp);
  const [ack] = await acknowledged;
  expect(ack.body).toBe(kSdp);
});

test('Record-Route of the INVITE is mirrored and followed', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  const route = `<sip:127.0.0.1:${peer.port};lr>`;
  const ok = await call.establish({ 'Record-Route': route, Contact: '<sip:behind@192.0.2.1>' });
  expect(ok.header('Record-Route')).toBe(route);
  const dialog = await answered;
  const ended = dialog.destroy();
  const bye = await peer.next('BYE');
  expect(bye.startLine).toBe('BYE sip:behind@192.0.2.1 SIP/2.0');
  expect(bye.header('Route')).toBe(route);
  peer.send(replyTo(bye, '200 OK'));
  await ended;
});

test('a request in an unknown dialog is answered 481, one out of order 500', async () => {
  const answered = answerNext();
  const call = new RawCall(peer, it.uri('1000'));
  await call.establish();
  await answered;
  call.send('INFO', { To: `<${call.target}>;tag=unknown` });
  await peer.next('481 INFO');
  call.seq = 40;
  call.send('INFO');
  await peer.next('200 INFO');
  call.seq = 20;
  call.send('INFO');
  await peer.next('500 INFO');
});

test('a call over TCP, BYE by the same connection', async () => {
  const answered = answerNext();
  const tcp = await connectTcpPeer(it.tcp);
  const call = new RawCall(tcp, `sip:1000@127.0.0.1:${it.tcp.port};transport=tcp`);
  tcp.send('\r\n\r\n');
  const ok = await call.establish();
  expect(ok.header('Contact')).toBe(`<sip:127.0.0.1:${it.tcp.port};transport=tcp>`);
  const dialog = await answered;
  const ended = dialog.destroy();
  const bye = await tcp.next('BYE');
  tcp.send(replyTo(bye, '200 OK'));
  await ended;
  tcp.close();
});

function viaOf(from: RawSipPeer, call: RawCall): string {
  return `SIP/2.0/UDP ${from.host}:${from.port};branch=${call.lastBranch};rport`;
}
