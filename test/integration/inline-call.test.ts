import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Caller, CallerOptions } from '../../src/phone/caller.ts';
import { remoteOf, writeOffer } from '../../src/phone/offer.ts';
import { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { AgentPhone } from '../support/agent-phone.ts';
import { heardFor, heardSince, loudness } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, kPayHeaders, resultOf, until } from '../support/payment-lab.ts';
import { openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { RoomLab, RoomSession, rolesOf } from '../support/room-lab.ts';

vi.setConfig({ maxConcurrency: 10 });

const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };

let rooms: RoomLab;
const phones: AgentPhone[] = [];

/** An agent's telephone of its own: what is dialled for it is its port. */
async function agentPhone(): Promise<AgentPhone> {
  const phone = await AgentPhone.open();
  phones.push(phone);
  return phone;
}

function uriFor(agent: AgentPhone): string {
  const { sip } = rooms.lab.setting;
  return `sip:${agent.port}@${sip.host}:${sip.port}`;
}

/** A customer who talks to the agent. */
async function connected(
  options: Partial<CallerOptions> = {},
  headers: Readonly<Record<string, string>> = {},
  lab = rooms,
): Promise<{ agent: AgentPhone; customer: Caller; session: RoomSession }> {
  const agent = await agentPhone();
  const customer = await lab.lab.caller(options);
  const { sip } = lab.lab.setting;
  const dialled = customer.dial(`sip:${agent.port}@${sip.host}:${sip.port}`, { ...kPayHeaders, ...headers });
  const invite = await agent.called();
  agent.ring();
  await agent.answer({ 'X-Agent': '7' });
  expect(await dialled).toEqual({ kind: 'answered' });
  const session = new RoomSession(lab, invite.header('X-Pay-Session'), '');
  await session.until((view) => rolesOf(view).length === 2);
  return { agent, customer, session };
}

function startLab(): Promise<RoomLab> {
  const route = { dialled: '*', target: 'sip:agent@127.0.0.1:{dialled}', through: 'pbx' };
  const bothWays = { maySetAmounts: true, mayBeReferred: true, mayTransfer: true };
  return RoomLab.start({
    HUSHPAY_SIP_TRUNKS: JSON.stringify([
      { name: 'lab', sources: ['127.0.0.0/8'], ...bothWays },
      { name: 'pbx', sources: ['192.0.2.1'], ...bothWays },
    ]),
    HUSHPAY_INLINE_ROUTES: JSON.stringify([route]),
    HUSHPAY_INLINE_PASS_HEADERS: JSON.stringify(['User-to-User', 'X-Customer', 'X-Agent']),
  });
}

beforeAll(async () => {
  rooms = await startLab();
});

afterAll(async () => {
  await rooms.stop();
  for (const phone of phones) phone.close();
});

describe('a call that passes through', { concurrent: true }, () => {
  it('lets the two hear each other, passes headers of the list and ends with either', async () => {
    const { agent, customer } = await connected({}, { 'X-Customer': '7', 'X-Secret': 's' });
    expect(agent.invite.header('X-Customer')).toBe('7');
    expect(agent.invite.header('X-Secret')).toBe('');
    expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
    expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
    await agent.hangUp();
    expect(await resultOf(customer)).toMatchObject({ by: 'server' });
  });

  it('rings early, in sound', async () => {
    const agent = await agentPhone();
    const peer = await openUdpPeer(rooms.lab.setting.sip);
    const ears = await RtpPhone.open();
    const { address, port, codec, eventPayloadType, ptimeMs } = ears;
    const offer = {
      address,
      port,
      codec,
      eventPayloadType,
      ptimeMs,
      direction: 'sendrecv',
      version: 1,
    } as const;
    const call = new RawCall(peer, uriFor(agent));
    call.send('INVITE', {}, writeOffer(offer));
    await agent.called();
    agent.ring(true);
    const early = await peer.next('183');
    const remote = remoteOf(early.body);
    if (!remote) throw new Error('the 183 has no description');
    ears.connect(remote);
    ears.start();
    expect(await loudness(agent, { rtp: ears }, 900)).toBeCloseTo(-10, 0);
    await agent.answer();
    const answer = await peer.next('200 INVITE');
    expect(answer.body).toBe(early.body.replace(/^o=.*$/m, /^o=.*$/m.exec(answer.body)?.[0] ?? ''));
    call.learn(answer);
    call.send('ACK');
    call.send('BYE');
    await peer.next('200 BYE');
    await agent.next('BYE');
    ears.close();
    peer.close();
  });

  it('is refused with what the agent says, and cancelled there when the caller gives up', async () => {
    const agent = await agentPhone();
    const customer = await rooms.lab.caller();
    const dialled = customer.dial(uriFor(agent));
    await agent.called();
    agent.refuse('486 Busy Here');
    const outcome = await dialled;
    expect(outcome).toMatchObject({ kind: 'refused', response: { status: 486 } });
  });

  it('carries tones as tones, and keys by SIP INFO as SIP INFO', async () => {
    const { agent, customer } = await connected({ carrier: 'tone' });
    const before = agent.rtp.packets.length;
    await customer.press('5');
    expect((await leaksIn(await heardFor(agent, before, 600))).keys).toBe(1);
    await customer.hangUp();
    await agent.next('BYE');
    const other = await connected({ carrier: 'info' });
    await other.customer.press('6');
    expect((await other.agent.next('INFO')).body).toMatch(/Signal=6/);
    await other.customer.hangUp();
  });

  it('carries telephone-events as telephone-events, both ways', async () => {
    const { agent, customer } = await connected({ carrier: 'event' });
    await customer.press('5');
    await agent.rtp.pressEvent(7);
    const codes = (phone: { readonly rtp: Caller['rtp'] }): Set<number | undefined> =>
      new Set(
        phone.rtp.packets.filter(({ payloadType }) => payloadType === 101).map(({ payload }) => payload[0]),
      );
    await until(() => codes(agent).size + codes(customer).size >= 2, 'both keys');
    expect(codes(agent)).toEqual(new Set([5]));
    expect(codes(customer)).toEqual(new Set([7]));
    expect(await leaksIn(agent.rtp.received())).toEqual(kNoLeak); // and not as tones
    await customer.hangUp();
    await agent.next('BYE');
  });

  it('tells the other of a hold, and of its end', async () => {
    const { agent, customer } = await connected();
    expect((await agent.hold(true)).status).toBe(200);
    await until(
      () => customer.ladder.rows.some(({ kind, text }) => kind === 'received' && text.startsWith('INVITE')),
      'a re-INVITE at the caller',
    );
    await agent.hold(false);
    expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
    expect(await customer.hold(true)).toBe(200);
    await agent.next('INVITE', 2);
    expect(
      agent.received.findLast(({ method, status }) => method === 'INVITE' && status === 0)?.body,
    ).toMatch(/a=sendonly/);
    await customer.hangUp();
  });
});

describe('a payment in a call that passes through', { concurrent: true }, () => {
  it.each(['tone', 'event', 'event+tone', 'info'] as const)(
    'keys as %s: the agent hears none of them',
    async (carrier) => {
      const { agent, customer, session } = await connected({ carrier });
      const before = agent.rtp.packets.length;
      expect(await session.act('start')).toMatchObject({ status: 200, body: { state: 'paying' } });
      await customer.follow([...hurriedKeys(kCard), session.at('APPROVED'), session.at('REFERENCE')]);
      await customer.follow([{ hear: 'prompt' }, { key: '2' }]);
      const record = await session.record();
      expect(await leaksIn(heardSince(agent, before))).toEqual(kNoLeak);
      expect(agent.received.filter(({ method }) => method === 'INFO')).toEqual([]);
      expect(agent.rtp.packets.every(({ payloadType }) => payloadType === agent.rtp.payloadType)).toBe(true);
      expect(record).toMatchObject({ result: 'APPROVED', topology: 'inline', clampedBy: 'hushpay' });
      expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
      expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
      await agent.hangUp();
      expect(await resultOf(customer)).toMatchObject({
        by: 'server',
        result: 'APPROVED',
        session: session.id,
      });
      const closed = await session.until((view) => view['media'] !== null);
      const media = closed['media'] as Record<string, number>;
      expect(media['clampWorstResidualDbm0']).toBeLessThan(-50);
      const ledger = rooms.lab.setting.bank.ledger().filter((e) => e.paymentRef === record['paymentRef']);
      expect(ledger).toMatchObject([{ state: 'approved', amount: { minor: 5025 }, submissions: 1 }]);
      expect(await rooms.lab.traces()).not.toContain(kCard);
    },
  );

  it.each(['tone', 'event', 'info'] as const)(
    'cancelled in the middle of a number, keys as %s: the agent gets nothing of the rest either, and soon gets all again',
    async (carrier) => {
      const { agent, customer, session } = await connected({ carrier });
      const since = agent.rtp.packets.length;
      expect(await session.cancelWithin(kCard, customer)).toMatchObject({ result: 'AGENT_CANCELLED' });
      expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
      expect(await leaksIn(heardSince(agent, since))).toEqual(kNoLeak);
      const isSound = ({ payloadType }: { payloadType: number }) => payloadType === agent.rtp.payloadType;
      expect(agent.rtp.packets.every(isSound)).toBe(true);
      expect(agent.received.filter(({ method }) => method === 'INFO')).toEqual([]);
      await session.until((view) => view['agentHears'] === 'everything');
      const isOpen = async () => {
        const hasInfo = agent.received.some(({ method }) => method === 'INFO');
        const { keys } = await leaksIn(heardSince(agent, since));
        return keys > 0 || hasInfo || !agent.rtp.packets.every(isSound);
      };
      await until(async () => {
        await customer.press('159');
        await agent.rtp.silence(300);
        return isOpen();
      }, 'a key in the open');
    },
  );

  it('begins by the feature code of the agent, whose keys after the first the customer does not hear', async () => {
    const { agent, customer, session } = await connected();
    const before = customer.rtp.packets.length;
    for (const key of [10, 7, 2, 9, 11] as const) {
      await agent.rtp.pressTone(key, { durationMs: 100 });
      await agent.rtp.silence(200);
    }
    await session.until(({ state }) => state === 'paying');
    const { keys } = await leaksIn(heardSince(customer, before));
    expect(keys).toBeLessThanOrEqual(1); // the star; what comes after it is a secret of the house
    await session.act('cancel');
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
    await customer.hangUp();
  });

  it('begins and ends by X-Pay-Action in re-INVITEs of the PBX', async () => {
    const { agent, customer, session } = await connected();
    expect((await agent.tell({ 'X-Pay-Action': 'start', 'X-Pay-Amount': '7.50' })).status).toBe(200);
    await session.until(({ state }) => state === 'paying');
    await agent.tell({ 'X-Pay-Action': 'cancel' });
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED', amountRequested: '7.50' });
    await customer.hangUp();
  });

  it('goes on while the agent transfers the customer away, and the next hears no key either', async () => {
    const { agent, customer, session } = await connected();
    await session.act('start');
    await customer.follow([session.at('PAN_ENTRY'), { key: '4242' }]);
    const second = await agentPhone();
    const referred = agent.request('REFER', { 'Refer-To': `<${second.uri}>` });
    await second.called();
    await second.answer();
    expect((await referred).status).toBe(202);
    await agent.next('NOTIFY', 2);
    expect(
      agent.received.findLast(({ method, status }) => method === 'NOTIFY' && status === 0)?.body,
    ).toMatch(/^SIP\/2\.0 200/);
    await agent.hangUp();
    await customer.press('424242424242#');
    await customer.follow(hurriedKeys(kCard).slice(1));
    await customer.follow([session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    expect(await session.record()).toMatchObject({ result: 'APPROVED' });
    expect(await leaksIn(second.rtp.received())).toEqual(kNoLeak);
    expect(await loudness(customer, second, 1000)).toBeCloseTo(-10, 0);
    await customer.hangUp();
    await second.next('BYE');
  });

  it('outlives its worker, with nothing of a key for the agent', async () => {
    const own = await startLab();
    try {
      const { agent, customer, session } = await connected({ carrier: 'tone' }, {}, own);
      await session.act('start');
      await customer.follow([session.at('PAN_ENTRY'), { key: '42424242' }]);
      process.kill(own.lab.childPid('media-worker-0'), 'SIGKILL');
      await customer.press('42424242#');
      await customer.rtp.silence(500);
      expect(await leaksIn(agent.rtp.received())).toEqual(kNoLeak);
      await session.act('cancel');
      expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
      expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
      await customer.hangUp();
    } finally {
      await own.stop();
    }
  });

  it('ends once when both hang up at once', async () => {
    const { agent, customer, session } = await connected();
    await session.act('start');
    await customer.follow([session.at('PAN_ENTRY')]);
    await Promise.all([customer.hangUp(), agent.hangUp()]);
    expect(await session.record()).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
  });
});
