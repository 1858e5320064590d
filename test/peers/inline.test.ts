import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AgentPhone } from '../support/agent-phone.ts';
import { freePort } from '../support/free-port.ts';
import { leaksIn } from '../support/leak-search.ts';
import { until } from '../support/payment-lab.ts';
import { startBaresip } from './baresip.ts';
import { silence } from './baresip-payment.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type PeersServer, startPeersServer } from './server.ts';
import { runSipp } from './sipp.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasPeers = hasProgram('sipp') && hasProgram('baresip');
const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };
const kMinuteMs = 60_000;
const kSession = {
  topology: 'inline',
  customerId: 'C-1001',
  amount: '50.25',
  currency: 'USD',
  identified: true,
  start: 'joined',
};

/** What passes is trusted on its way as the laboratory is. */
const kTrunk = {
  name: 'lab',
  sources: ['127.0.0.0/8'],
  maySetAmounts: true,
  mayBeReferred: true,
  mayTransfer: true,
};

const kCarriers = (['event', 'tone', 'info'] as const)
  .map((carrier, at) => ({ carrier, dialled: `10${at}0` }))
  .filter(({ carrier }) => carrier === 'info' || mayUseRawSockets());

/** Of the agents' phones, by the number that leads there. */
const agentPorts = new Map<string, number>();
let target: AgentPhone;
/** hushpay as the PBX: calls for 10… go to the agents' phones, those for 2… to hushpay that is paid at. */
let pbx: PeersServer;
/** hushpay between trunk and PBX. */
let server: PeersServer;

function routed(routes: readonly object[]): NodeJS.ProcessEnv {
  const through = routes.map((route) => ({ ...route, through: 'lab' }));
  return { HUSHPAY_SIP_TRUNKS: JSON.stringify([kTrunk]), HUSHPAY_INLINE_ROUTES: JSON.stringify(through) };
}

beforeAll(async () => {
  if (!kHasPeers) return;
  for (const { dialled } of kCarriers) agentPorts.set(dialled, await freePort());
  target = await AgentPhone.open();
  const payPort = await freePort();
  pbx = await startPeersServer(
    routed([
      ...[...agentPorts].map(([dialled, port]) => ({ dialled, target: `sip:caller@127.0.0.1:${port}` })),
      { dialled: '2*', target: `sip:pay@127.0.0.1:${payPort}` },
    ]),
  );
  server = await startPeersServer({
    ...routed([{ dialled: '1*', target: `sip:{dialled}@${pbx.address}` }]),
    HUSHPAY_SIP_PORT: String(payPort),
    HUSHPAY_HAND_OVER_METHOD: 'attended',
  });
});

afterAll(async () => {
  target?.close();
  await server?.stop();
  await pbx?.stop();
});

async function expectPaid(id: string, topology: string): Promise<void> {
  const isOver = async (): Promise<boolean> => typeof (await server.session(id)).endedAt === 'string';
  await until(isOver, 'the end of the payment', AbortSignal.timeout(2 * kMinuteMs));
  const session = await server.session(id);
  expect(session).toMatchObject({ result: 'APPROVED', topology, amountCharged: '50.25' });
  const booked = server.booked(session.paymentRef).map(({ state, amount }) => [state, amount.minor]);
  expect(booked).toEqual([['approved', 5025]]);
  expect(server.tracesOf([kCard])).toEqual([]);
  expect(pbx.tracesOf([kCard])).toEqual([]);
}

describe.skipIf(!kHasPeers)('between a trunk and a PBX (needs sipp and baresip)', () => {
  it.concurrent.each(kCarriers)(
    'keeps the keys of SIPp, as $carrier, from the baresip behind the PBX',
    async ({ carrier, dialled }) => {
      const { status, body } = await server.post('/v1/sessions', kSession);
      expect(status).toBe(201);
      const id = String(body['id']);
      const answersAt = agentPorts.get(dialled) ?? 0;
      const agent = await startBaresip(silence(2 * kMinuteMs), { records: true, answersAt });
      try {
        const run = runSipp('approved', server.address, {
          dialled,
          carrier,
          headers: { 'X-Pay-Session': id },
        });
        await agent.answered();
        await expectPaid(id, 'inline');
        expect(await leaksIn(agent.heard())).toEqual(kNoLeak);
        agent.hangUp(); // the PBX says BYE to us, and we to the customer
        const { exit, errors } = await run;
        expect([exit, errors]).toEqual([0, '']);
      } finally {
        await agent.stop();
      }
    },
  );

  it.concurrent('gives a call of the PBX back by REFER with Replaces, which the PBX follows', async () => {
    const data = `customer-id=C-1001;amount=50.25;identified=true;return-uri=${target.uri}`;
    const run = runSipp('approved', pbx.address, {
      dialled: '2000',
      carrier: kCarriers[0]?.carrier ?? 'info',
      headers: { 'User-to-User': `${Buffer.from(data).toString('hex')};encoding=hex` },
    });
    const first = await target.called(100_000); // by us, when the payment has ended
    await target.answer();
    expect(Buffer.from(first.header('User-to-User').split(';')[0] ?? '', 'hex').toString()).toMatch(
      /^r=APPROVED/,
    );
    const { callId, ours, theirs } = target.dialog;
    const second = await target.called(); // by the PBX, in our place
    await target.answer();
    expect(second.header('Replaces')).toBe(`${callId};to-tag=${ours};from-tag=${theirs}`);
    const bye = await target.next('BYE'); // ours: we have gone
    expect(bye.header('Call-ID')).toBe(callId);
    await expectPaid(first.header('X-Pay-Session'), 'ivr');
    expect((await target.hangUp()).status).toBe(200);
    const { exit, errors } = await run;
    expect([exit, errors]).toEqual([0, '']);
  });
});
