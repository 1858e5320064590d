import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EdgeWithSrf, openEdgeWithSrf } from '../support/edge-with-srf.ts';
import { kSdp, openUdpPeer, RawCall, type RawSipPeer, writeReply } from '../support/raw-sip-peer.ts';

let it: EdgeWithSrf;
let caller: RawSipPeer;
let agent: RawSipPeer;

beforeEach(async () => {
  it = await openEdgeWithSrf();
  caller = await openUdpPeer(it.udp);
  agent = await openUdpPeer(it.udp);
});

afterEach(async () => {
  caller.close();
  agent.close();
  await it.close();
});

/** Connects the next caller to the agent. */
function connectNext(): Promise<{ uas: Srf.Dialog; uac: Srf.Dialog }> {
  return new Promise((resolve, reject) => {
    it.srf.invite((req, res) => {
      const uri = `sip:agent@127.0.0.1:${agent.port}`;
      const options = { proxyRequestHeaders: ['X-Cust'] } as Srf.CreateB2BUAOptions;
      it.srf.createB2BUA(req, res, uri, options).then(resolve, reject);
    });
  });
}

test('two legs are connected, and the caller hanging up ends both', async () => {
  const connected = connectNext();
  const call = new RawCall(caller, it.uri('1000'));
  call.send('INVITE', { 'X-Cust': '7' }, kSdp);
  const invite = await agent.next('INVITE');
  expect(invite.header('X-Cust')).toBe('7');
  expect(invite.body).toBe(kSdp);
  agent.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  call.learn(await caller.next('180'));
  const contact = { Contact: `<sip:agent@127.0.0.1:${agent.port}>`, 'Content-Type': 'application/sdp' };
  agent.send(writeReply(invite, '200 OK', { toTag: 'far', headers: contact, body: kSdp }));
  await agent.next('ACK');
  const answered = await caller.next('200 INVITE');
  expect(answered.body).toBe(kSdp);
  expect(answered.header('To')).toContain(`;tag=${call.toTag}`);
  call.send('ACK');
  const { uas, uac } = await connected;
  uas.on('destroy', () => void uac.destroy());
  call.send('BYE');
  await caller.next('200 BYE');
  agent.send(writeReply(await agent.next('BYE'), '200 OK'));
  await expect.poll(() => it.edge.stats().dialogs).toBe(0);
});

test('the caller gives up: the agent is cancelled', async () => {
  const connected = connectNext();
  const failed = expect(connected).rejects.toMatchObject({ status: 487 });
  const call = new RawCall(caller, it.uri('1000'));
  call.send('INVITE', {}, kSdp);
  const invite = await agent.next('INVITE');
  agent.send(writeReply(invite, '180 Ringing', { toTag: 'far' }));
  await caller.next('180');
  call.send('CANCEL', {
    Via: `SIP/2.0/UDP ${caller.host}:${caller.port};branch=${call.lastBranch};rport`,
  });
  await caller.next('487 INVITE');
  agent.send(writeReply(await agent.next('CANCEL'), '200 OK'));
  agent.send(writeReply(invite, '487 Request Terminated', { toTag: 'far' }));
  await agent.next('ACK');
  await failed;
});

test('the agent is busy: so is the call', async () => {
  const connected = connectNext();
  const failed = expect(connected).rejects.toMatchObject({ status: 486 });
  new RawCall(caller, it.uri('1000')).send('INVITE', {}, kSdp);
  agent.send(writeReply(await agent.next('INVITE'), '486 Busy Here', { toTag: 'far' }));
  await caller.next('486');
  await failed;
});
