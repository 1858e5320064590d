import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import { kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { entering, InlineRig } from '../../support/inline-rig.ts';

const kDone = { kind: 'done' };
const kStar = 10;
const kHeld = kFakeSdp.replace('RTP/AVP 0 101\r\n', 'RTP/AVP 0 101\r\na=sendonly\r\n');
const kSendOnly = /a=sendonly/;

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

  it('that is cancelled while the customer keys passes on no key before the customer has stopped', async () => {
    const rig = new InlineRig();
    const { customer, agent, customerMedia, agentMedia } = await rig.connected();
    expect(await rig.act('start')).toEqual({ kind: 'done' });
    await rig.act('cancel');
    while (rig.view['state'] !== 'ended') await rig.clock.advance(100);
    customer.key({ key: 5, carrier: 'info', onsetMs: 0 });
    await rig.clock.advance(4_500);
    customerMedia.press(6, 'event');
    await rig.clock.advance(4_500);
    expect(rig.room.hears(agentMedia, customerMedia).kind).toBe('clamped');
    await rig.clock.advance(500);
    expect(rig.room.hears(agentMedia, customerMedia).kind).toBe('open');
    expect([agent.keysSent, agentMedia.keysSent]).toEqual([[], []]);
    customer.key({ key: 5, carrier: 'info', onsetMs: 0 });
    expect(agent.keysSent).toEqual([5]);
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

  it('hides them by itself where they may be tones: no telephone-events, or a tone heard before', async () => {
    const rig = new InlineRig({ hideFeatureCode: 'auto' });
    await rig.call();
    rig.signaling.last.answer(kFakeSdp.replace(' 101', '').replace(/a=rtpmap.*\r\n/, ''));
    await settle();
    const [customer, withoutEvents] = rig.media.sessions;
    if (!customer || !withoutEvents) throw new Error('there is no media');
    expect(rig.hears(customer, withoutEvents)).toBe('clamped');

    const usual = new InlineRig({ hideFeatureCode: 'auto' });
    const { customerMedia, agentMedia } = await usual.connected();
    agentMedia.press(5, 'event');
    await settle();
    expect(usual.hears(customerMedia, agentMedia)).toBe('open');
    agentMedia.press(5, 'tone');
    await usual.clock.advance(60_000);
    expect(usual.hears(customerMedia, agentMedia)).toBe('clamped');
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

  it('where the agent is to hear nothing parks the agent, with a tone, until it has ended', async () => {
    const { rig, customerMedia, agentMedia } = await entering({ agentHears: 'nothing' });
    expect(rig.view).toMatchObject({ topology: 'secure_transfer', state: 'paying' });
    expect(rig.hears(agentMedia, customerMedia)).toBe('none');
    expect(agentMedia.plays.length).toBeGreaterThan(0);
    expect(await rig.act('cancel')).toEqual({ kind: 'done' });
    await rig.clock.advance(30_000);
    expect([rig.hears(agentMedia, customerMedia), rig.hears(customerMedia, agentMedia)]).toEqual([
      'open',
      'open',
    ]);
    expect(agentMedia.playing).toBe(false);
    expect(rig.record).toMatchObject({ result: 'AGENT_CANCELLED', topology: 'secure_transfer' });
  });

  it('goes over to who takes the customer’s place, who keys the card anew', async () => {
    const { rig, customer, agentMedia, customerMedia } = await entering();
    await rig.key(customerMedia, '4242424242424242#');
    const replaces = { ...customer.name, earlyOnly: false };
    const call = await rig.call({ callId: 'next@fake', dialled: 'whatever', replaces });
    const next = rig.media.last;
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
    expect(rig.hears(agentMedia, next)).toBe('clamped');
    await rig.submit(next);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED' });
    expect([call.leg.byes, rig.hears(agentMedia, next)]).toEqual([[], 'open']);
  });

  it.each(['bridge', 'refer'] as const)(
    'waits for the identification of the customer, by %s, apart from the agent',
    async (method) => {
      const idv = { required: true, target: 'sip:idv@apps', method };
      const policy = policyOf({ amount: { currency: 'USD' }, idv });
      const rig = new InlineRig({}, { policy });
      const talk = await rig.connected({ headers: { 'X-Pay-Identified': 'unknown' } });
      const { customer, customerMedia, agentMedia, agent } = talk;
      await rig.act('start');
      const stage = (): unknown => rig.view['stage'];
      while (stage() !== 'IDV_HANDOFF') await rig.clock.advance(100);
      await settle();
      expect(rig.room.members.has(customerMedia)).toBe(false);
      expect([agentMedia.plays.length > 0, agent.byes]).toEqual([true, []]);
      if (method === 'bridge') {
        rig.signaling.last.answer();
        await settle();
        rig.signaling.last.leg.hangUp({ 'X-Pay-Identified': 'true' });
      } else {
        expect(customer.refers).toMatchObject([{ target: 'sip:idv@apps' }]);
        expect(customer.byes).toHaveLength(1);
        await rig.call({
          callId: 'back@fake',
          dialled: `pay-${rig.id}`,
          headers: { 'X-Pay-Identified': 'true' },
        });
      }
      await settle();
      const back = method === 'bridge' ? customerMedia : rig.media.last;
      while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
      expect([rig.hears(agentMedia, back), agentMedia.playing]).toEqual(['clamped', false]);
      expect(rig.desk.callCount).toBe(1);
    },
  );
});
