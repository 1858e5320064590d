import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kLabTrunk } from '../../support/fake-signaling.ts';
import { approved, entering, paying, RoomRig } from '../../support/room-rig.ts';

const kCard = '4242424242424242';
const kDone = { kind: 'done' };

describe('a room', () => {
  it('lets customer and agent talk before anybody pays', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    expect(rig.hears(agent, customer)).toBe('open');
    expect(rig.hears(customer, agent)).toBe('open');
    expect(rig.view).toMatchObject({ state: 'prepared', agentHears: 'everything' });
    expect(rig.record).toBeUndefined();
  });

  it('takes a leg without a role, or from a trunk that is not trusted, for the customer', async () => {
    for (const trunk of [kLabTrunk, { ...kLabTrunk, maySetAmounts: false }]) {
      const rig = new RoomRig();
      const role = trunk.maySetAmounts ? undefined : 'agent';
      await rig.join(role, { trunk });
      expect(rig.view['parties']).toEqual([{ role: 'customer' }]);
    }
  });

  it('takes the role from the request URI too, as a REFER leaves it there', async () => {
    const rig = new RoomRig();
    await rig.join(undefined, { requestUri: `sip:room-${rig.id}@host;role=agent` });
    await rig.join(undefined, { requestUri: `sip:room-${rig.id}@host?X-Pay-Role=monitor` });
    expect(rig.view['parties']).toEqual([{ role: 'agent' }, { role: 'monitor' }]);
  });

  it('refuses a second customer, an unknown role, and whoever knows no session', async () => {
    const rig = new RoomRig();
    await rig.join('caller');
    expect((await rig.join('caller')).call.rejections).toMatchObject([{ status: 486 }]);
    expect((await rig.join('wiretap')).call.rejections).toMatchObject([{ status: 400 }]);
    const stranger = await rig.join('agent', { dialled: 'room-not-a-session' });
    expect(stranger.call.rejections).toMatchObject([{ status: 404 }]);
    expect(rig.counted.filter((each) => each === 'call')).toHaveLength(4);
    expect(rig.counted.filter((each) => each === 'call over')).toHaveLength(3);
  });

  it('is full with eight legs', async () => {
    const rig = new RoomRig();
    for (let leg = 0; leg < 8; leg++) await rig.join('monitor');
    expect((await rig.join('monitor')).call.rejections).toMatchObject([{ status: 486 }]);
  });

  it('does not keep a leg the room cannot take', async () => {
    const rig = new RoomRig();
    await rig.join('caller');
    rig.room.join = async () => {
      throw new AppError('MEDIA_REFUSED', 'the room is full');
    };
    const agent = await rig.join('agent');
    expect(agent.leg.byes).toHaveLength(1);
    expect(agent.media.closed).toBe(true);
    expect(rig.view['parties']).toEqual([{ role: 'customer' }]);
  });

  it('is forgotten when nobody comes for an hour, or nobody comes back', async () => {
    const rig = new RoomRig();
    const agent = await rig.join('agent');
    agent.leg.hangUp();
    await rig.clock.advance(59 * 60_000);
    expect(rig.view).toMatchObject({ state: 'prepared' });
    await rig.clock.advance(2 * 60_000);
    expect(rig.desk.view(rig.id)).toBeUndefined();
    const unused = new RoomRig();
    expect(unused.view).toMatchObject({ state: 'prepared' });
    await unused.clock.advance(61 * 60_000);
    expect(unused.desk.view(unused.id)).toBeUndefined();
  });
});

describe('a payment in a conference', () => {
  it('is clamped before its first word and until it has ended', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    const monitor = await rig.join('monitor');
    let wasClamped: boolean | undefined;
    const play = customer.media.play.bind(customer.media);
    customer.media.play = (...args) => {
      wasClamped ??= [agent, monitor].every((each) => rig.hears(each, customer) === 'clamped');
      return play(...args);
    };
    await rig.act('start');
    await rig.submit(customer);
    expect(wasClamped).toBe(true);
    expect(rig.hears(agent, customer)).toBe('clamped');
    expect(rig.hears(customer, agent)).toBe('clamped');
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.view).toMatchObject({ state: 'ended', agentHears: 'everything' });
    expect(rig.hears(agent, customer)).toBe('open');
    expect(rig.hears(monitor, customer)).toBe('open');
    expect(customer.leg.byes).toEqual([]);
    expect(rig.record).toMatchObject({ result: 'APPROVED', topology: 'conference', announced: true });
  });

  it('is open to everybody at once behind it, or the first would hear the rest of the last key', async () => {
    const { rig, customer } = await entering();
    await rig.join('monitor');
    const asked: string[] = [];
    const answers = Promise.withResolvers<void>();
    rig.room.hear = async (_listener, speaker, { kind }) => {
      if (speaker !== customer.media) return;
      asked.push(kind);
      await answers.promise;
    };
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    expect(asked).toEqual(['open', 'open']);
    answers.resolve();
    await settle();
    expect(rig.view).toMatchObject({ state: 'ended' });
  });

  it('that is cancelled in the middle of a number lets nobody hear the rest of it, however long it is keyed', async () => {
    const { rig, customer, agent } = await entering();
    const end = () => rig.view['state'] === 'ended';
    await rig.key(customer, '4242');
    await rig.act('cancel');
    while (!end()) await rig.clock.advance(100);
    for (let key = 0; key < 5; key++) {
      await rig.clock.advance(4_500);
      expect(rig.hears(agent, customer)).toBe('clamped');
      expect(rig.hears(customer, agent)).toBe('open');
      expect(rig.view).toMatchObject({ agentHears: 'all but keys' });
      await rig.key(customer, '4');
    }
    await rig.clock.advance(5_000);
    expect(rig.hears(agent, customer)).toBe('open');
    expect(rig.view).toMatchObject({ agentHears: 'everything' });
  });

  it('is not begun when somebody could hear: the customer is told, and nothing is asked', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    rig.room.hear = async () => {
      throw new AppError('MEDIA_UNAVAILABLE', 'the worker is gone');
    };
    await rig.act('start');
    await rig.listen(customer);
    await rig.clock.advance(1000);
    expect(rig.record).toMatchObject({ result: 'SYSTEM_ERROR' });
    expect(rig.prompts.promptIds).toContain('sorry.system');
    expect(rig.prompts.promptIds).not.toContain('card.enter');
    expect(agent.leg.byes).toEqual([]);
  });

  it("ignores the agent's keys, by media and by INFO", async () => {
    const { rig, agent } = await entering();
    await rig.key(agent, kCard);
    agent.leg.key({ key: 4, carrier: 'info', onsetMs: rig.clock.now() });
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
  });

  it("counts the customer's keys and covers those that came by INFO", async () => {
    const { rig, customer } = await entering();
    await rig.key(customer, '4242');
    customer.leg.key({ key: 5, carrier: 'info', onsetMs: rig.clock.now() });
    await settle();
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', field: 'pan', digitCount: 5 });
    expect(customer.media.covered).toEqual([400]);
    const events = rig.view['events'] as { type: string; count?: number }[];
    expect(events.filter(({ type }) => type === 'digits').map(({ count }) => count)).toEqual([1, 2, 3, 4, 5]);
  });

  it('clamps whoever joins in the middle of it', async () => {
    const { rig, customer } = await entering();
    const coach = await rig.join('coach');
    expect(rig.hears(coach, customer)).toBe('clamped');
    coach.leg.hangUp();
    await settle();
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY' });
    expect(coach.media.closed).toBe(true);
  });

  it('is forced to four digits and no security code, whatever is configured', async () => {
    const policy = policyOf({
      amount: { currency: 'USD' },
      confirm: { policy: 'both', card: 'full', cvv: 'digits' },
    });
    const { rig, customer } = await entering({}, { policy });
    await rig.key(customer, `${kCard}#`);
    await rig.listen(customer);
    await rig.key(customer, '1');
    await rig.listen(customer);
    await rig.key(customer, '1230');
    await rig.listen(customer);
    await rig.key(customer, '1');
    await rig.listen(customer);
    await rig.key(customer, '123');
    await rig.listen(customer);
    const said = rig.prompts.said.map(({ say }) => say);
    expect(rig.view).toMatchObject({ stage: 'SUMMARY' });
    expect(said).toContain('lastFour');
    expect(said).not.toContain('cardNumber');
    expect(said).not.toContain('securityCode');
  });

  it('leaves the two talking when it was cancelled, when declines are used up, and when nobody is identified', async () => {
    const cancelled = await entering();
    expect(await cancelled.rig.act('cancel')).toEqual(kDone);
    await cancelled.rig.clock.advance(30_000);
    expect(cancelled.rig.record).toMatchObject({ result: 'AGENT_CANCELLED' });

    const policy = policyOf({ amount: { currency: 'USD' }, declines: { max: 1 } });
    const declined = await paying({}, { policy });
    await declined.rig.submit(declined.customer);
    declined.rig.payments.submissions.at(-1)?.answer(kDeclined);
    await declined.rig.clock.advance(60_000);
    expect(declined.rig.record).toMatchObject({ result: 'DECLINED_MAX' });

    const strict = policyOf({ amount: { currency: 'USD' }, idv: { required: true } });
    const stranger = await paying({ identified: 'unknown' }, { policy: strict });
    await stranger.rig.clock.advance(60_000);
    expect(stranger.rig.record).toMatchObject({ result: 'IDV_UNAVAILABLE' });

    for (const { rig, customer, agent } of [cancelled, declined, stranger]) {
      expect(rig.prompts.promptIds).toContain('fail.leave');
      expect(rig.hears(agent, customer)).toBe('open');
      expect([...customer.leg.byes, ...agent.leg.byes, ...customer.leg.refers]).toEqual([]);
    }
  });

  it('says goodbye to each with the result when the other hangs up afterwards', async () => {
    const one = await approved();
    expect(one.agent.leg.hangUp()).toMatchObject({ 'X-Pay-Result': 'APPROVED' });
    await settle();
    expect(one.customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    const other = await approved();
    expect(other.customer.leg.hangUp()).toMatchObject({ 'X-Pay-Result': 'APPROVED' });
    await settle();
    expect(other.agent.leg.byes).toMatchObject([
      { 'X-Pay-Result': 'APPROVED', 'X-Pay-Session': other.rig.id },
    ]);
    expect(other.rig.desk.view(other.rig.id)).toBeUndefined();
    expect(other.rig.record?.media).not.toBeNull();
  });
});

describe('a customer who is not identified', () => {
  const policy = policyOf({
    amount: { currency: 'USD' },
    idv: { required: true, target: 'sip:idv@pbx.example' },
  });

  async function identifying() {
    const all = await paying({ identified: 'unknown' }, { policy });
    await all.rig.clock.advance(10_000);
    expect(all.rig.view).toMatchObject({ stage: 'IDV_HANDOFF' });
    expect(all.rig.signaling.last.call).toMatchObject({
      target: 'sip:idv@pbx.example',
      headers: { 'X-Pay-Session': all.rig.id, 'X-Pay-Customer-Id': 'C-1' },
    });
    const room = all.rig.media.rooms[0];
    const app = await all.rig.answer();
    expect(room?.members.has(all.customer.media)).toBe(false);
    return { ...all, room, app };
  }

  it('is with the application, away from the agent, then goes on where it says so', async () => {
    const { rig, customer, agent, room, app } = await identifying();
    expect((await rig.join('caller')).call.rejections).toMatchObject([{ status: 486 }]);
    app.leg.hangUp({ 'X-Pay-Identified': 'true' });
    await rig.clock.advance(10_000);
    expect(room?.members.has(customer.media)).toBe(true);
    expect(room?.hears(agent.media, customer.media).kind).toBe('clamped');
    expect(rig.view).toMatchObject({ state: 'paying', secure: true });
  });

  it('is back with the agent where identification fails, by SIP or by the API', async () => {
    const bySip = await identifying();
    bySip.app.leg.hangUp({ 'X-Pay-Identified': 'false' });
    const byApi = await identifying();
    expect(byApi.rig.desk.identified(byApi.rig.id, 'failed')).toEqual(kDone);
    for (const { rig, customer, agent, room } of [bySip, byApi]) {
      await rig.clock.advance(30_000);
      expect(rig.record).toMatchObject({ result: 'IDV_FAILED' });
      expect(room?.hears(agent.media, customer.media).kind).toBe('open');
      expect([...customer.leg.byes, ...agent.leg.byes]).toEqual([]);
    }
  });
});
