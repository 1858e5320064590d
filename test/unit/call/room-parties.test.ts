import { describe, expect, it } from 'vitest';
import { kApproved, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kPassing } from '../../support/fake-signaling.ts';
import { entering, paying, RoomRig } from '../../support/room-rig.ts';

const kDone = { kind: 'done' };

describe('parties that leave', () => {
  it('ends an entry when the customer hangs up, and tells the agent', async () => {
    const { rig, customer, agent } = await entering();
    await rig.key(customer, '4242');
    expect(customer.leg.hangUp()).toMatchObject({ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' });
    await settle();
    expect(agent.leg.byes).toMatchObject([{ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' }]);
    expect(rig.record).toMatchObject({ result: 'HANGUP_BEFORE_AUTH', stageReached: 'PAN_ENTRY' });
    expect(rig.counted).toContain('hung up in PAN_ENTRY');
  });

  it('waits for a verdict in flight when the customer hangs up, with the agent on the line', async () => {
    const { rig, customer, agent } = await paying();
    await rig.submit(customer);
    expect(customer.leg.hangUp()).toEqual({ 'X-Pay-Session': rig.id });
    await settle();
    expect(agent.leg.byes).toEqual([]);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await settle();
    expect(agent.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', callerPresent: false, media: expect.anything() });
  });

  it('goes on without the agent, then leads the customer to the queue with the result', async () => {
    const { rig, customer, agent } = await entering();
    agent.leg.hangUp();
    await settle();
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY' });
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(customer.leg.refers).toMatchObject([
      { target: 'sip:queue@pbx', targetHeaders: { 'X-Pay-Result': 'APPROVED' } },
    ]);
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', agentLost: true });
  });

  it('brings the customer back to an agent who has come again, or to another', async () => {
    const { rig, customer, agent } = await entering();
    agent.leg.hangUp();
    await settle();
    const other = await rig.join('agent');
    expect(rig.hears(other, customer)).toBe('clamped');
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.hears(other, customer)).toBe('open');
    expect([...customer.leg.refers, ...customer.leg.byes, ...other.leg.byes]).toEqual([]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', agentLost: false });
  });

  it('ends without the agent where that is configured', async () => {
    const agentPolicy = { onLost: 'abort', clamp: 'comfort_noise', parked: 'hold' } as const;
    const policy = policyOf({ amount: { currency: 'USD' }, agent: agentPolicy });
    const { rig, customer, agent } = await entering({}, { policy });
    agent.leg.hangUp();
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_LOST' });
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx' }]);
  });

  it('ends once when both hang up at once', async () => {
    const { rig, customer, agent } = await entering();
    customer.leg.hangUp();
    agent.leg.hangUp();
    await settle();
    expect(rig.counted.filter((each) => each.startsWith('ended'))).toHaveLength(1);
    expect(rig.counted.filter((each) => each === 'call over')).toHaveLength(2);
    expect(rig.desk.callCount).toBe(0);
  });

  it('tells the queue of a customer whose agent leaves before the payment', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    agent.leg.hangUp();
    await settle();
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx' }]);
    expect(rig.record).toBeUndefined();
  });

  it('loses the network of one leg: the agent is missed, the customer ends it', async () => {
    const one = await entering();
    one.agent.media.end('timeout');
    await settle();
    expect(one.agent.leg.byes).toHaveLength(1);
    expect(one.rig.view).toMatchObject({ stage: 'PAN_ENTRY', parties: [{ role: 'customer' }] });
    const other = await entering();
    other.customer.media.end('timeout');
    await settle();
    expect(other.rig.record).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
    expect(other.agent.leg.byes).toHaveLength(1);
  });

  it('holds: the questions wait and are asked again', async () => {
    const { rig, customer } = await entering();
    const held =
      'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=sendonly\r\n';
    await customer.leg.offer(held);
    await rig.clock.advance(30_000);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: null });
    await customer.leg.offer(held.replace('sendonly', 'sendrecv'));
    await rig.clock.advance(600);
    await rig.key(customer, '42');
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 2 });
  });

  it('ends a call that a stopping server abandons', async () => {
    const { rig, customer, agent } = await entering();
    const drained = rig.desk.drain();
    rig.desk.abandon();
    await drained;
    expect([customer.leg.byes.length, agent.leg.byes.length]).toEqual([1, 1]);
    expect(rig.record).toMatchObject({ result: 'SYSTEM_ERROR' });
  });
});

describe('a secure transfer', () => {
  it('parks the agent, who hears a tone and nothing of the customer, and brings them together at the end', async () => {
    const rig = new RoomRig({ topology: 'secure_transfer' });
    const { customer, agent } = await rig.customerAndAgent();
    expect(rig.hears(agent, customer)).toBe('open');
    await rig.act('start');
    expect([rig.hears(agent, customer), rig.hears(customer, agent)]).toEqual(['none', 'none']);
    expect(rig.room.hearsPrompts(agent.media, customer.media).kind).toBe('none');
    expect(rig.view).toMatchObject({ agentHears: 'nothing' });
    await rig.clock.advance(6000);
    expect(agent.media.plays.length).toBeGreaterThan(0);
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect([rig.hears(agent, customer), rig.hears(customer, agent)]).toEqual(['open', 'open']);
    const plays = agent.media.plays.length;
    await rig.clock.advance(20_000);
    expect(agent.media.plays).toHaveLength(plays);
    expect(rig.record).toMatchObject({ result: 'APPROVED', topology: 'secure_transfer' });
  });

  it('tells the parked agent how far it is, where that is configured', async () => {
    const agentPolicy = { onLost: 'continue', clamp: 'comfort_noise', parked: 'status' } as const;
    const policy = policyOf({ amount: { currency: 'USD' }, agent: agentPolicy });
    const { rig, customer } = await entering({ topology: 'secure_transfer' }, { policy });
    expect(rig.prompts.promptIds).toContain('parked.hold');
    await rig.clock.advance(14_000);
    expect(rig.prompts.promptIds).toContain('parked.card');
    await rig.submit(customer);
    await rig.clock.advance(20_000);
    expect(rig.prompts.promptIds).toContain('parked.sent');
  });

  it.each([
    ['transferred', 1, 0],
    ['refused', 0, 1],
  ] as const)('leaves the two to the PBX where that is asked for: %s', async (outcome, byes, calls) => {
    const handOver = { ...kPassing.handOver, join: 'refer' } as const;
    const { rig, customer, agent } = await paying({ topology: 'secure_transfer' }, { handOver });
    customer.leg.referOutcome = outcome;
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    const { name, remoteTarget } = agent.leg;
    expect(customer.leg.refers).toMatchObject([
      { target: remoteTarget, replacing: name, headers: { 'X-Pay-Result': 'APPROVED' } },
    ]);
    expect([customer.leg.byes.length, agent.leg.byes.length, rig.desk.callCount]).toEqual([
      byes,
      byes,
      calls,
    ]);
  });

  it('is over early by cancel, and not by resume', async () => {
    const { rig, customer, agent } = await entering({ topology: 'secure_transfer' });
    expect(await rig.act('resume')).toMatchObject({ kind: 'conflict', reason: /cancel/ });
    expect(await rig.act('cancel')).toEqual(kDone);
    await rig.clock.advance(30_000);
    expect(rig.prompts.promptIds).toContain('fail.return');
    expect(rig.hears(agent, customer)).toBe('open');
  });

  it('gives the caller to the queue when the parked agent has gone', async () => {
    const { rig, customer, agent } = await entering({ topology: 'secure_transfer' });
    agent.leg.hangUp();
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx' }]);
  });
});

describe('a secure transfer whose agent is not wanted back', () => {
  it('gives a customer who has paid to the application, and the agent the result', async () => {
    const policy = policyOf({ amount: { currency: 'USD' }, agent: { onPaid: 'sip:survey@pbx' } });
    const { rig, customer, agent } = await entering({ topology: 'secure_transfer' }, { policy });
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(agent.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED', 'X-Pay-Session': rig.id }]);
    expect(customer.leg.refers).toMatchObject([
      { target: 'sip:survey@pbx', targetHeaders: { 'X-Pay-Result': 'APPROVED' } },
    ]);
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.desk.callCount).toBe(0);
  });

  it('says goodbye to both where the call ends with the payment', async () => {
    const policy = policyOf({ amount: { currency: 'USD' }, agent: { onPaid: 'hangup' } });
    const { rig, customer, agent } = await entering({ topology: 'secure_transfer' }, { policy });
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    for (const { leg } of [customer, agent]) expect(leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(customer.leg.refers).toEqual([]);
  });

  it('brings the two together all the same where nothing was paid', async () => {
    const policy = policyOf({ amount: { currency: 'USD' }, agent: { onPaid: 'hangup' } });
    const { rig, customer, agent } = await entering({ topology: 'secure_transfer' }, { policy });
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    expect(rig.hears(agent, customer)).toBe('open');
    expect([...customer.leg.byes, ...agent.leg.byes]).toEqual([]);
  });
});

describe('our leg in a conference of others', () => {
  it('reads back four digits, tells the record who clamps, and leaves with BYE', async () => {
    const rig = new RoomRig({ topology: 'guest' });
    const { leg, media, call } = await rig.join(undefined, { dialled: `pay-${rig.id}` });
    const guest = { leg, media, call };
    await rig.submit(guest);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ topology: 'guest', result: 'APPROVED' });
    expect(rig.prompts.promptIds).toContain('greet.conf');
    expect(leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(leg.refers).toEqual([]);
  });

  it('is what a call to pay is that says it comes from a conference', async () => {
    const rig = new RoomRig();
    const headers = { 'X-Pay-Call-Type': 'Conference', 'X-Pay-Customer-Id': 'C', 'X-Pay-Amount': '5.00' };
    await rig.join(undefined, { dialled: 'pay', headers: { ...headers, 'X-Pay-Identified': 'true' } });
    expect(rig.prompts.promptIds).toContain('greet.conf');
  });
});
