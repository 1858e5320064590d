import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { money } from '../../../src/money/money.ts';
import { kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { InlineRig } from '../../support/inline-rig.ts';

const kDone = { kind: 'done' };
const kStar = 10;
const kHeld = kFakeSdp.replace('RTP/AVP 0 101\r\n', 'RTP/AVP 0 101\r\na=sendonly\r\n');
const kSendOnly = /a=sendonly/;

/** Talking, with a payment that has come to the card number. */
async function entering(...options: ConstructorParameters<typeof InlineRig>) {
  const rig = new InlineRig(...options);
  const talk = await rig.connected();
  expect(await rig.act('start')).toEqual(kDone);
  while (rig.view['stage'] !== 'PAN_ENTRY') await rig.clock.advance(100);
  return { rig, ...talk };
}

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

  it('finds no call to replace, or one that is no longer early', async () => {
    const rig = new InlineRig();
    const { agent } = await rig.connected();
    const stranger = { callId: 'x', localTag: 'y', remoteTag: 'z', earlyOnly: false };
    expect((await rig.call({ replaces: stranger })).rejections).toMatchObject([{ status: 481 }]);
    const late = { ...agent.name, earlyOnly: true };
    expect((await rig.call({ replaces: late })).rejections).toMatchObject([{ status: 486 }]);
  });
});

describe('a payment', () => {
  it('keeps the keys from the agent, and the agent’s from the customer, until the card is wiped', async () => {
    const { rig, customerMedia, agentMedia } = await entering();
    expect(rig.hears(agentMedia, customerMedia)).toBe('clamped');
    expect(rig.hears(customerMedia, agentMedia)).toBe('clamped');
    await rig.submit(customerMedia);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.hears(agentMedia, customerMedia)).toBe('open');
    expect(rig.record).toMatchObject({ result: 'APPROVED', topology: 'inline', last4: '4242', trunk: 'lab' });
    expect(rig.desk.callCount).toBe(1); // they go on talking
  });

  it('prepared to begin when both are there does so', async () => {
    const rig = new InlineRig();
    const prepared = rig.desk.prepare({
      topology: 'inline',
      customerId: 'C-9',
      merchantId: null,
      reference: null,
      amount: money(900, 'USD'),
      identified: 'true',
      start: 'joined',
    });
    await rig.connected({ headers: { 'X-Pay-Session': prepared?.id ?? '' } });
    expect(rig.id).toBe(prepared?.id);
    expect(rig.view).toMatchObject({ state: 'paying' });
    expect(rig.record).toMatchObject({ customerId: 'C-9', amountRequested: 900 });
  });

  it('begins and is cancelled by the feature code, which the customer does not hear', async () => {
    const rig = new InlineRig();
    const { customerMedia, agentMedia } = await rig.connected();
    agentMedia.press(kStar);
    await settle();
    expect(rig.hears(customerMedia, agentMedia)).toBe('clamped');
    expect(rig.hears(agentMedia, customerMedia)).toBe('open');
    await rig.key(agentMedia, '729#');
    expect(rig.view).toMatchObject({ state: 'paying' });
    await rig.key(agentMedia, '*729#');
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_CANCELLED' });
    expect(rig.hears(customerMedia, agentMedia)).toBe('open');
    expect(customerMedia.keysSent).toEqual([]);
    expect(rig.desk.callCount).toBe(1);
  });

  it('hides the agent’s keys no longer than a code takes', async () => {
    const rig = new InlineRig();
    const { customerMedia, agentMedia } = await rig.connected();
    await rig.key(agentMedia, '*');
    await rig.clock.advance(3_000);
    expect(rig.hears(customerMedia, agentMedia)).toBe('open');
    expect(rig.view).toMatchObject({ state: 'prepared' });
  });

  it('always hides them where that is asked for', async () => {
    const rig = new InlineRig({ hideFeatureCode: 'always' });
    const { customerMedia, agentMedia } = await rig.connected();
    expect(rig.hears(customerMedia, agentMedia)).toBe('clamped');
    expect(rig.hears(agentMedia, customerMedia)).toBe('open');
  });

  it('takes the code from SIP INFO too, and passes none of it on', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected();
    for (const key of [kStar, 7, 2, 9, 11] as const) {
      agent.key({ key, carrier: 'info', onsetMs: rig.clock.now() });
      await rig.clock.advance(300);
    }
    expect(rig.view).toMatchObject({ state: 'paying' });
    expect(customer.keysSent).toEqual([]);
  });

  it('begins by X-Pay-Action in a re-INVITE of the agent’s side, with its call data', async () => {
    const rig = new InlineRig();
    const { agent, customer } = await rig.connected({ headers: { 'X-Pay-Amount': '1.00' } });
    await customer.offer(kFakeSdp, { 'X-Pay-Action': 'start' });
    await settle();
    expect(rig.view).toMatchObject({ state: 'prepared' }); // the customer's side may not
    await agent.offer(kFakeSdp, { 'X-Pay-Action': 'start', 'X-Pay-Amount': '7.50' });
    await settle();
    expect(rig.record).toMatchObject({ amountRequested: 750, customerId: 'C-1' });
    await agent.offer(kFakeSdp, { 'X-Pay-Action': 'cancel' });
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_CANCELLED' });
  });

  it('takes keys from the customer alone, and passes none on', async () => {
    const { rig, customer, agent, agentMedia, customerMedia } = await entering();
    await rig.key(agentMedia, '4242');
    expect(rig.view['digitCount']).toBe(0);
    agent.key({ key: 4, carrier: 'info', onsetMs: rig.clock.now() });
    customer.key({ key: 4, carrier: 'info', onsetMs: rig.clock.now() });
    await settle();
    expect(rig.view['digitCount']).toBe(1);
    expect(customerMedia.covered).not.toEqual([]); // whoever hears the tone of that key does not
    expect(agent.keysSent).toEqual([]);
    expect(customer.keysSent).toEqual([]);
    customerMedia.press(4, 'event');
    expect(agentMedia.keysSent).toEqual([]);
    expect(customerMedia.keysSent).toEqual([]);
  });

  it('is not begun twice, nor without the customer', async () => {
    const { rig } = await entering();
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict' });
  });

  it('can be followed by another', async () => {
    const { rig } = await entering();
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_CANCELLED' });
    expect(await rig.act('start')).toEqual(kDone);
    expect(rig.view).toMatchObject({ state: 'paying' });
    expect(rig.store.find(rig.id)).toMatchObject({ result: 'AGENT_CANCELLED' }); // the first keeps its row
  });

  it('goes on without an agent who hangs up, then brings the customer to the queue', async () => {
    const { rig, agent, customer, customerMedia } = await entering();
    agent.hangUp();
    await settle();
    expect(customer.byes).toEqual([]);
    await rig.submit(customerMedia);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:queue@pbx',
      headers: { 'X-Pay-Result': 'APPROVED' },
    });
    rig.signaling.last.answer();
    await settle();
    expect(rig.hears(customerMedia, rig.media.last)).toBe('open');
    expect(rig.desk.callCount).toBe(1);
  });

  it('ends when the customer hangs up, and the agent is told so', async () => {
    const { rig, agent, customer } = await entering();
    expect(customer.hangUp()).toMatchObject({ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' });
    await settle();
    expect(agent.byes[0]).toMatchObject({ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' });
    await settle();
    expect(rig.record).toMatchObject({ result: 'HANGUP_BEFORE_AUTH', callerPresent: false });
    expect(rig.desk.callCount).toBe(0);
  });

  it('with the gateway outlasts both who hang up', async () => {
    const { rig, agent, customer, customerMedia } = await entering();
    await rig.submit(customerMedia);
    customer.hangUp();
    agent.hangUp();
    await settle();
    expect(rig.desk.callCount).toBe(1);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED', callerPresent: false });
    expect(rig.desk.callCount).toBe(0);
  });

  it('follows the customer to another agent, who hears no key either', async () => {
    const { rig, agent, customerMedia } = await entering();
    agent.askFor('sip:2000@pbx');
    await settle();
    rig.signaling.last.answer();
    await settle();
    const second = rig.media.sessions[2];
    if (!second) throw new Error('nobody came');
    expect(rig.hears(second, customerMedia)).toBe('clamped');
    expect(rig.view).toMatchObject({ state: 'paying' });
    agent.hangUp();
    await settle();
    expect(rig.view).toMatchObject({ state: 'paying' });
  });

  it('waits while the customer holds, and leaves a hold of the agent’s until it has ended', async () => {
    const { rig, agent, customer } = await entering();
    await agent.offer(kHeld);
    await settle();
    expect(customer.reoffers).toEqual([]); // the customer hears the questions
    await customer.offer(kHeld);
    await settle();
    expect(agent.reoffers).toEqual([]);
    await customer.offer(kFakeSdp);
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    expect(customer.reoffers).toHaveLength(1);
    expect(customer.reoffers[0]?.sdp).toMatch(kSendOnly);
  });

  it('tells the agent’s PBX by re-INVITE where that is asked for', async () => {
    const { rig, agent } = await entering({ tellResult: 'reinvite' });
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    expect(agent.reoffers).toMatchObject([{ headers: { 'X-Pay-Result': 'AGENT_CANCELLED' } }]);
  });

  it('after too many declines connects the customer to where that leads', async () => {
    const policy = policyOf({
      amount: { currency: 'USD' },
      declines: { max: 1, onReached: { result: 'TOO_MANY', route: 'sip:supervisor@pbx' } },
    });
    const { rig, agent, customerMedia } = await entering({}, { policy });
    await rig.submit(customerMedia);
    rig.payments.submissions.at(-1)?.answer(kDeclined);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'TOO_MANY' });
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:supervisor@pbx',
      headers: { 'X-Pay-Result': 'TOO_MANY' },
    });
    rig.signaling.last.answer();
    await settle();
    await rig.clock.advance(2_000);
    expect(agent.byes).toHaveLength(1);
  });

  it('refuses a REFER of the customer’s side', async () => {
    const both = { ...kLabTrunk, mayTransfer: true };
    const rig = new InlineRig();
    const { customer } = await rig.connected({ trunk: both });
    await rig.act('start');
    expect(customer.askFor('sip:3000@carrier').rejections).toEqual([603]);
  });
});
