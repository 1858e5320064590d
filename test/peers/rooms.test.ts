import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { leaksIn } from '../support/leak-search.ts';
import { until } from '../support/payment-lab.ts';
import { type Baresip, type BaresipOptions, startBaresip } from './baresip.ts';
import { kEntry, silence, soundOf, talking, tonesOfPayment } from './baresip-payment.ts';
import { type Kamailio, kProxy, routeTo, startKamailio } from './kamailio.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type PeersServer, type SessionView, startPeersServer } from './server.ts';
import { headerOf } from './sip-log.ts';
import { runSipp, type SippRun } from './sipp.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasPeers = hasProgram('sipp') && hasProgram('baresip');
const kHasKamailio = hasProgram('kamailio') && mayUseRawSockets();
const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };
const kSession = {
  customerId: 'C-1001',
  amount: '50.25',
  currency: 'USD',
  identified: true,
  start: 'joined',
};
const kMinuteMs = 60_000;

let server: PeersServer;
/** Another hushpay as the PBX: calls pass through it to a telephone whose port was dialled, and it has conferences of its own. */
let pbx: PeersServer;
let kamailio: Kamailio | undefined;
const phones: Baresip[] = [];

beforeAll(async () => {
  if (!kHasPeers) return;
  const trunk = { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, mayTransfer: true };
  const route = { dialled: '*', target: 'sip:caller@127.0.0.1:{dialled}', through: 'lab' };
  [server, pbx] = await Promise.all([
    startPeersServer({ HUSHPAY_ROUTES_QUEUE: 'sip:queue@pbx.example.net' }),
    startPeersServer({
      HUSHPAY_SIP_TRUNKS: JSON.stringify([trunk]),
      HUSHPAY_INLINE_ROUTES: JSON.stringify([route]),
    }),
  ]);
  if (kHasKamailio) kamailio = await startKamailio({ ...kProxy, route: routeTo(server.address) });
});
afterAll(async () => {
  // Whoever is still there after a failure.
  await Promise.all(phones.map((phone) => phone.stop()));
  await kamailio?.stop();
  await pbx?.stop();
  await server?.stop();
});

async function prepared(topology: string, at = server, changes = {}): Promise<string> {
  const { status, body } = await at.post('/v1/sessions', { ...kSession, topology, ...changes });
  expect(status).toBe(201);
  return String(body['id']);
}

/** A phone nobody here wrote, recording. */
async function phoneWith(microphone: Int16Array, options: BaresipOptions = {}): Promise<Baresip> {
  const phone = await startBaresip(microphone, { records: true, ...options });
  phones.push(phone);
  return phone;
}

/** … and in a room. @param through - what it is sent to the room by. */
async function joined(id: string, role: string, through = server.address): Promise<Baresip> {
  const phone = await phoneWith(silence(2 * kMinuteMs));
  await phone.dial(`sip:room-${id}@${through};role=${role}`);
  await inRoom(id, role);
  return phone;
}

async function inRoom(id: string, role: string, at = server): Promise<void> {
  await until(async () => rolesOf(await at.session(id)).includes(role), `${role} in the room`);
}

function rolesOf({ parties = [] }: SessionView): string[] {
  return parties.map(({ role }) => role);
}

/** What a payment that went well leaves behind, wherever somebody could look. */
async function expectPaid(id: string, topology: string, clampedBy: string | null): Promise<void> {
  const isOver = async () => typeof (await server.session(id)).endedAt === 'string';
  await until(isOver, 'the end of the payment', AbortSignal.timeout(2 * kMinuteMs));
  const session = await server.session(id);
  expect(session).toMatchObject({ result: 'APPROVED', topology, clampedBy, amountCharged: '50.25' });
  const booked = server.booked(session.paymentRef).map(({ state, amount }) => [state, amount.minor]);
  expect(booked).toEqual([['approved', 5025]]);
  expect(server.tracesOf([kCard])).toEqual([]);
}

/** The customer, by SIPp: keys the card over the greeting and goes through to the end. */
function customer(id: string, carrier: 'event' | 'tone' | 'info', scenario = 'approved'): Promise<SippRun> {
  return runSipp(scenario, server.address, {
    dialled: `room-${id}`,
    carrier,
    headers: { 'X-Pay-Role': 'caller' },
  });
}

function resultIn({ messages }: SippRun): string | undefined {
  const bye = messages.findLast(({ direction, what }) => direction === 'received' && what === 'BYE');
  return headerOf(bye, 'X-Pay-Result');
}

const kCarriers = (['event', 'tone', 'info'] as const).filter(
  (each) => each === 'info' || mayUseRawSockets(),
);

describe.skipIf(!kHasPeers)('a room (needs sipp and baresip)', { concurrent: true }, () => {
  it.each(kCarriers)(
    'keeps the keys of SIPp, as %s, from the baresip of agent and monitor',
    async (carrier) => {
      const id = await prepared('conference');
      const monitor = await joined(id, 'monitor');
      const agent = await joined(id, 'agent');
      const run = customer(id, carrier);
      await expectPaid(id, 'conference', 'hushpay');
      expect(await leaksIn(agent.heard())).toEqual(kNoLeak);
      expect(await leaksIn(monitor.heard())).toEqual(kNoLeak);
      agent.hangUp();
      const { exit, errors } = await run;
      expect([exit, errors]).toEqual([0, '']);
      expect(resultIn(await run)).toBe('APPROVED');
      await monitor.closed();
    },
  );

  it('parks the baresip of the agent while SIPp pays, and joins them again', async () => {
    const id = await prepared('secure_transfer');
    const agent = await joined(id, 'agent');
    const run = customer(id, kCarriers[0] ?? 'info');
    await expectPaid(id, 'secure_transfer', null);
    expect(await leaksIn(agent.heard())).toEqual(kNoLeak);
    await until(async () => rolesOf(await server.session(id)).length === 2, 'both on the line');
    agent.hangUp();
    expect((await run).exit).toBe(0);
    expect(resultIn(await run)).toBe('APPROVED');
  });

  it('calls two baresips together, who pay by tones', async () => {
    const id = await prepared('conference');
    const [agentPort, customerPort] = [await freePort(), await freePort()];
    const agent = await startBaresip(silence(2 * kMinuteMs), { records: true, answersAt: agentPort });
    const payer = await startBaresip(soundOf([tonesOfPayment(), silence(kMinuteMs)]), {
      answersAt: customerPort,
    });
    phones.push(agent, payer);
    const dial = (role: string, port: number) =>
      server.post(`/v1/sessions/${id}/actions`, { action: 'dial', role, to: `sip:caller@127.0.0.1:${port}` });
    expect((await dial('agent', agentPort)).status).toBe(200);
    await agent.answered();
    expect((await dial('customer', customerPort)).status).toBe(200);
    const callId = await payer.answered();
    await expectPaid(id, 'conference', 'hushpay');
    expect(server.sessionsOf(callId)).toEqual([id]);
    expect(await leaksIn(agent.heard())).toEqual(kNoLeak);
    payer.hangUp();
    await agent.closed();
  });

  it('goes on without its agent, and gives SIPp to the queue', async () => {
    const id = await prepared('conference');
    const agent = await joined(id, 'agent');
    const run = customer(id, kCarriers[0] ?? 'info', 'sent-on-by-refer');
    await until(async () => (await server.session(id)).stage === 'SUMMARY', 'the summary');
    agent.hangUp();
    await expectPaid(id, 'conference', 'hushpay');
    expect(await server.session(id)).toMatchObject({ agentLost: true });
    expect(await leaksIn(agent.heard())).toEqual(kNoLeak); // the whole card was keyed by then
    const { exit, errors, messages } = await run;
    expect([exit, errors]).toEqual([0, '']);
    const refer = messages.find(({ direction, what }) => direction === 'received' && what === 'REFER');
    expect(headerOf(refer, 'Refer-To')).toMatch(/^<sip:queue@pbx\.example\.net\?.*X-Pay-Result=APPROVED/);
  });

  it.skipIf(!kHasKamailio)('is reached through Kamailio by all of its legs (needs kamailio)', async () => {
    const proxy = kamailio?.address ?? '';
    const id = await prepared('conference');
    const monitor = await joined(id, 'monitor', proxy);
    const agent = await joined(id, 'agent', proxy);
    const run = runSipp('approved-by-proxy', proxy, {
      dialled: `room-${id}`,
      carrier: kCarriers[0] ?? 'info',
      headers: { 'X-Pay-Role': 'caller' },
    });
    await expectPaid(id, 'conference', 'hushpay');
    for (const phone of [agent, monitor]) expect(await leaksIn(phone.heard())).toEqual(kNoLeak);
    agent.hangUp();
    const { exit, errors } = await run;
    expect(exit, errors).toBe(0);
    expect(resultIn(await run)).toBe('APPROVED');
    await monitor.closed();
  });

  it('gets its customer from a PBX that follows the REFER of its agent', async () => {
    const id = await prepared('conference');
    const agent = await joined(id, 'agent'); // on a second line
    const port = await freePort();
    const line = await phoneWith(silence(2 * kMinuteMs), { answersAt: port });
    const customer = await phoneWith(silence(2 * kMinuteMs));
    await customer.dial(`sip:${port}@${pbx.address}`);
    await line.answered();
    line.transfer(`sip:room-${id}@${server.address}`);
    await inRoom(id, 'customer');
    await line.closed();
    await until(async () => typeof (await server.session(id)).stage === 'string', 'a conversation');
    await customer.press(kEntry);
    await customer.hear('begun'); // the summary
    await customer.press('1');
    await until(async () => (await server.session(id)).stage === 'REFERENCE', 'the reference');
    await customer.hear('ended'); // the menu behind it
    await customer.press('2');
    await expectPaid(id, 'conference', 'hushpay');
    expect(await leaksIn(agent.heard())).toEqual(kNoLeak);
    expect(await leaksIn(line.heard())).toEqual(kNoLeak);
    agent.hangUp();
    await customer.closed(); // our BYE, through the PBX
    expect(pbx.tracesOf([kCard])).toEqual([]);
  });

  it('is somebody else’s: we are in the conference of a PBX whose agent talks into the keys, and the record says who clamps', async () => {
    const theirs = await prepared('conference', pbx, { start: 'action' });
    const agent = await phoneWith(talking(2 * kMinuteMs));
    await agent.dial(`sip:room-${theirs}@${pbx.address};role=agent`);
    await inRoom(theirs, 'agent', pbx);
    const id = await prepared('guest');
    const us = { action: 'dial', role: 'agent', to: `sip:pay-${id}@${server.address}` };
    expect((await pbx.post(`/v1/sessions/${theirs}/actions`, us)).status).toBe(200);
    await until(async () => (await server.session(id)).stage !== undefined, 'us in their conference');
    const customer = await phoneWith(soundOf([tonesOfPayment(), silence(kMinuteMs)]));
    await customer.dial(`sip:room-${theirs}@${pbx.address}`);
    await expectPaid(id, 'guest', 'remote');
    expect((await leaksIn(agent.heard())).keys).toBeGreaterThan(0); // theirs to clamp, and they do not
    customer.hangUp();
    await agent.closed();
  });
});
