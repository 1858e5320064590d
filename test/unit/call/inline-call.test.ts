import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { InlineRig } from '../../support/inline-rig.ts';

const kHeld = kFakeSdp.replace('RTP/AVP 0 101\r\n', 'RTP/AVP 0 101\r\na=sendonly\r\n');
const kSendOnly = /a=sendonly/;

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
