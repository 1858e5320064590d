import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { money } from '../../../src/money/money.ts';
import { kApproved, kDeclined, policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { kLabTrunk } from '../../support/fake-signaling.ts';
import { RoomRig } from '../../support/room-rig.ts';

const kCard = '4242424242424242';
const kDone = { kind: 'done' };

/** A payment that has begun and has greeted the customer. */
async function paying(...options: ConstructorParameters<typeof RoomRig>) {
  const rig = new RoomRig(...options);
  const { customer, agent } = await rig.customerAndAgent();
  expect(await rig.act('start')).toEqual(kDone);
  return { rig, customer, agent };
}

/** … and has come to the card number. */
async function entering(...options: ConstructorParameters<typeof RoomRig>) {
  const all = await paying(...options);
  while (all.rig.view['stage'] !== 'PAN_ENTRY') await all.rig.clock.advance(100);
  return all;
}

async function approved(...options: ConstructorParameters<typeof RoomRig>) {
  const all = await paying(...options);
  await all.rig.submit(all.customer);
  all.rig.payments.submissions.at(-1)?.answer(kApproved);
  await all.rig.clock.advance(60_000);
  return all;
}

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
      { target: 'sip:queue@pbx.example', targetHeaders: { 'X-Pay-Result': 'APPROVED' } },
    ]);
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
  });

  it('ends without the agent where that is configured', async () => {
    const agentPolicy = { onLost: 'abort', clamp: 'comfort_noise', parked: 'hold' } as const;
    const policy = policyOf({ amount: { currency: 'USD' }, agent: agentPolicy });
    const { rig, customer, agent } = await entering({}, { policy });
    agent.leg.hangUp();
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_LOST' });
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx.example' }]);
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
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx.example' }]);
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
    expect(customer.leg.refers).toMatchObject([{ target: 'sip:queue@pbx.example' }]);
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

describe('actions of an agent', () => {
  it('are refused with the reason when they do not fit', async () => {
    const rig = new RoomRig();
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /nobody/ });
    const agent = await rig.join('agent');
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /customer/ });
    expect(await rig.act('pause')).toMatchObject({ kind: 'conflict', reason: /not begun/ });
    const customer = await rig.join('caller');
    await rig.act('start');
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /has begun/ });
    await rig.submit(customer);
    for (const action of ['cancel', 'pause'] as const) {
      expect(await rig.act(action)).toMatchObject({ kind: 'conflict', reason: /gateway/ });
    }
    expect(await rig.act('re-enter', { field: 'pan' })).toMatchObject({ kind: 'conflict' });
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(await rig.act('cancel')).toMatchObject({ kind: 'conflict', reason: /ended/ });
    expect(await rig.act('start')).toMatchObject({ kind: 'conflict', reason: /ended/ });
    agent.leg.hangUp();
    await settle();
    expect(await rig.act('start')).toEqual({ kind: 'unknown_session' });
  });

  it('choose the amount before the payment and during it', async () => {
    const before = new RoomRig({ amount: null });
    const { customer } = await before.customerAndAgent();
    await before.act('amount', { amount: money(700, 'USD') });
    await before.act('start');
    await before.listen(customer);
    expect(before.view).toMatchObject({ amount: { minor: 700 } });

    const { rig } = await entering();
    expect(await rig.act('amount', { amount: money(50, 'USD') })).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('amount', { amount: money(900, 'USD') })).toEqual(kDone);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', amount: { minor: 900 } });
  });

  it('ask for a field out of its turn, and for one again', async () => {
    const { rig, customer } = await entering();
    expect(await rig.act('re-enter', { field: 'expiry' })).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('capture', { field: 'cvv' })).toMatchObject({ kind: 'conflict' });
    await rig.key(customer, `${kCard}#`);
    await rig.listen(customer);
    expect(rig.view).toMatchObject({ stage: 'EXPIRY_ENTRY', brand: 'visa', last4: '4242' });
    expect(await rig.act('capture', { field: 'cvv' })).toEqual(kDone);
    await rig.clock.advance(600);
    await rig.key(customer, '123');
    await rig.listen(customer);
    expect(rig.view).toMatchObject({ stage: 'EXPIRY_ENTRY' });
    expect(await rig.act('re-enter', { field: 'pan' })).toEqual(kDone);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
  });

  it('pause the questions while the clamp stays, and let them go on', async () => {
    const { rig, customer, agent } = await entering();
    expect(await rig.act('pause')).toEqual(kDone);
    expect(rig.view).toMatchObject({ paused: true });
    expect(rig.hears(agent, customer)).toBe('clamped');
    expect(await rig.act('pause')).toMatchObject({ kind: 'conflict' });
    await rig.clock.advance(60_000);
    expect(rig.view).toMatchObject({ stage: 'PAN_ENTRY', error: null });
    expect(await rig.act('resume')).toEqual(kDone);
    await rig.clock.advance(600);
    await rig.key(customer, '42');
    expect(rig.view).toMatchObject({ paused: false, digitCount: 2 });
  });

  it('park the agent and bring the agent back', async () => {
    const rig = new RoomRig();
    const { customer, agent } = await rig.customerAndAgent();
    expect(await rig.act('park')).toEqual(kDone);
    expect([rig.hears(agent, customer), rig.hears(customer, agent)]).toEqual(['none', 'none']);
    expect(agent.media.playing).toBe(true);
    expect(await rig.act('park')).toMatchObject({ kind: 'conflict' });
    expect(await rig.act('resume')).toEqual(kDone);
    expect(rig.hears(agent, customer)).toBe('open');
    expect(await rig.act('resume')).toMatchObject({ kind: 'conflict' });
  });

  it('call customer and agent into the room', async () => {
    const rig = new RoomRig();
    expect(await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: 'nowhere' })).toMatchObject({
      kind: 'conflict',
    });
    expect(await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: null })).toEqual(kDone);
    expect(rig.signaling.last.call).toMatchObject({
      target: 'sip:anna@pbx',
      headers: { 'X-Pay-Session': rig.id },
      trunk: 'lab',
    });
    const agent = await rig.answer();
    await rig.act('dial', { role: 'customer', to: 'sip:+15550100@sbc', trunk: 'lab' });
    expect(await rig.act('dial', { role: 'customer', to: 'sip:+15550111@sbc', trunk: null })).toMatchObject({
      kind: 'conflict',
    });
    const customer = await rig.answer();
    expect(rig.hears(agent, customer)).toBe('open');
    await rig.act('start');
    expect(rig.hears(agent, customer)).toBe('clamped');
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(rig.record).toMatchObject({ result: 'APPROVED', from: '+15550100', trunk: 'lab' });
    agent.leg.hangUp();
    await settle();
    expect(customer.leg.byes).toMatchObject([{ 'X-Pay-Result': 'APPROVED' }]);
    expect(rig.counted.filter((each) => each === 'call over')).toHaveLength(2);
  });

  it('tell when nobody answers, and stop ringing when the call is over', async () => {
    const rig = new RoomRig();
    const customer = await rig.join('caller');
    await rig.act('dial', { role: 'agent', to: 'sip:anna@pbx', trunk: null });
    rig.signaling.last.refuse(480, 'Temporarily Unavailable');
    await settle();
    expect(rig.view['events']).toContainEqual(
      expect.objectContaining({ type: 'not_reached', role: 'agent', status: 480 }),
    );
    await rig.act('dial', { role: 'agent', to: 'sip:bert@pbx', trunk: null });
    customer.leg.hangUp();
    await settle();
    expect(rig.signaling.last.cancelled).toBe(true);
    expect(rig.desk.callCount).toBe(0);
  });

  it('are not needed when the session says that joining is enough', async () => {
    const rig = new RoomRig({ start: 'joined' });
    await rig.join('agent');
    expect(rig.view).toMatchObject({ state: 'prepared' });
    await rig.join('caller');
    expect(rig.view).toMatchObject({ state: 'paying' });
  });
});
