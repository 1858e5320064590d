import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { InlineRig, kPbx } from '../../support/inline-rig.ts';

const _kDone = { kind: 'done' };
const _kStar = 10;
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

describe('setting up', () => {
  it('calls where the route leads, with the headers of the list and no others', async () => {
    const rig = new InlineRig();
    const headers = { 'X-Customer': '7', 'X-Secret': 's', 'Max-Forwards': '12', 'User-to-User': '00' };
    await rig.call({ headers });
    const { call } = rig.signaling.last;
    expect(call).toMatchObject({ target: 'sip:1000@pbx', from: '+15550100', trunk: 'pbx' });
    expect(call.headers).toEqual({
      'X-Customer': '7',
      'User-to-User': '00',
      'Max-Forwards': '11',
      'X-Pay-Session': rig.id,
    });
  });

  it('offers what the caller speaks first, and answers with what was answered', async () => {
    const rig = new InlineRig();
    const offer = kFakeSdp.replace('RTP/AVP 0 101', 'RTP/AVP 8 0 101');
    const call = await rig.call({ offer });
    expect(rig.signaling.last.call.offer).toMatch(/RTP\/AVP 8 0/);
    rig.signaling.last.answer(kFakeSdp); // PCMU
    await settle();
    expect(call.answers[0]).toMatch(/RTP\/AVP 0 101/);
    expect(rig.media.sessions.map(({ remotes }) => remotes.at(-1)?.codec)).toEqual(['PCMU', 'PCMU']);
  });

  it('passes ringing on, and early media with a description of ours', async () => {
    const rig = new InlineRig();
    const call = await rig.call();
    rig.signaling.last.ring(180);
    rig.signaling.last.ring(183, kFakeSdp);
    await settle();
    expect(call.progresses.map(({ status, sdp }) => [status, sdp !== null])).toEqual([
      [180, false],
      [183, true],
    ]);
    const [caller, far] = rig.media.sessions;
    if (!caller || !far) throw new Error('there is no media');
    expect(rig.hears(caller, far)).toBe('open');
    expect(call.answers).toEqual([]);
  });

  it('lets the two hear each other when it is answered', async () => {
    const rig = new InlineRig();
    const { call, customerMedia, agentMedia } = await rig.connected();
    expect(call.answers).toHaveLength(1);
    expect(rig.hears(agentMedia, customerMedia)).toBe('open');
    expect(rig.hears(customerMedia, agentMedia)).toBe('open');
    expect(rig.view).toMatchObject({ topology: 'inline', state: 'prepared' });
    expect(rig.record).toBeUndefined(); // nobody pays
  });

  it.each([
    [486, 'Busy Here'],
    [408, 'Request Timeout'],
    [603, 'Decline'],
  ])('refuses with what it was refused with: %i', async (status, reason) => {
    const rig = new InlineRig();
    const call = await rig.call();
    rig.signaling.last.refuse(status, reason);
    await settle();
    expect(call.rejections).toMatchObject([{ status, reason }]);
    expect(rig.media.sessions.every(({ closed }) => closed)).toBe(true);
    expect(rig.desk.callCount).toBe(0);
  });

  it('cancels the call to the agent when the caller gives up', async () => {
    const rig = new InlineRig();
    const call = await rig.call();
    call.cancel();
    await settle();
    expect(rig.signaling.last.cancelled).toBe(true);
    expect(rig.desk.callCount).toBe(0);
    expect(rig.media.sessions.every(({ closed }) => closed)).toBe(true);
  });

  it('takes an offer in the ACK of a call that brought none', async () => {
    const rig = new InlineRig();
    const call = await rig.call({ offer: null });
    rig.signaling.last.answer();
    await settle();
    call.leg.answer(kFakeSdp);
    await settle();
    const [caller, far] = rig.media.sessions;
    if (!caller || !far) throw new Error('there is no media');
    expect(rig.hears(caller, far)).toBe('open');
  });

  it('lets no call go round for ever', async () => {
    const rig = new InlineRig();
    const call = await rig.call({ headers: { 'Max-Forwards': '1' } });
    expect(call.rejections).toMatchObject([{ status: 483 }]);
    expect(rig.signaling.dialled).toEqual([]);
  });

  it('answers 404 to what no route fits, and 503 without media', async () => {
    const rig = new InlineRig();
    expect((await rig.call({ dialled: '2000' })).rejections).toMatchObject([{ status: 404 }]);
    expect((await rig.call({ trunk: { ...kLabTrunk, name: 'other' } })).rejections).toMatchObject([
      { status: 404 },
    ]);
    rig.media.refuseWith = new AppError('MEDIA_NO_PORT', 'full');
    expect((await rig.call()).rejections).toMatchObject([{ status: 503 }]);
  });
});

describe('while they talk', () => {
  it.each(['customer', 'agent'] as const)('a hang-up of the %s ends both, with its headers', async (who) => {
    const rig = new InlineRig();
    const talk = await rig.connected();
    const [gone, left] = who === 'customer' ? [talk.customer, talk.agent] : [talk.agent, talk.customer];
    gone.hangUp({ 'X-Customer': '7', 'X-Secret': 's' });
    await settle();
    expect(left.byes).toEqual([{ 'X-Customer': '7', 'X-Pay-Session': rig.id }]);
    expect(rig.media.sessions.every(({ closed }) => closed)).toBe(true);
    expect(rig.media.rooms.every(({ closed }) => closed)).toBe(true);
    expect(rig.desk.callCount).toBe(0);
    expect(rig.desk.view(rig.id)).toBeUndefined();
  });

  it('both hanging up at once end it once', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected();
    customer.hangUp();
    agent.hangUp();
    await settle();
    expect(rig.desk.callCount).toBe(0);
  });

  it('a hold of one is told the other, and taken back', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected();
    await agent.offer(kHeld);
    await settle();
    expect(customer.reoffers).toHaveLength(1);
    expect(customer.reoffers[0]?.sdp).toMatch(kSendOnly);
    await agent.offer(kFakeSdp);
    await settle();
    expect(customer.reoffers).toHaveLength(2);
    expect(customer.reoffers[1]?.sdp).not.toMatch(kSendOnly);
    expect(agent.reoffers).toEqual([]); // the answer to ours is no hold of the other's
  });

  it('tells the other of a caller who comes on hold, when it is answered', async () => {
    const rig = new InlineRig();
    const { call, agent } = await rig.connected({ offer: kHeld });
    await settle();
    expect(agent.reoffers.map(({ sdp }) => kSendOnly.test(sdp))).toEqual([true]);
    await call.leg.offer(kFakeSdp);
    await settle();
    expect(agent.reoffers.map(({ sdp }) => kSendOnly.test(sdp))).toEqual([true, false]);
  });

  it('passes on keys by SIP INFO, both ways', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected();
    customer.key({ key: 5, carrier: 'info', onsetMs: 0 });
    agent.key({ key: 7, carrier: 'info', onsetMs: 0 });
    expect(agent.keysSent).toEqual([5]);
    expect(customer.keysSent).toEqual([7]);
  });

  it('passes on telephone-events as such, and leaves tones to the voice', async () => {
    const rig = new InlineRig();
    const { customerMedia, agentMedia } = await rig.connected();
    customerMedia.press(5, 'event');
    customerMedia.press(6, 'tone');
    agentMedia.press(7, 'event');
    await settle();
    expect(agentMedia.keysSent).toEqual([5]);
    expect(customerMedia.keysSent).toEqual([7]);
  });

  it('a leg that loses its media ends the call', async () => {
    const rig = new InlineRig();
    const { customer, agent, agentMedia } = await rig.connected();
    agentMedia.end('timeout');
    await settle();
    expect(agent.byes[0]?.['Reason']).toMatch(/no media/);
    expect(customer.byes[0]?.['Reason']).toMatch(/no media/);
    expect(rig.desk.callCount).toBe(0);
  });

  it('ends what is up when the server stops', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected();
    rig.desk.abandon();
    await settle();
    expect(customer.byes).toHaveLength(1);
    expect(agent.byes).toHaveLength(1);
    expect(rig.desk.callCount).toBe(0);
  });
});

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
    const trunk = { ...kLabTrunk, mayTransfer: true };
    const { customer, customerMedia, agentMedia, agent } = await rig.connected({ trunk });
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
