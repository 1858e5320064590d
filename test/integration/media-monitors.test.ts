import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { looped } from '../../src/call/hold-audio.ts';
import type { RtpPhone, RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import { sine } from '../../src/phone/tones.ts';
import type { Hearing, Key, MediaRoom, MediaSession } from '../../src/ports/media.ts';
import { MediaFixture } from '../support/media-fixture.ts';
import { levelDbm0, steadyLevelDbm0, strongestKeyDbm0 } from '../support/tone-search.ts';

const kKeys: readonly Key[] = [1, 5, 9, 0];
const kClamped: Hearing = { kind: 'clamped', mode: 'comfort_noise' };
const kOpen: Hearing = { kind: 'open' };
const kTrace = -50; // dBm0
const kOptions = { bargeIn: false, lookahead: 2 };

interface Leg {
  readonly phone: RtpPhone;
  readonly session: MediaSession;
}

describe('a room with more than caller and agent', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start({ 1: sine(600, 240), 2: sine(2500, 1_000) });
  });
  afterAll(() => fixture.stop());

  async function enter(room: MediaRoom, options: RtpPhoneOptions = {}): Promise<Leg> {
    const leg = await fixture.call(options);
    await room.join(leg.session);
    return leg;
  }

  async function open(): Promise<{ room: MediaRoom; caller: Leg; agent: Leg }> {
    const room = await fixture.media.openRoom();
    return { room, caller: await enter(room), agent: await enter(room) };
  }

  async function close(room: MediaRoom, ...legs: readonly Leg[]): Promise<void> {
    await room.close();
    for (const { phone, session } of legs) {
      phone.stop();
      await session.close();
    }
  }

  /** What a phone hears while something happens and half a second beyond. */
  async function hearing({ phone }: Leg, happens: () => Promise<unknown>): Promise<Int16Array> {
    const from = phone.packets.reduce((sum, { payload }) => sum + payload.length, 0);
    await happens();
    await phone.silence(500);
    return phone.received().subarray(from);
  }

  it('holds a caller with a clip that begins again without a gap, until they are taken off hold', async () => {
    const { room, caller, agent } = await open();
    await room.hear(caller.session, agent.session, kOpen);
    await room.hear(agent.session, caller.session, kOpen);
    const held = new AbortController();
    await room.hear(caller.session, agent.session, { kind: 'none' });
    await room.hear(agent.session, caller.session, { kind: 'none' });
    const music = caller.session.play(looped([{ clip: 1 }]), kOptions, held.signal);
    const [atCaller, atAgent] = await Promise.all([
      hearing(caller, () => agent.phone.say(sine(1000, 1_500))),
      hearing(agent, () => caller.phone.say(sine(800, 1_500))),
    ]);
    const middle = atCaller.subarray(2_400, 12_000); // five rounds of the clip; each is of whole periods
    expect(steadyLevelDbm0(middle, 600)).toBeCloseTo(-10, 0);
    expect(quietestDbm0(middle)).toBeGreaterThan(-14);
    expect(levelDbm0(atCaller, 1000)).toBeLessThan(-60);
    expect(levelDbm0(atAgent, 800)).toBeLessThan(-80);
    expect(levelDbm0(atAgent, 600)).toBeLessThan(-80);
    held.abort();
    expect(await music).toBe('stopped');
    await room.hear(caller.session, agent.session, kOpen);
    const after = await hearing(caller, () => agent.phone.say(sine(1000, 800)));
    expect(steadyLevelDbm0(after.subarray(1_600, 5_600), 1000)).toBeCloseTo(-10, 0);
    await close(room, caller, agent);
  });

  it('whispers a prompt to the caller alone, though agent, coach and monitor listen', async () => {
    const { room, caller, agent } = await open();
    const others = [agent, await enter(room), await enter(room)];
    for (const { session } of others) await room.hear(session, caller.session, kClamped);
    const play = () => caller.session.play([{ clip: 2 }], kOptions, new AbortController().signal);
    const heard = await Promise.all([
      hearing(caller, play),
      ...others.map((leg) => hearing(leg, () => leg.phone.silence(1_000))),
    ]);
    const [atCaller, ...elsewhere] = heard.map((pcm) => levelDbm0(pcm, 2500));
    expect(atCaller).toBeGreaterThan(-20);
    for (const level of elsewhere) expect(level).toBeLessThan(-70);
    await close(room, caller, ...others);
  });

  it('lets a coach speak to the agent alone, and clamps coach and monitors like the agent', async () => {
    const { room, caller, agent } = await open();
    const [coach, monitor] = [await enter(room, { codec: 'PCMA' }), await enter(room)];
    for (const { session } of [agent, coach, monitor]) await room.hear(session, caller.session, kClamped);
    for (const { session } of [caller, coach, monitor]) await room.hear(session, agent.session, kOpen);
    await room.hear(agent.session, coach.session, kOpen);
    await agent.phone.silence(300);
    const listeners = [agent, coach, monitor, caller];
    const dialled = caller.phone.dial(kKeys, 'tone', 80, 80);
    const keys = await Promise.all(listeners.map((leg) => hearing(leg, () => dialled)));
    for (const pcm of keys.slice(0, 3)) expect(strongestKeyDbm0(pcm)).toBeLessThan(kTrace);
    const said = Promise.all([coach.phone.say(sine(440, 800)), agent.phone.say(sine(1800, 800))]);
    const voices = await Promise.all(listeners.map((leg) => hearing(leg, () => said)));
    const ofCoach = voices.map((pcm) => levelDbm0(pcm, 440));
    expect(ofCoach[0]).toBeGreaterThan(-20);
    for (const level of ofCoach.slice(2)) expect(level).toBeLessThan(-70);
    for (const pcm of voices.slice(1)) expect(levelDbm0(pcm, 1800)).toBeGreaterThan(-20);
    await room.close();
    expect((await caller.session.close()).clamp).toMatchObject({ tonePresses: kKeys.length });
    await close(room, caller, agent, coach, monitor);
  });

  it('encodes once for monitors of one codec, and says so', async () => {
    const { room, caller, agent } = await open();
    const monitors = [await enter(room), await enter(room), await enter(room)];
    for (const { session } of [agent, ...monitors]) await room.hear(session, caller.session, kClamped);
    const heard = await Promise.all(
      monitors.map((leg) => hearing(leg, () => caller.phone.say(sine(1000, 1_000)))),
    );
    for (const pcm of heard) expect(levelDbm0(pcm, 1000)).toBeGreaterThan(-20);
    await expect
      .poll(() => fixture.media.stats().reduce((sum, { packetsShared }) => sum + packetsShared, 0))
      .toBeGreaterThan(100);
    await close(room, caller, agent, ...monitors);
  });

  it('says who speaks, and of key presses nothing', async () => {
    const { room, caller, agent } = await open();
    await room.hear(agent.session, caller.session, kClamped);
    const told: (MediaSession | undefined)[] = [];
    const unsubscribe = room.onActiveSpeaker((speaker) => told.push(speaker?.session));
    await caller.phone.say(sine(300, 1_000));
    await agent.phone.say(sine(300, 1_000));
    await agent.phone.until(() => told.length === 3);
    expect(told).toEqual([caller.session, agent.session, undefined]);
    await caller.phone.dial(kKeys, 'tone', 300, 100);
    await caller.phone.dial(kKeys, 'event', 300, 100);
    expect(told).toHaveLength(3);
    const level = (await room.figures()).find(({ session }) => session === caller.session)?.levelDbm0;
    expect(level).toBeLessThan(-60);
    unsubscribe();
    await close(room, caller, agent);
  });
});

/** Level of the quietest 20 ms. */
function quietestDbm0(pcm: Int16Array): number {
  let quietest = 0;
  for (let at = 0; at + 160 <= pcm.length; at += 40) {
    const power = pcm.subarray(at, at + 160).reduce((sum, sample) => sum + sample ** 2, 0) / 160;
    quietest = Math.min(quietest, 10 * Math.log10(power / (32767 ** 2 / 2) + 1e-12) + 3.17);
  }
  return quietest;
}
