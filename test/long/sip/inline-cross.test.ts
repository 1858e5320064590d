import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Caller } from '../../../src/phone/caller.ts';
import { remoteOf, writeOffer } from '../../../src/phone/offer.ts';
import { RtpPhone } from '../../../src/phone/rtp-phone.ts';
import { AgentPhone } from '../../support/agent-phone.ts';
import { loudness } from '../../support/heard.ts';
import { kPayHeaders } from '../../support/payment-lab.ts';
import { openUdpPeer, RawCall } from '../../support/raw-sip-peer.ts';
import { RoomLab, RoomSession, rolesOf } from '../../support/room-lab.ts';

// What crosses in a call that passes through, over real sockets.

const kMediaTimeoutMs = 5_000;

let rooms: RoomLab;
let agent: AgentPhone;

beforeAll(async () => {
  agent = await AgentPhone.open();
  const route = { dialled: '1*', target: `sip:{dialled}@127.0.0.1:${agent.port}`, through: 'lab' };
  const rights = { maySetAmounts: true, mayBeReferred: true, mayTransfer: true };
  rooms = await RoomLab.start({
    HUSHPAY_SIP_TRUNKS: JSON.stringify([{ name: 'lab', sources: ['127.0.0.0/8'], ...rights }]),
    HUSHPAY_INLINE_ROUTES: JSON.stringify([route]),
    HUSHPAY_MEDIA_TIMEOUT_MS: String(kMediaTimeoutMs),
  });
});

afterAll(async () => {
  await rooms?.stop();
  agent?.close();
});

beforeEach(() => {
  agent.received.length = 0;
});

afterEach(() => {
  agent.rtp.stop();
});

function agentUri(): string {
  const { sip } = rooms.lab.setting;
  return `sip:1000@${sip.host}:${sip.port}`;
}

async function connected(): Promise<{ customer: Caller; session: RoomSession }> {
  const customer = await rooms.lab.caller();
  const dialled = customer.dial(agentUri(), kPayHeaders);
  const invite = await agent.called();
  await agent.answer();
  expect(await dialled).toEqual({ kind: 'answered' });
  const session = new RoomSession(rooms, invite.header('X-Pay-Session'), '');
  await session.until((view) => rolesOf(view).length === 2);
  return { customer, session };
}

it('glare: an offer of the agent and one of ours cross, and both get their turn', async () => {
  const { customer } = await connected();
  const crossing = agent.cross(true);
  expect(await customer.hold(true)).toBe(200); // has us send an offer to the agent
  expect((await crossing).status).toBe(491);
  await agent.next('INVITE', 3); // ours again, two to four seconds later
  expect((await agent.hold(true)).status).toBe(200);
  expect(await customer.hold(false)).toBe(200);
  expect((await agent.hold(false)).status).toBe(200);
  expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
  expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
  await customer.hangUp();
  await agent.next('BYE');
});

it('hold before connect: the agent is told, and of its end', async () => {
  const peer = await openUdpPeer(rooms.lab.setting.sip);
  const ears = await RtpPhone.open();
  const { address, port, codec, eventPayloadType, ptimeMs } = ears;
  const offer = (direction: 'sendonly' | 'sendrecv', version: number): string =>
    writeOffer({ address, port, codec, eventPayloadType, ptimeMs, direction, version });
  const call = new RawCall(peer, agentUri());
  call.send('INVITE', {}, offer('sendonly', 1));
  await agent.called();
  await agent.answer();
  const answer = await peer.next('200 INVITE');
  call.learn(answer);
  call.send('ACK');
  const held = await agent.next('INVITE', 2);
  expect(held.body).toMatch(/a=sendonly/);
  call.send('INVITE', {}, offer('sendrecv', 2));
  const again = await peer.next('200 INVITE');
  call.send('ACK');
  const remote = remoteOf(again.body);
  if (!remote) throw new Error('the answer has no description');
  ears.connect(remote);
  ears.start();
  expect((await agent.next('INVITE', 3)).body).not.toMatch(/a=sendonly/);
  expect(await loudness(agent, { rtp: ears }, 900)).toBeCloseTo(-10, 0);
  call.send('BYE');
  await peer.next('200 BYE');
  await agent.next('BYE');
  ears.close();
  peer.close();
});

it('network loss on the agent’s leg ends a call nobody pays in, and says why', async () => {
  const { customer } = await connected();
  agent.rtp.stop();
  expect((await agent.next('BYE')).header('Reason')).toMatch(/no media/);
  const { by, message } = await customer.call.ended;
  expect([by, message?.startLine.split(' ')[0]]).toEqual(['server', 'BYE']);
});

it('network loss on the agent’s leg in the middle leaves the customer with the questions', async () => {
  const { customer, session } = await connected();
  await session.act('start');
  await customer.follow([session.at('PAN_ENTRY')]);
  agent.rtp.stop();
  await agent.next('BYE');
  expect(await session.view()).toMatchObject({ state: 'paying' });
  await customer.hangUp();
  expect(await session.record()).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
});

it('network loss on the customer’s leg in the middle ends the payment, and the agent is told', async () => {
  const { customer, session } = await connected();
  await session.act('start');
  await customer.follow([session.at('PAN_ENTRY')]);
  customer.rtp.stop();
  expect((await agent.next('BYE')).header('X-Pay-Result')).toBe('HANGUP_BEFORE_AUTH');
  expect(await session.record()).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
});
