import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Caller, CallerOptions } from '../../src/phone/caller.ts';
import type { Step } from '../../src/phone/script.ts';
import { AgentPhone } from '../support/agent-phone.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, until } from '../support/payment-lab.ts';
import { RoomLab, type RoomSession, rolesOf } from '../support/room-lab.ts';

vi.setConfig({ maxConcurrency: 12 });

const kSlowCard = '4000000000000820'; // approved after six seconds
const kNoLeak = { keys: 0, traces: 0 };
const kTrunk = { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, mayTransfer: true };
const kSilentMs = 8_000;

let rooms: RoomLab;
const phones: AgentPhone[] = [];

beforeAll(async () => {
  rooms = await RoomLab.start({
    HUSHPAY_SIP_TRUNKS: JSON.stringify([kTrunk]),
    HUSHPAY_MEDIA_TIMEOUT_MS: String(kSilentMs),
  });
});
afterAll(async () => {
  await rooms.stop();
  for (const phone of phones) phone.close();
});

interface Paying {
  readonly session: RoomSession;
  readonly customer: Caller;
  readonly agent: Caller;
}

/** A conference whose payment has begun. */
async function paying(options: Partial<CallerOptions> = {}): Promise<Paying> {
  const session = await rooms.prepare({ start: 'joined' });
  const agent = await session.join('agent');
  const customer = await session.join('caller', { carrier: 'event+tone', ...options });
  return { session, customer, agent };
}

/** What a customer keys until the conversation stands somewhere, half a field included. */
function wayTo(stage: string, session: RoomSession): readonly Step[] {
  const [pan, expiry, cvv, confirm] = hurriedKeys(kSlowCard) as [Step, Step, Step, Step];
  const half = (name: string, keys: string): Step[] => [session.at(name), { key: keys }];
  switch (stage) {
    case 'PAN_ENTRY':
      return half(stage, '40000000');
    case 'EXPIRY_ENTRY':
      return [pan, ...half(stage, '12')];
    case 'CVV_ENTRY':
      return [pan, expiry, ...half(stage, '12')];
    case 'SUMMARY':
      return [pan, expiry, cvv, session.at(stage)];
    case 'GREETING':
      return [session.at(stage)];
    default:
      return [pan, expiry, cvv, confirm, session.at(stage)];
  }
}

async function expectNothingHeard(...ears: readonly { readonly rtp: Caller['rtp'] }[]): Promise<void> {
  for (const { rtp } of ears) expect(await leaksIn(rtp.received())).toEqual(kNoLeak);
}

/** Record and ledger: nothing or one charge. */
async function expectEnd(session: RoomSession, expected: object): Promise<void> {
  const record = await session.record();
  expect(record).toMatchObject(expected);
  const booked = rooms.lab.setting.bank.ledger().filter((e) => e.paymentRef === record['paymentRef']);
  const charges = record.result === 'APPROVED' ? [['approved', 5025]] : [];
  expect(booked.map(({ state, amount }) => [state, amount.minor])).toEqual(charges);
}

const kStages = [
  'GREETING',
  'PAN_ENTRY',
  'EXPIRY_ENTRY',
  'CVV_ENTRY',
  'SUMMARY',
  'WAIT',
  'REFERENCE',
] as const;
const kDecided: ReadonlySet<string> = new Set(['WAIT', 'REFERENCE']);
const kWho = ['the customer', 'the agent', 'both at once'] as const;

describe('somebody hangs up', { concurrent: true }, () => {
  it.each(kStages.flatMap((stage) => kWho.map((who) => [stage, who] as const)))(
    'in %s, %s: the agent has heard no key, and nothing is paid twice or by halves',
    async (stage, who) => {
      const { session, customer, agent } = await paying();
      await customer.follow(wayTo(stage, session));
      if (who !== 'the customer') void agent.hangUp();
      if (who === 'the agent') {
        await session.until((view) => !rolesOf(view).includes('agent'));
        expect(await session.view()).toMatchObject({ state: 'paying' });
      }
      await customer.hangUp();
      const result = kDecided.has(stage) ? 'APPROVED' : 'HANGUP_BEFORE_AUTH';
      const agentLost = who === 'the agent' ? { agentLost: true } : {};
      await expectEnd(session, { result, callerPresent: false, ...agentLost });
      await agent.call.ended;
      await expectNothingHeard(agent);
    },
  );
});

describe('while the card is keyed', { concurrent: true }, () => {
  it('others join and leave, a page is closed, and nobody hears a key', async () => {
    const { session, customer, agent } = await paying();
    const page = await openPage(session.id);
    await customer.follow(wayTo('PAN_ENTRY', session));
    const [monitor, coach] = [await session.join('monitor'), await session.join('coach')];
    await customer.press('0000');
    await monitor.hangUp();
    page.abort(); // the agent's browser goes away
    const before = await session.view();
    await customer.press('0820#');
    await coach.hangUp();
    expect(await session.until(({ last4 }) => last4 !== null)).toMatchObject({ last4: '0820' });
    expect(before).toMatchObject({ stage: 'PAN_ENTRY', state: 'paying', agentHears: 'all but keys' });
    expect(rolesOf(await session.view())).toEqual(['agent', 'customer']);
    await customer.follow(hurriedKeys(kSlowCard).slice(1));
    await customer.follow([session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    await expectEnd(session, { result: 'APPROVED', agentLost: false });
    await expectNothingHeard(agent, monitor, coach);
    await agent.hangUp();
    await customer.call.ended;
  });

  it('the agent transfers the customer away, by REFER and then by Replaces', async () => {
    const { session, customer, agent } = await paying();
    await customer.follow(wayTo('PAN_ENTRY', session));
    const second = await AgentPhone.open();
    phones.push(second);
    const referred = agent.call.request('REFER', [['Refer-To', `<${second.uri}>`]]);
    await second.called();
    await second.answer();
    expect((await referred).status).toBe(202);
    await until(() => agent.call.requests.length > 0, 'a report at the transferor');
    await agent.hangUp();
    await customer.press('0000');

    const third = await rooms.lab.caller();
    const { callId, ours, theirs } = second.dialog;
    const replaces = `${callId};to-tag=${theirs};from-tag=${ours}`;
    expect(await third.dial(session.uri, { Replaces: replaces, Require: 'replaces' })).toEqual({
      kind: 'answered',
    });
    await second.next('BYE');
    await customer.press('0820#');
    expect(await session.until(({ last4 }) => last4 !== null)).toMatchObject({ last4: '0820' });
    expect(rolesOf(await session.view()).toSorted()).toEqual(['agent', 'customer']);
    await customer.hangUp();
    await expectEnd(session, { result: 'HANGUP_BEFORE_AUTH', agentLost: false });
    await third.call.ended;
    await expectNothingHeard(agent, second, third);
  });

  it('both hold and are taken back, over each other', async () => {
    const { session, customer, agent } = await paying();
    await customer.follow(wayTo('PAN_ENTRY', session));
    expect(await Promise.all([customer.hold(true), agent.hold(true)])).toEqual([200, 200]);
    await session.until((view) => view['digitCount'] === null);
    const crossed = await Promise.all([customer.hold(false), customer.hold(false), agent.hold(false)]);
    expect(crossed.filter((status) => status !== 200 && status !== 491 && status !== 500)).toEqual([]);
    await session.until((view) => view['digitCount'] === 0);
    await customer.follow(hurriedKeys(kSlowCard));
    await customer.follow([session.at('WAIT')]);
    await customer.hangUp();
    await expectEnd(session, { result: 'APPROVED' });
    await expectNothingHeard(agent);
  });

  it.each(['event', 'tone'] as const)('packets of the customer get lost, keys as %s', async (carrier) => {
    const { session, customer, agent } = await paying({ carrier, pressMs: 120 });
    let sent = 0;
    customer.rtp.filter = () => ++sent % 9 !== 0;
    await customer.follow(wayTo('PAN_ENTRY', session));
    await session.until((view) => Number(view['digitCount']) > 4);
    await customer.press('1111');
    await customer.hangUp();
    await expectEnd(session, { result: 'HANGUP_BEFORE_AUTH' });
    await expectNothingHeard(agent);
  });

  it('the network of the agent is lost: it goes on, and so does the one of the customer: it ends', async () => {
    const { session, customer, agent } = await paying();
    await customer.follow(wayTo('PAN_ENTRY', session));
    agent.rtp.stop();
    await customer.press('0000');
    await session.until((view) => !rolesOf(view).includes('agent'));
    expect(await session.view()).toMatchObject({ state: 'paying', stage: 'PAN_ENTRY' });
    customer.rtp.stop();
    await expectEnd(session, { result: 'HANGUP_BEFORE_AUTH', agentLost: true });
    await expectNothingHeard(agent);
  });
});

describe('a customer who comes on hold', () => {
  it('is greeted when taken back', async () => {
    const session = await rooms.prepare({ start: 'joined' });
    const agent = await session.join('agent');
    const customer = await rooms.lab.caller({ carrier: 'event+tone' });
    await customer.dial(session.uri, { 'X-Pay-Role': 'caller' }, 'sendonly');
    await session.until((view) => view['state'] === 'paying');
    await customer.rtp.silence(2_000);
    expect((await session.view())['stage']).toBe('GREETING');
    expect(await customer.hold(false)).toBe(200);
    await customer.follow(wayTo('PAN_ENTRY', session));
    await customer.hangUp();
    await expectEnd(session, { result: 'HANGUP_BEFORE_AUTH' });
    await expectNothingHeard(agent);
  });
});

/** What an agent's page keeps open: the events of its session. */
async function openPage(sessionId: string): Promise<AbortController> {
  const { httpUrl, apiKey } = rooms.lab.setting.server;
  const page = new AbortController();
  const headers = { authorization: `Bearer ${apiKey}` };
  const response = await fetch(`${httpUrl}/v1/events?session=${sessionId}`, { headers, signal: page.signal });
  expect(response.status).toBe(200);
  void response.text().catch(() => undefined); // until it is closed
  return page;
}
