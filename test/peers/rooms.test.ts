import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { leaksIn } from '../support/leak-search.ts';
import { until } from '../support/payment-lab.ts';
import { freePort } from '../support/sip-server.ts';
import { type Baresip, startBaresip } from './baresip.ts';
import { silence, soundOf, tonesOfPayment } from './baresip-payment.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type PeersServer, type SessionView, startPeersServer } from './server.ts';
import { headerOf } from './sip-log.ts';
import { runSipp, type SippRun } from './sipp.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasPeers = hasProgram('sipp') && hasProgram('baresip');
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
const phones: Baresip[] = [];

beforeAll(async () => {
  if (kHasPeers) server = await startPeersServer({ HUSHPAY_ROUTES_QUEUE: 'sip:queue@pbx.example.net' });
});
afterAll(async () => {
  // Whoever is still there after a failure.
  await Promise.all(phones.map((phone) => phone.stop()));
  await server?.stop();
});

async function prepared(topology: string): Promise<string> {
  const { status, body } = await server.post('/v1/sessions', { ...kSession, topology });
  expect(status).toBe(201);
  return String(body['id']);
}

/** A phone nobody here wrote, in the room and recording. */
async function joined(id: string, role: string): Promise<Baresip> {
  const phone = await startBaresip(silence(2 * kMinuteMs), { records: true });
  phones.push(phone);
  await phone.dial(`sip:room-${id}@${server.address};role=${role}`);
  await until(async () => rolesOf(await server.session(id)).includes(role), `${role} in the room`);
  return phone;
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
    const heard = agent.heard();
    expect(await leaksIn(heard)).toEqual(kNoLeak);
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
    await until(async () => (await server.session(id)).stageReached !== undefined, 'the payment');
    agent.hangUp();
    await expectPaid(id, 'conference', 'hushpay');
    const { exit, errors, messages } = await run;
    expect([exit, errors]).toEqual([0, '']);
    const refer = messages.find(({ direction, what }) => direction === 'received' && what === 'REFER');
    expect(headerOf(refer, 'Refer-To')).toMatch(/^<sip:queue@pbx\.example\.net\?.*X-Pay-Result=APPROVED/);
  });

  it('is somebody else’s: one baresip carries both voices, and the record says who clamps', async () => {
    const id = await prepared('guest');
    const phone = await startBaresip(soundOf([tonesOfPayment(), silence(kMinuteMs)]));
    phones.push(phone);
    await phone.dial(`sip:pay-${id}@${server.address}`);
    await phone.closed();
    await expectPaid(id, 'guest', 'remote');
  });
});
