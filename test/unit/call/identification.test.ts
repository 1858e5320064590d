import { describe, expect, it } from 'vitest';
import type { ReferOutcome } from '../../../src/ports/signaling.ts';
import { policyOf } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import { type FakeLeg, kPassing } from '../../support/fake-signaling.ts';
import { InlineRig } from '../../support/inline-rig.ts';

const kTarget = 'sip:idv@apps';

/** A caller nobody knows, whom the application has before it. */
async function identifying(
  idv: { required?: boolean; method?: 'refer' } = {},
  referOutcome: FakeLeg['referOutcome'] = 'transferred',
) {
  const policy = policyOf({
    amount: { currency: 'USD' },
    idv: { required: true, target: kTarget, timeoutMs: 60_000, ...idv },
  });
  const rig = new InlineRig({}, { policy, handOver: kPassing.handOver });
  const headers = { 'X-Pay-Identified': 'unknown', 'X-Pay-Reference': 'R-1' };
  const call = await rig.call({ dialled: 'pay', headers });
  call.leg.referOutcome = referOutcome;
  while (rig.signaling.dialled.length + call.leg.refers.length === 0) await rig.clock.advance(100);
  await settle();
  const told = call.leg.refers[0]?.headers ?? rig.signaling.last.call.headers;
  const id = told['X-Pay-Session'] ?? '';
  const stage = () => (rig.desk.view(id) as Record<string, unknown> | undefined)?.['stage'];
  return { rig, call, id, stage };
}

async function connected() {
  const all = await identifying();
  all.rig.signaling.last.answer();
  await settle();
  return { ...all, app: all.rig.signaling.last.leg };
}

it('calls the application with what it must know, and lets the two talk', async () => {
  const { rig, stage } = await connected();
  expect(rig.signaling.last.call).toMatchObject({
    target: kTarget,
    headers: { 'X-Pay-Customer-Id': 'C-1', 'X-Pay-Reference': 'R-1' },
  });
  const [caller, app] = rig.media.sessions;
  if (!caller || !app) throw new Error('there is no media');
  expect(rig.hears(app, caller)).toBe('open');
  expect(rig.hears(caller, app)).toBe('open');
  expect(stage()).toBe('IDV_HANDOFF');
});

it('goes on when its BYE says so, and the application hears no more', async () => {
  const { rig, app, stage, call } = await connected();
  app.hangUp({ 'X-Pay-Identified': 'true' });
  await settle();
  expect(stage()).not.toBe('IDV_HANDOFF');
  expect(rig.room.closed).toBe(true);
  expect(call.leg.byes).toEqual([]);
  while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
});

it('counts for the length of the session, and not for how long it was active', async () => {
  const { rig, id, app } = await connected();
  await rig.clock.advance(20_000);
  app.hangUp({ 'X-Pay-Identified': 'false' });
  await rig.clock.advance(30_000);
  const { durationMs = null, activeMs = 0 } = rig.store.find(id) ?? {};
  expect(Number(durationMs) - activeMs).toBeGreaterThanOrEqual(20_000);
  expect(activeMs).toBeGreaterThan(0);
});

it.each([
  ['its BYE says so', 'IDV_FAILED', { 'X-Pay-Identified': 'false' }],
  ['it goes without a word', 'IDV_UNAVAILABLE', {}],
])('fails when %s', async (_why, result, headers) => {
  const { rig, id, app } = await connected();
  app.hangUp(headers);
  await rig.clock.advance(30_000);
  expect(rig.store.find(id)).toMatchObject({ result });
});

it('takes the verdict of a re-INVITE, and of the API, and says goodbye itself', async () => {
  for (const say of ['reinvite', 'api'] as const) {
    const { rig, id, app, stage } = await connected();
    if (say === 'api') expect(rig.desk.identified(id, 'verified')).toEqual({ kind: 'done' });
    else await app.offer(null, { 'X-Pay-Identified': 'true' });
    await settle();
    expect(app.byes).toHaveLength(1);
    expect(stage()).not.toBe('IDV_HANDOFF');
    expect(rig.desk.identified(id, 'failed')).toMatchObject({ kind: 'conflict' });
  }
});

it('passes keys by SIP INFO on to the application', async () => {
  const { call, app, rig } = await connected();
  call.leg.key({ key: 5, carrier: 'info', onsetMs: rig.clock.now() });
  expect(app.keysSent).toEqual([5]);
});

it('that is not reached is no identification', async () => {
  const { rig, id } = await identifying();
  rig.signaling.last.refuse(486, 'Busy Here');
  await rig.clock.advance(30_000);
  expect(rig.store.find(id)).toMatchObject({ result: 'IDV_UNAVAILABLE' });
});

it.each(['ringing', 'talking'])('a caller who leaves while it is %s ends it', async (when) => {
  const { rig, id, call } = await identifying();
  if (when === 'talking') rig.signaling.last.answer();
  await settle();
  call.leg.hangUp();
  await rig.clock.advance(1_000);
  expect(rig.store.find(id)).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
  const { cancelled, leg } = rig.signaling.last;
  expect(when === 'talking' ? leg.byes.length === 1 : cancelled).toBe(true);
  expect(rig.desk.callCount).toBe(0);
});

it('takes no longer than it may', async () => {
  const { rig, id, app } = await connected();
  await rig.clock.advance(90_000);
  expect(rig.store.find(id)).toMatchObject({ result: 'IDV_UNAVAILABLE' });
  expect(app.byes).toHaveLength(1);
});

it('of a session nobody knows is nobody’s', async () => {
  const { rig } = await identifying();
  expect(rig.desk.identified('nobody', 'verified')).toEqual({ kind: 'unknown_session' });
});

it('passes telephone-events on to the application, and takes none of them for its own questions', async () => {
  const { app, rig, stage } = await connected();
  const [caller, far] = rig.media.sessions;
  caller?.press(4, 'event');
  await settle();
  expect(far?.keysSent).toEqual([4]);
  app.hangUp({ 'X-Pay-Identified': 'true' });
  await settle();
  while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
  caller?.press(4, 'event');
  expect(far?.keysSent).toEqual([4]);
});

describe('by REFER', () => {
  async function away() {
    const all = await identifying({ method: 'refer' });
    const back = () => (all.call.leg.refers[0]?.targetHeaders['X-Pay-Return-Uri'] ?? '').slice('sip:'.length);
    const comeBack = (headers: Record<string, string> = {}) =>
      all.rig.call({ callId: 'back@fake', dialled: back().split('@')[0] ?? '', headers });
    return { ...all, comeBack };
  }

  it('sends the caller there with what the application must know, and lets the leg go', async () => {
    const { call, id, stage, rig } = await away();
    const known = { 'X-Pay-Session': id, 'X-Pay-Customer-Id': 'C-1', 'X-Pay-Reference': 'R-1' };
    const targetHeaders = { ...known, 'X-Pay-Return-Uri': `sip:pay-${id}@localhost` };
    expect(call.leg.refers).toMatchObject([{ target: kTarget, headers: known, targetHeaders }]);
    expect([call.leg.byes.length, rig.media.last.closed, stage()]).toEqual([1, true, 'IDV_HANDOFF']);
    expect(rig.desk.callCount).toBe(1);
  });

  it('goes on where the caller comes back identified, on another leg', async () => {
    const { rig, comeBack, stage } = await away();
    const back = await comeBack({ 'X-Pay-Identified': 'true' });
    expect(back.answers).toHaveLength(1);
    while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
    back.leg.hangUp();
    await settle();
    expect(rig.desk.callCount).toBe(0);
  });

  it.each([
    ['IDV_FAILED', { 'X-Pay-Identified': 'false' }],
    ['IDV_UNAVAILABLE', {}],
  ])('fails with %s where the caller comes back otherwise, and is told', async (result, headers) => {
    const { rig, comeBack, id } = await away();
    const back = await comeBack({ 'X-Pay-Identified': 'unknown', ...headers });
    await rig.clock.advance(30_000);
    expect(rig.store.find(id)).toMatchObject({ result, callerPresent: true });
    expect([...back.leg.refers.map(({ headers: sent }) => sent), ...back.leg.byes][0]).toMatchObject({
      'X-Pay-Result': result,
    });
  });

  it('takes the verdict of the API, which counts when the caller is back', async () => {
    const { rig, comeBack, stage, id } = await away();
    expect(rig.desk.identified(id, 'verified')).toEqual({ kind: 'done' });
    expect(stage()).toBe('IDV_HANDOFF');
    await comeBack({ 'X-Pay-Identified': 'unknown' });
    while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
  });

  it('knows a caller who is back before the REFER was reported', async () => {
    const reported = Promise.withResolvers<ReferOutcome>();
    const { rig, call, id, stage } = await identifying({ method: 'refer' }, reported.promise);
    const back = await rig.call({
      callId: 'back@fake',
      dialled: `pay-${id}`,
      headers: { 'X-Pay-Identified': 'true' },
    });
    reported.resolve('transferred');
    await settle();
    expect([back.answers.length, call.leg.byes.length]).toEqual([1, 1]);
    while (stage() !== 'PAN_ENTRY') await rig.clock.advance(100);
    back.leg.hangUp();
    await settle();
    expect(rig.desk.callCount).toBe(0);
  });

  it('gives up on a caller who does not come back, and lets nobody in afterwards', async () => {
    const { rig, comeBack, id } = await away();
    await rig.clock.advance(90_000);
    expect(rig.store.find(id)).toMatchObject({ result: 'IDV_UNAVAILABLE' });
    expect(rig.desk.callCount).toBe(0);
    expect((await comeBack()).rejections).toMatchObject([{ status: 404 }]);
  });

  it('calls the application itself when the peer refuses REFER', async () => {
    const { rig, call } = await identifying({ method: 'refer' }, 'refused');
    expect(rig.signaling.last.call.target).toBe(kTarget);
    expect(call.leg.byes).toEqual([]);
  });

  it('that comes to nothing is no identification', async () => {
    const { rig, id } = await identifying({ method: 'refer' }, 'failed');
    await rig.clock.advance(30_000);
    expect(rig.store.find(id)).toMatchObject({ result: 'IDV_UNAVAILABLE' });
  });

  it('of a caller who hangs up instead is over', async () => {
    const { rig, id } = await identifying({ method: 'refer' }, 'ended_by_peer');
    await rig.clock.advance(1_000);
    expect(rig.store.find(id)).toMatchObject({ result: 'HANGUP_BEFORE_AUTH' });
    expect(rig.desk.callCount).toBe(0);
  });
});
