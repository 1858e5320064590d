import { describe, expect, it } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { Topology } from '../../../src/ports/payment-sessions.ts';
import type { ReferOutcome } from '../../../src/ports/signaling.ts';
import { kApproved, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import type { FakeMediaSession } from '../../support/fake-media.ts';
import { type FakeCall, type FakeLeg, kFakeSdp } from '../../support/fake-signaling.ts';
import { InlineRig } from '../../support/inline-rig.ts';

const kReserved = 'call-7@pbx;to-tag=agent;from-tag=pbx';
const kBack = { 'X-Pay-Return-Uri': `sip:agent@pbx?Replaces=${encodeURIComponent(kReserved)}` };

/** A caller alone with us, by a session that was prepared. */
class OneLegRig extends InlineRig {
  readonly #id: string;

  constructor(topology: Topology = 'ivr', settings: ConstructorParameters<typeof InlineRig>[1] = {}) {
    super({}, settings);
    const request = { customerId: 'C-1', merchantId: null, reference: null, amount: money(5025, 'USD') };
    this.#id = this.desk.prepare({ ...request, topology, identified: 'true', start: 'action' })?.id ?? '';
  }

  override get id(): string {
    return this.#id;
  }

  get stage(): unknown {
    return this.view['stage'];
  }

  /** A call that has come to the card number. */
  async entering(headers: Record<string, string> = {}): Promise<{ call: FakeCall; media: FakeMediaSession }> {
    const call = await this.call({ dialled: `pay-${this.id}`, headers });
    while (this.stage !== 'PAN_ENTRY') await this.clock.advance(100);
    return { call, media: this.media.last };
  }

  /** Somebody takes the place of a leg. */
  async replace(leg: FakeLeg): Promise<{ call: FakeCall; media: FakeMediaSession }> {
    const call = await this.call({ callId: 'next@fake', replaces: { ...leg.name, earlyOnly: false } });
    return { call, media: this.media.last };
  }
}

describe('an attended transfer to us', () => {
  it('goes on with who comes, asks again what was asked, and takes no more keys of who goes', async () => {
    const rig = new OneLegRig();
    const first = await rig.entering();
    await rig.key(first.media, '4242');
    const { call, media } = await rig.replace(first.call.leg);
    expect([call.answers.length, media.playing, first.media.playing]).toEqual([1, true, false]);
    await rig.key(first.media, '4242');
    await rig.submit(media);
    expect(first.call.leg.hangUp()).toEqual({});
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(call.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', last4: '4242', attempts: 1 });
    expect(rig.media.sessions.every(({ closed }) => closed)).toBe(true);
  });

  it('says goodbye to who was replaced and stays', async () => {
    const rig = new OneLegRig();
    const { call } = await rig.entering();
    await rig.replace(call.leg);
    expect(call.leg.byes).toEqual([]);
    await rig.clock.advance(2_000);
    expect(call.leg.byes).toHaveLength(1);
    expect(rig.desk.callCount).toBe(1);
  });

  it('while the gateway works has the verdict told to who comes', async () => {
    const rig = new OneLegRig();
    const { call, media } = await rig.entering();
    await rig.submit(media);
    const next = await rig.replace(call.leg);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(next.media.clips).not.toEqual([]);
    expect(next.call.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
  });

  it('can be followed by another', async () => {
    const rig = new OneLegRig();
    const first = await rig.entering();
    const second = await rig.replace(first.call.leg);
    const third = await rig.replace(second.call.leg);
    const gone = await rig.replace(first.call.leg);
    expect([third.call.answers.length, gone.call.rejections[0]?.status]).toEqual([1, 603]);
    third.call.leg.hangUp();
    await settle();
    expect(rig.record).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
  });

  it('of a caller who is being identified brings who comes to the application', async () => {
    const idv = { required: true, target: 'sip:idv@apps', timeoutMs: 60_000 };
    const rig = new InlineRig({}, { policy: policyOf({ amount: { currency: 'USD' }, idv }) });
    const call = await rig.call({ dialled: 'pay', headers: { 'X-Pay-Identified': 'unknown' } });
    while (rig.signaling.dialled.length === 0) await rig.clock.advance(100);
    rig.signaling.last.answer();
    await settle();
    const [before, app] = rig.media.sessions;
    await rig.call({ callId: 'next@fake', replaces: { ...call.leg.name, earlyOnly: false } });
    const next = rig.media.last;
    if (!before || !app) throw new Error('there is no media');
    expect([rig.hears(app, next), rig.hears(next, app)]).toEqual(['open', 'open']);
    expect(rig.room.members.has(before)).toBe(false);
    next.press(5, 'event');
    await settle();
    expect(app.keysSent).toEqual([5]);
  });
});

describe('a caller whom an agent hands over, and waits for', () => {
  async function approvedBack(referOutcomes: ReferOutcome[]) {
    const rig = new OneLegRig('secure_transfer');
    const { call, media } = await rig.entering(kBack);
    call.leg.referOutcomes.push(...referOutcomes);
    await rig.submit(media);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    return { rig, leg: call.leg };
  }

  it('goes back by REFER with Replaces to the leg of that agent, with the result', async () => {
    const { rig, leg } = await approvedBack(['transferred']);
    expect(leg.refers).toMatchObject([
      {
        target: 'sip:agent@pbx',
        headers: { 'X-Pay-Result': 'APPROVED' },
        targetHeaders: { Replaces: kReserved, 'X-Pay-Result': 'APPROVED' },
      },
    ]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', topology: 'secure_transfer' });
    expect(rig.desk.callCount).toBe(0);
  });

  it('goes to the queue with context when that agent has gone', async () => {
    const { leg } = await approvedBack(['failed', 'transferred']);
    const [, second] = leg.refers;
    expect(second).toMatchObject({ target: 'sip:queue@pbx', headers: { 'X-Pay-Result': 'APPROVED' } });
    expect(second?.targetHeaders).toMatchObject({ 'User-to-User': expect.stringMatching(/encoding=hex$/) });
    expect(second?.targetHeaders).not.toHaveProperty('Replaces');
  });

  it('is bridged there when the PBX refuses REFER, and to the queue when nobody is there', async () => {
    const { rig, leg } = await approvedBack(['refused']);
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:agent@pbx',
      headers: { Replaces: kReserved, Require: 'replaces', 'X-Pay-Result': 'APPROVED' },
    });
    rig.signaling.last.refuse(481, 'Call/Transaction Does Not Exist');
    await settle();
    expect(rig.signaling.last.call).toMatchObject({ target: 'sip:queue@pbx' });
    rig.signaling.last.answer();
    await settle();
    expect(leg.byes).toEqual([]);
  });

  it.each(['the API', 'the PBX'])('comes back early when %s cancels', async (who) => {
    const rig = new OneLegRig('secure_transfer');
    const { call } = await rig.entering(kBack);
    if (who === 'the API') expect(await rig.act('cancel')).toEqual({ kind: 'done' });
    else await call.leg.offer(kFakeSdp, { 'X-Pay-Action': 'cancel' });
    await rig.clock.advance(30_000);
    expect(call.leg.refers).toMatchObject([
      { target: 'sip:agent@pbx', headers: { 'X-Pay-Result': 'AGENT_CANCELLED' } },
    ]);
  });

  it('is known by the leg the call wants back, without a session of its own', async () => {
    const rig = new InlineRig();
    const call = await rig.call({ dialled: 'pay', headers: kBack });
    while (rig.media.last.plays.length < 2) await rig.clock.advance(100);
    call.leg.hangUp();
    await settle();
    expect(rig.store.find(call.leg.hangUp()['X-Pay-Session'] ?? '')?.topology).toBe('secure_transfer');
  });
});
