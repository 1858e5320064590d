import { describe, expect, it } from 'vitest';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { InlineRig, kPbx } from '../../support/inline-rig.ts';

const kHeld = kFakeSdp.replace('RTP/AVP 0 101\r\n', 'RTP/AVP 0 101\r\na=sendonly\r\n');
const kSendOnly = /a=sendonly/;
const kOut = {
  dialled: '1*',
  from: null,
  target: 'sip:{dialled}@pbx',
  through: 'pbx',
  customer: 'caller',
} as const;
const kIn = {
  dialled: '9*',
  from: null,
  target: 'sip:{dialled}@sbc',
  through: 'lab',
  customer: 'callee',
} as const;

const kMover = { ...kLabTrunk, mayTransfer: true };

describe('a transfer', () => {
  it('by REFER of the agent brings the customer to somebody else', async () => {
    const rig = new InlineRig();
    const { agent, agentMedia, customerMedia, customer } = await rig.connected();
    await agent.offer(kHeld);
    const told = agent.askFor('sip:2000@pbx', { targetHeaders: { Replaces: 'c;to-tag=a;from-tag=b' } });
    await settle();
    expect(told.accepted).toBe(true);
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:2000@pbx',
      trunk: 'pbx',
      headers: { Replaces: 'c;to-tag=a;from-tag=b' },
    });
    rig.signaling.last.ring();
    rig.signaling.last.answer();
    await settle();
    expect(told.reports).toEqual([180, 200]);
    const second = rig.media.sessions[2];
    if (!second) throw new Error('nobody came');
    expect(rig.hears(second, customerMedia)).toBe('open');
    expect(rig.room.members.has(agentMedia)).toBe(false);
    expect(customer.reoffers.at(-1)?.sdp).not.toMatch(kSendOnly); // the hold of who has gone
    agent.hangUp();
    await settle();
    expect(rig.desk.callCount).toBe(1);
    expect(customer.byes).toEqual([]);
    rig.signaling.last.leg.hangUp();
    await settle();
    expect(customer.byes).toHaveLength(1);
  });

  it('by REFER of the customer’s side brings the agent to somebody else', async () => {
    const rig = new InlineRig();
    const { customer, customerMedia, agentMedia, agent } = await rig.connected({ trunk: kMover });
    const told = customer.askFor('sip:home@sbc');
    await settle();
    expect(rig.signaling.last.call).toMatchObject({ target: 'sip:home@sbc', trunk: 'lab' });
    rig.signaling.last.answer();
    await settle();
    expect(told.reports).toEqual([200]);
    expect(rig.hears(agentMedia, rig.media.last)).toBe('open');
    expect(rig.room.members.has(customerMedia)).toBe(false);
    expect(agent.byes).toEqual([]);
  });

  it.each(['customer', 'agent'] as const)(
    'asked for by the %s before both are in is followed',
    async (who) => {
      const rig = new InlineRig();
      const call = await rig.call({ trunk: kMover });
      const leg = who === 'customer' ? call.leg : rig.signaling.last.leg;
      const told = leg.askFor('sip:2000@pbx');
      rig.signaling.last.answer();
      await settle();
      expect([told.accepted, told.rejections]).toEqual([true, []]);
      expect(rig.signaling.dialled).toHaveLength(2);
    },
  );

  it('says goodbye to a transferor that does not', async () => {
    const rig = new InlineRig();
    const { agent } = await rig.connected();
    agent.askFor('sip:2000@pbx');
    await settle();
    rig.signaling.last.answer();
    await settle();
    expect(agent.byes).toEqual([]);
    await rig.clock.advance(2_000);
    expect(agent.byes).toHaveLength(1);
  });

  it('that comes to nothing changes nothing', async () => {
    const rig = new InlineRig();
    const { agent, agentMedia, customerMedia } = await rig.connected();
    const told = agent.askFor('sip:2000@pbx');
    await settle();
    rig.signaling.last.refuse(486, 'Busy Here');
    await settle();
    expect(told.reports).toEqual([486]);
    expect(rig.hears(agentMedia, customerMedia)).toBe('open');
  });

  it.each([
    ['answered', 0],
    ['refused', 1],
  ] as const)('by REFER of an agent who hangs up at once goes on: %s', async (outcome, byes) => {
    const rig = new InlineRig();
    const { agent, customer, customerMedia } = await rig.connected();
    agent.askFor('sip:2000@pbx');
    await settle();
    agent.hangUp();
    await settle();
    expect([customer.byes.length, rig.signaling.last.cancelled]).toEqual([0, false]);
    if (outcome === 'answered') rig.signaling.last.answer();
    else rig.signaling.last.refuse(486, 'Busy Here');
    await settle();
    expect(customer.byes).toHaveLength(byes);
    if (byes === 0) expect(rig.hears(rig.media.last, customerMedia)).toBe('open');
  });

  it('is declined where the trunk may not', async () => {
    const rig = new InlineRig();
    const { customer } = await rig.connected(); // by trunk lab
    expect(customer.askFor('sip:2000@pbx').rejections).toEqual([603]);
    expect(rig.signaling.dialled).toHaveLength(1);
  });

  it('of a call that ends meanwhile is given up', async () => {
    const rig = new InlineRig();
    const { agent, customer } = await rig.connected();
    agent.askFor('sip:2000@pbx');
    await settle();
    customer.hangUp();
    await settle();
    expect(rig.signaling.last.cancelled).toBe(true);
    expect(rig.desk.callCount).toBe(0);
  });

  it('by INVITE with Replaces puts the new leg in the place of the old', async () => {
    const rig = new InlineRig();
    const { agent, customerMedia, customer } = await rig.connected();
    const call = await rig.call({
      callId: 'second',
      dialled: 'whatever',
      trunk: kPbx,
      replaces: { ...agent.name, earlyOnly: false },
    });
    expect(call.answers).toHaveLength(1);
    const second = rig.media.sessions[2];
    if (!second) throw new Error('nobody came');
    expect(rig.hears(second, customerMedia)).toBe('open');
    await rig.clock.advance(2_000);
    expect(agent.byes).toHaveLength(1);
    call.leg.hangUp();
    await settle();
    expect(customer.byes).toHaveLength(1);
  });

  /** The agent's PBX has a second call through us, to whom the customer is to talk. */
  async function consulting() {
    const rig = new InlineRig({ routes: [kOut, kIn] });
    const talk = await rig.connected();
    const consult = await rig.call({ callId: 'consult@fake', dialled: '9000', trunk: kPbx });
    rig.signaling.last.answer();
    await settle();
    const expert = { leg: rig.signaling.last.leg, media: rig.media.sessions[3] };
    return { rig, ...talk, consult, expert };
  }

  it('by REFER with Replaces between two calls through us joins them here', async () => {
    const { rig, agent, customer, customerMedia, consult, expert } = await consulting();
    const calls = rig.signaling.dialled.length;
    const replaces = { ...consult.leg.name, earlyOnly: false };
    const told = agent.askFor('sip:us@here', { replaces });
    await settle();
    expect(told.reports).toEqual([200]);
    expect(rig.signaling.dialled).toHaveLength(calls);
    if (!expert.media) throw new Error('nobody was consulted');
    expect([rig.hears(expert.media, customerMedia), rig.hears(customerMedia, expert.media)]).toEqual([
      'open',
      'open',
    ]);
    expect([consult.leg.byes.length, expert.leg.byes.length, customer.byes.length]).toEqual([1, 0, 0]);
    expect(rig.desk.callCount).toBe(1);
    await expert.leg.offer(kHeld); // as one of this call
    await settle();
    expect(customer.reoffers.at(-1)?.sdp).toMatch(kSendOnly);
    expert.leg.hangUp();
    await rig.clock.advance(2_000);
    expect([customer.byes.length, agent.byes.length, rig.desk.callCount]).toEqual([1, 1, 0]);
  });

  it('between two calls with media in different workers brings the other here by an offer of ours', async () => {
    const { rig, agent, customerMedia, consult, expert } = await consulting();
    rig.room.refusesNext = true;
    const told = agent.askFor('sip:us@here', { replaces: { ...consult.leg.name, earlyOnly: false } });
    await settle();
    expect(told.reports).toEqual([200]);
    expect([expert.leg.reoffers.length, expert.media?.closed]).toEqual([1, true]);
    expect(rig.hears(rig.media.last, customerMedia)).toBe('open');
  });

  it('between two calls of which one has ended meanwhile comes to nothing', async () => {
    const { rig, agent, consult, customer } = await consulting();
    const replaces = { ...consult.leg.name, earlyOnly: false };
    consult.leg.hangUp();
    await settle();
    const told = agent.askFor('sip:us@here', { replaces });
    await settle();
    expect([told.reports, told.rejections]).toEqual([[], [603]]);
    expect([customer.byes.length, rig.desk.callCount]).toEqual([0, 1]);
  });

  it('takes the call of a phone that rings, which rings no more', async () => {
    const rig = new InlineRig();
    const caller = await rig.call();
    const { last: ringing } = rig.signaling;
    ringing.ring();
    ringing.earlyNames = [ringing.leg.name];
    const pickUp = { callId: 'colleague', dialled: 'whatever', trunk: kPbx };
    const call = await rig.call({ ...pickUp, replaces: { ...ringing.leg.name, earlyOnly: true } });
    expect([call.answers.length, ringing.cancelled, caller.answers.length]).toEqual([1, true, 1]);
    const [customer, rang, colleague] = rig.media.sessions;
    if (!customer || !rang || !colleague) throw new Error('there is no media');
    expect([rig.hears(colleague, customer), rig.hears(customer, colleague)]).toEqual(['open', 'open']);
    expect(rang.closed).toBe(true);
    call.leg.hangUp();
    await settle();
    expect([caller.leg.byes.length, rig.desk.callCount]).toEqual([1, 0]);
  });
});
