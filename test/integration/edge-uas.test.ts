import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EdgeWithSrf, openEdgeWithSrf } from '../support/edge-with-srf.ts';
import { connectTcpPeer, kSdp, openUdpPeer, RawCall, type RawSipPeer } from '../support/raw-sip-peer.ts';

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
function answerNext(options: Srf.SrfConfig | object = {}): Promise<Srf.Dialog> {
  return new Promise((resolve, reject) => {
    it.srf.invite((req, res) => {
      it.srf.createUAS(req, res, { localSdp: kSdp, ...options }).then(resolve, reject);
    });
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
