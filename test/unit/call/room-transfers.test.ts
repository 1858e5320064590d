import { describe, expect, it } from 'vitest';
import { kApproved } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kFakeSdp, kLabTrunk } from '../../support/fake-signaling.ts';
import { entering, type RigLeg, RoomRig } from '../../support/room-rig.ts';

const kPbx = { ...kLabTrunk, mayTransfer: true };
const kAnna = 'sip:anna@pbx.example';

/** Customer and agent behind a PBX that may transfer, and a payment at the card number. */
async function payingBehindPbx(topology: 'conference' | 'secure_transfer' = 'conference') {
  const rig = new RoomRig({ topology });
  const customer = await rig.join('caller', { trunk: kPbx, callId: 'customer@pbx' });
  const agent = await rig.join('agent', { trunk: kPbx, callId: 'agent@pbx' });
  await rig.act('start');
  while (rig.view['stage'] !== 'PAN_ENTRY') await rig.clock.advance(100);
  return { rig, customer, agent };
}

function inPlaceOf({ leg }: RigLeg) {
  const replaces = { ...leg.name, earlyOnly: false };
  return { replaces, trunk: kPbx, dialled: 'whoever', callId: 'new@pbx' };
}

describe('an agent who asks for another by REFER', () => {
  it('is replaced when that one answers, who hears no key either', async () => {
    const { rig, customer, agent } = await payingBehindPbx();
    const told = agent.leg.askFor(kAnna, { targetHeaders: { Replaces: 'c;to-tag=1;from-tag=2' } });
    expect(told).toMatchObject({ accepted: true });
    await settle();
    expect(rig.signaling.last.call).toMatchObject({
      target: kAnna,
      headers: { Replaces: 'c;to-tag=1;from-tag=2' },
    });
    rig.signaling.last.ring();
    expect(rig.hears(agent, customer)).toBe('clamped');
    const anna = await rig.answer();
    expect(told.reports).toEqual([180, 200]);
    expect(rig.hears(anna, customer)).toBe('clamped');
    expect(agent.media.closed).toBe(true);
    await rig.clock.advance(2_000);
    expect(agent.leg.byes).toHaveLength(1);
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED', agentLost: false });
    expect(rig.hears(anna, customer)).toBe('open');
    anna.leg.hangUp();
    await settle();
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.desk.callCount).toBe(0);
  });

  it('stays when that one is not there', async () => {
    const { rig, customer, agent } = await payingBehindPbx();
    const told = agent.leg.askFor(kAnna);
    await settle();
    rig.signaling.last.refuse(486, 'Busy Here');
    await rig.clock.advance(3_000);
    expect(told.reports).toEqual([486]);
    expect(agent.leg.byes).toEqual([]);
    expect(rig.hears(agent, customer)).toBe('clamped');
  });

  it('is parked as the other is', async () => {
    const { rig, customer, agent } = await payingBehindPbx('secure_transfer');
    agent.leg.askFor(kAnna);
    await settle();
    const anna = await rig.answer();
    expect([rig.hears(anna, customer), rig.hears(customer, anna)]).toEqual(['none', 'none']);
    expect(anna.media.playing).toBe(true);
  });

  it('is refused where the trunk may not, and so is a monitor', async () => {
    const { agent } = await entering();
    expect(agent.leg.askFor(kAnna).rejections).toEqual([603]);
    const { rig } = await payingBehindPbx();
    const monitor = await rig.join('monitor', { trunk: kPbx });
    expect(monitor.leg.askFor(kAnna).rejections).toEqual([603]);
  });
});

describe('a customer', () => {
  it('is not sent away by REFER while a payment runs, and is replaced before it', async () => {
    const { customer } = await payingBehindPbx();
    expect(customer.leg.askFor('sip:home@sbc').rejections).toEqual([603]);

    const early = new RoomRig();
    const first = await early.join('caller', { trunk: kPbx, callId: 'first@pbx' });
    const agent = await early.join('agent', { trunk: kPbx, callId: 'agent@pbx' });
    const second = await early.join(undefined, inPlaceOf(first));
    expect(second.call.answers).toHaveLength(1);
    expect(early.hears(agent, second)).toBe('open');
    expect(first.media.closed).toBe(true);
    expect(early.view['parties']).toEqual([{ role: 'agent' }, { role: 'customer' }]);
    expect([...agent.leg.byes, ...second.leg.byes]).toEqual([]);
  });
});

describe('an INVITE with Replaces', () => {
  it('takes a customer’s place in the middle of a payment: nothing of the card goes over', async () => {
    const { rig, customer, agent } = await payingBehindPbx();
    for (const keys of ['4242424242424242#', '1230']) {
      await rig.listen(customer);
      await rig.key(customer, keys);
    }
    expect(rig.view['stage']).toBe('CVV_ENTRY');
    const other = await rig.join(undefined, inPlaceOf(customer));
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
    expect(rig.hears(agent, other)).toBe('clamped');
    await rig.submit(other);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED', callerPresent: true });
    expect(rig.hears(agent, other)).toBe('open');
  });

  it("takes an agent's place, without a role and in the middle of a payment", async () => {
    const { rig, customer, agent } = await payingBehindPbx();
    const other = await rig.join(undefined, inPlaceOf(agent));
    expect(rig.view['parties']).toEqual([{ role: 'customer' }, { role: 'agent' }]);
    expect(rig.hears(other, customer)).toBe('clamped');
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY' });
    agent.leg.hangUp(); // as it does when it is replaced
    await rig.clock.advance(3_000);
    expect(rig.record).toMatchObject({ agentLost: false, result: null });
  });

  it('is refused for a dialog of nobody, one that is answered where only early ones are meant, and strangers', async () => {
    const { rig, agent } = await payingBehindPbx();
    const nobody = { callId: 'x', localTag: 'y', remoteTag: 'z', earlyOnly: false };
    const status = async (more: Parameters<RoomRig['join']>[1]) =>
      (await rig.join(undefined, more)).call.rejections[0]?.status;
    expect(await status({ replaces: nobody })).toBe(481);
    const inPlace = inPlaceOf(agent);
    expect(await status({ ...inPlace, replaces: { ...inPlace.replaces, earlyOnly: true } })).toBe(486);
    expect(await status({ ...inPlace, trunk: { ...kLabTrunk, name: 'other' } })).toBe(403);
    expect(await status({ ...inPlace, offer: kFakeSdp.replace('RTP/AVP 0', 'RTP/AVP 96') })).toBe(488);
    expect(rig.view['parties']).toEqual([{ role: 'customer' }, { role: 'agent' }]);
  });
});
