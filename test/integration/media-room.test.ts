import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeG711, type G711 } from '../../src/phone/g711.ts';
import { encodeRtp } from '../../src/phone/rtp-packet.ts';
import type { RtpPhone, RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import { dtmfTone, sine } from '../../src/phone/tones.ts';
import type { ClampMode, Hearing, Key, MediaRoom, MediaSession } from '../../src/ports/media.ts';
import { MediaFixture, noise, remoteOf } from '../support/media-fixture.ts';
import { levelDbm0, steadyLevelDbm0, strongestKeyDbm0 } from '../support/tone-search.ts';

const kKeys: readonly Key[] = [1, 5, 9, 0, 10, 13];
const kClamped: Hearing = { kind: 'clamped', mode: 'comfort_noise' };
const kOpen: Hearing = { kind: 'open' };
const kNone: Hearing = { kind: 'none' };
const kMostMembers = 128;
const kTrace = -50; // dBm0: comfort noise may show as so much in 10 ms, a key of -10 dBm0 shows as that
const kOptions = { bargeIn: false, lookahead: 2 };

interface Leg {
  readonly phone: RtpPhone;
  readonly session: MediaSession;
}

describe('a room of caller and agent', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start({ 1: sine(2500, 3_000), 2: sine(600, 400) });
  });
  afterAll(() => fixture.stop());

  async function open(
    caller: RtpPhoneOptions = {},
    agent: RtpPhoneOptions = {},
  ): Promise<{ room: MediaRoom; caller: Leg; agent: Leg }> {
    const legs = [await fixture.call(caller), await fixture.call(agent)] as const;
    const room = await fixture.media.openRoom(legs[0].session);
    for (const { session } of legs) await room.join(session);
    return { room, caller: legs[0], agent: legs[1] };
  }

  async function close(room: MediaRoom, ...legs: readonly Leg[]): Promise<void> {
    await room.close();
    for (const { phone, session } of legs) {
      phone.stop();
      await session.close();
    }
  }

  /** What a phone hears while something happens and half a second beyond, as its packets were numbered. */
  async function hearing(leg: Leg, happens: () => Promise<unknown>): Promise<Int16Array> {
    const from = leg.phone.packets.length;
    await happens();
    await leg.phone.silence(500);
    return decoded(leg.phone, from);
  }

  function decoded(phone: RtpPhone, from: number): Int16Array {
    const all = phone.received();
    const skipped = phone.packets.slice(0, from).reduce((sum, { payload }) => sum + payload.length, 0);
    return all.subarray(skipped);
  }

  /** The middle half, where nothing begins or ends. */
  function middle(pcm: Int16Array): Int16Array {
    return pcm.subarray(pcm.length >> 2, (3 * pcm.length) >> 2);
  }

  it('lets nobody hear anybody before it is told to', async () => {
    const { room, caller, agent } = await open();
    const heard = await hearing(agent, () => caller.phone.say(sine(1000, 600)));
    expect(levelDbm0(heard, 1000)).toBeLessThan(-80);
    await close(room, caller, agent);
  });

  it.each([
    ['PCMU', 'PCMA', 20, 20],
    ['PCMA', 'PCMU', 30, 10],
    ['PCMU', 'PCMU', 60, 20],
  ] as const)(
    'lets both hear each other (%s and %s, %i and %i ms)',
    async (one, other, onePtime, otherPtime) => {
      const { room, caller, agent } = await open(
        { codec: one, ptimeMs: onePtime },
        { codec: other, ptimeMs: otherPtime },
      );
      await room.hear(agent.session, caller.session, kOpen);
      await room.hear(caller.session, agent.session, { kind: 'open', gainDb: -6 });
      const [atAgent, atCaller] = await Promise.all([
        hearing(agent, () => caller.phone.say(sine(1000, 1_500))),
        hearing(caller, () => agent.phone.say(sine(800, 1_500))),
      ]);
      expect(steadyLevelDbm0(middle(atAgent), 1000)).toBeCloseTo(-10, 0);
      expect(levelDbm0(middle(atAgent), 800)).toBeLessThan(-60);
      expect(steadyLevelDbm0(middle(atCaller), 800)).toBeCloseTo(-16, 0);
      await close(room, caller, agent);
    },
  );

  it.each([
    ['tones', (phone: RtpPhone) => phone.dial(kKeys, 'tone', 80, 80)],
    ['events', (phone: RtpPhone) => phone.dial(kKeys, 'event', 80, 80)],
    ['events and tones', pressBoth],
  ])('passes keys that come as %s to an open listener at most, never to a clamped one', async (how, dial) => {
    const { room, caller, agent } = await open();
    const coach = await fixture.call();
    await room.join(coach.session);
    await room.hear(agent.session, caller.session, kClamped);
    await room.hear(coach.session, caller.session, kOpen);
    await agent.phone.silence(200);
    const [atAgent, atCoach] = await Promise.all([
      hearing(agent, () => dial(caller.phone)),
      hearing(coach, async () => {}).then(() => hearing(coach, async () => {})),
    ]);
    expect(strongestKeyDbm0(atAgent)).toBeLessThan(kTrace);
    expect(agent.phone.packets.every((packet) => packet.payloadType === 0)).toBe(true);
    if (how !== 'events') expect(strongestKeyDbm0(atCoach)).toBeGreaterThan(-20);
    await room.close();
    const { clamp } = await caller.session.close();
    const presses = how === 'tones' ? clamp?.tonePresses : clamp?.eventPresses;
    expect(presses).toBe(kKeys.length);
    expect(clamp?.worstResidualDbm0).toBeLessThan(kTrace);
    await close(room, caller, agent, coach);
  });

  it.each(['comfort_noise', 'silence', 'neutral_tone'] satisfies ClampMode[])(
    'passes speech while it clamps, and puts %s in the place of keys',
    async (mode) => {
      const { room, caller, agent } = await open();
      await room.hear(agent.session, caller.session, { kind: 'clamped', mode });
      await agent.phone.silence(200);
      const speech = await hearing(agent, () => caller.phone.say(sine(300, 800)));
      expect(levelDbm0(middle(speech), 300)).toBeGreaterThan(-20);
      const keys = await hearing(agent, () => caller.phone.dial(kKeys, 'tone', 80, 80));
      expect(strongestKeyDbm0(keys)).toBeLessThan(kTrace);
      await close(room, caller, agent);
    },
  );

  it('closes while a key is held: from the next frame on nothing of it is heard', async () => {
    const { room, caller, agent } = await open();
    await room.hear(agent.session, caller.session, kOpen);
    caller.phone.pressTone(7, { durationMs: 1_500 });
    caller.phone.silence(400);
    await agent.phone.until(
      () => strongestKeyDbm0(decoded(agent.phone, agent.phone.packets.length - 5)) > -20,
    );
    await room.hear(agent.session, caller.session, kClamped);
    const from = agent.phone.packets.length + 2; // on their way already
    await agent.phone.silence(600);
    expect(strongestKeyDbm0(decoded(agent.phone, from))).toBeLessThan(kTrace);
    await room.hear(agent.session, caller.session, kOpen);
    caller.phone.pressTone(8, { durationMs: 2_000 });
    await agent.phone.until(
      () => strongestKeyDbm0(decoded(agent.phone, agent.phone.packets.length - 5)) > -20,
    );
    await room.hear(agent.session, caller.session, kNone);
    const again = agent.phone.packets.length + 2;
    await agent.phone.silence(300);
    expect(strongestKeyDbm0(decoded(agent.phone, again))).toBe(-99);
    await close(room, caller, agent);
  });

  it('whispers a prompt to the caller, and lets the agent hear it when told', async () => {
    const { room, caller, agent } = await open();
    await room.hear(caller.session, agent.session, kOpen);
    const never = new AbortController().signal;
    const [atCaller, atAgent] = await Promise.all([
      hearing(caller, () => caller.session.play([{ clip: 2 }], kOptions, never)),
      hearing(agent, () => agent.phone.silence(400)),
    ]);
    expect(levelDbm0(atCaller, 600)).toBeGreaterThan(-25);
    expect(levelDbm0(atAgent, 600)).toBeLessThan(-80);
    await room.hearPrompts(agent.session, caller.session, kOpen);
    const both = await hearing(agent, () => caller.session.play([{ clip: 2 }], kOptions, never));
    expect(levelDbm0(both, 600)).toBeGreaterThan(-25);
    await close(room, caller, agent);
  });

  it('ends a prompt by barge-in and reports keys as without a room', async () => {
    const { room, caller, agent } = await open();
    await room.hear(agent.session, caller.session, kClamped);
    const keys: Key[] = [];
    caller.session.onKey(({ key }) => keys.push(key));
    const playing = caller.session.play(
      [{ clip: 1 }],
      { bargeIn: true, lookahead: 2 },
      new AbortController().signal,
    );
    await caller.phone.silence(200);
    caller.phone.pressEvent(4);
    expect(await playing).toBe('barge_in');
    expect(keys).toEqual([4]);
    await close(room, caller, agent);
  });

  it('says how loud each voice is', async () => {
    const { room, caller, agent } = await open();
    caller.phone.say(sine(1000, 2_000));
    await expect
      .poll(async () => (await room.figures()).find(({ session }) => session === caller.session)?.levelDbm0)
      .toBeCloseTo(-10, 0);
    const silent = (await room.figures()).find(({ session }) => session === agent.session);
    expect(silent?.levelDbm0).toBeLessThan(-80);
    await close(room, caller, agent);
  });

  it('refuses what cannot be', async () => {
    const { room, caller, agent } = await open();
    const other = await fixture.media.openRoom();
    const stranger = await fixture.media.open(caller.session);
    const refused = { code: 'MEDIA_REFUSED' };
    await expect(other.join(caller.session)).rejects.toMatchObject(refused);
    await expect(room.hear(agent.session, stranger, kOpen)).rejects.toMatchObject(refused);
    await expect(room.hear(agent.session, agent.session, kOpen)).rejects.toMatchObject(refused);
    await expect(
      room.hear(agent.session, caller.session, { kind: 'open', gainDb: 40 }),
    ).rejects.toMatchObject(refused);
    await expect(other.leave(caller.session)).rejects.toMatchObject(refused);
    await room.leave(caller.session);
    await other.join(caller.session);
    const others: MediaSession[] = [];
    for (let member = 1; member < kMostMembers; member++)
      others.push(await fixture.media.open(undefined, { sharesPort: true }));
    for (const each of others) await other.join(each);
    await expect(other.join(stranger)).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
      message: expect.stringContaining('ROOM_FULL'),
    });
    await other.close();
    await Promise.all(others.map((each) => each.close()));
    await room.join(caller.session);
    await close(room, caller, agent);
    await expect(room.figures()).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
  });

  /** A key goes down before `happens` and is held beyond it; the agent must have nothing of it. */
  async function midKey(
    happens: (legs: { caller: Leg; agent: Leg }) => Promise<unknown>,
    options: RtpPhoneOptions = {},
  ): Promise<void> {
    const { room, caller, agent } = await open(options);
    await room.hear(agent.session, caller.session, kClamped);
    await agent.phone.silence(200);
    const heard = await hearing(agent, async () => {
      caller.phone.pressTone(6, { durationMs: 600 });
      await agent.phone.silence(200);
      await happens({ caller, agent });
      await caller.phone.silence(200);
    });
    expect(heard.length).toBeGreaterThan(8 * 600);
    expect(strongestKeyDbm0(heard)).toBeLessThan(kTrace);
    await close(room, caller, agent);
  }

  describe('fails closed in the middle of a key', () => {
    it('when its payload cannot be decoded', () =>
      midKey(async ({ caller }) => {
        const spoil = { count: 0 };
        caller.phone.filter = (packet) => {
          if (packet.payloadType !== 0 || spoil.count++ % 3 !== 0) return true;
          caller.phone.sendRaw(encodeRtp({ ...packet, payloadType: 96 }));
          return false;
        };
        await caller.phone.silence(0);
      }));

    it('when it becomes a codec that was never agreed on', () =>
      midKey(async ({ caller }) => {
        caller.phone.filter = (packet) => {
          caller.phone.sendRaw(encodeRtp({ ...packet, payloadType: 9 }));
          return false;
        };
        await caller.phone.silence(200);
        caller.phone.filter = () => true;
      }));

    it('when packets are lost', () =>
      midKey(async ({ caller }) => {
        let sent = 0;
        caller.phone.filter = () => ++sent % 4 !== 0;
        await caller.phone.silence(0);
      }));

    it('when the SSRC changes', () =>
      midKey(async ({ caller }) => {
        const ssrc = (caller.phone.ssrc + 1) >>> 0;
        caller.phone.filter = (packet) => {
          if (packet.ssrc === ssrc) return true;
          caller.phone.sendRaw(encodeRtp({ ...packet, ssrc }));
          return false;
        };
        await caller.phone.silence(0);
      }));

    it('when another source takes over by re-INVITE', () =>
      midKey(async ({ caller }) => {
        const next = await fixture.phone();
        next.connect(caller.session);
        next.pressTone(6, { durationMs: 400 });
        next.start();
        await caller.session.connect(remoteOf(next));
        await next.silence(200);
      }));

    it.each<[string, G711, number | null]>([
      ['codec', 'PCMA', 101],
      ['telephone-event payload type', 'PCMU', 110],
      ['telephone-event payload type to none', 'PCMU', null],
    ])('when a re-INVITE changes the %s', (_, codec, eventPayloadType) =>
      midKey(async ({ caller }) => {
        const payloadType = codec === 'PCMU' ? 0 : 8;
        await caller.session.connect({ ...remoteOf(caller.phone), codec, payloadType, eventPayloadType });
        caller.phone.filter = (packet) => {
          if (packet.payloadType !== 0 || codec === 'PCMU') return true;
          const payload = encodeG711('PCMA', dtmfTone(6, { durationMs: 20 }));
          caller.phone.sendRaw(encodeRtp({ ...packet, payloadType, payload }));
          return false;
        };
        await caller.phone.silence(0);
      }),
    );

    it('when an event with its tone is down while the payload type of events changes', async () => {
      const { room, caller, agent } = await open();
      await room.hear(agent.session, caller.session, kClamped);
      const heard = await hearing(agent, async () => {
        caller.phone.pressEvent(3, { durationMs: 400, withTone: true });
        await agent.phone.silence(200);
        await caller.session.connect({ ...remoteOf(caller.phone), eventPayloadType: 99 });
        await caller.phone.silence(200);
      });
      expect(strongestKeyDbm0(heard)).toBeLessThan(kTrace);
      await close(room, caller, agent);
    });

    it('when the worker is not let run: what has waited is listened to before anybody hears it', async () => {
      const own = await MediaFixture.start();
      const [caller, agent] = [await own.call(), await own.call()];
      const room = await own.media.openRoom();
      await room.join(caller.session);
      await room.join(agent.session);
      await room.hear(agent.session, caller.session, kClamped);
      await agent.phone.silence(300);
      const from = agent.phone.packets.length;
      const pressed = caller.phone.dial(kKeys, 'tone', 80, 80);
      const pid = own.media.pids[0] ?? 0;
      for (const stoppedMs of [30, 70, 120, 250]) {
        kill(pid, 'SIGSTOP');
        await agent.phone.silence(stoppedMs);
        kill(pid, 'SIGCONT');
        await agent.phone.silence(90);
      }
      await pressed;
      await agent.phone.silence(300);
      expect(strongestKeyDbm0(decoded(agent.phone, from))).toBeLessThan(kTrace);
      expect(own.media.restarts).toBe(0);
      const after = agent.phone.packets.length;
      await caller.phone.say(noise(500, 1));
      await agent.phone.silence(200);
      expect(decoded(agent.phone, after).some((sample) => Math.abs(sample) > 4_000)).toBe(true);
      await room.close();
      const { clamp } = await caller.session.close();
      expect(clamp?.tonePresses).toBeGreaterThan(0);
      await own.stop();
    });

    it('when the worker is killed: the next one is closed from its first packet', async () => {
      const own = await MediaFixture.start();
      const [caller, agent] = [await own.call(), await own.call()];
      const room = await own.media.openRoom();
      await room.join(caller.session);
      await room.join(agent.session);
      await room.hear(agent.session, caller.session, kClamped);
      await agent.phone.silence(300);
      const from = agent.phone.packets.length;
      const pressed = caller.phone.pressTone(2, { durationMs: 2_000 });
      await agent.phone.silence(300);
      kill(own.media.pids[0] ?? 0, 'SIGKILL');
      await agent.phone.until(() => own.media.restarts === 1 && own.media.up);
      await pressed;
      await agent.phone.silence(200);
      expect(strongestKeyDbm0(decoded(agent.phone, from))).toBeLessThan(kTrace);
      const after = agent.phone.packets.length;
      await caller.phone.say(noise(500, 1));
      await agent.phone.silence(200);
      expect(decoded(agent.phone, after).some((sample) => Math.abs(sample) > 4_000)).toBe(true);
      await room.close();
      await own.stop();
    });
  });
});

async function pressBoth(phone: RtpPhone): Promise<void> {
  for (const key of kKeys) {
    phone.pressEvent(key, { durationMs: 80, withTone: true });
    phone.silence(80);
  }
  await phone.silence(20);
}
