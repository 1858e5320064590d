import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyMerge } from '../../src/dtmf/merge.ts';
import { decodeG711, encodeG711 } from '../../src/phone/g711.ts';
import { eventPayload } from '../../src/phone/rtp-packet.ts';
import type { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { dtmfTone } from '../../src/phone/tones.ts';
import type { Key, KeyReport } from '../../src/ports/media.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { MediaFixture, remoteOf } from '../support/media-fixture.ts';

const kAllKeys: readonly Key[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

function by(keys: readonly KeyReport[], carrier: KeyReport['carrier']): Key[] {
  return keys.filter((report) => report.carrier === carrier).map((report) => report.key);
}

/** The keys a conversation would count. */
function merged(reports: readonly KeyReport[]): Key[] {
  const merge = new KeyMerge();
  return reports.flatMap((report) => merge.report(report)?.key ?? []);
}

/** Holds up so many packets, again and again with as many between that are not, and lets them go together. */
function sendInBursts(phone: RtpPhone, packetCount: number): void {
  let count = 0;
  const held: Parameters<RtpPhone['filter']>[0][] = [];
  const holdUp = (packet: Parameters<RtpPhone['filter']>[0]) => {
    count++;
    if (count % (2 * packetCount) < packetCount) return true;
    held.push(packet);
    if (held.length < packetCount) return false;
    phone.filter = () => true;
    for (const each of held.splice(0)) phone.sendPacket(each);
    phone.filter = holdUp;
    return false;
  };
  phone.filter = holdUp;
}

describe('keys of a leg', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start();
  });
  afterAll(() => fixture.stop());

  /** Presses a key whose report says that everything before it has been heard. */
  async function sync(phone: RtpPhone, keys: KeyReport[]): Promise<void> {
    phone.silence(300);
    await phone.pressEvent(15);
    await phone.until(() => keys.some((report) => report.key === 15 && report.carrier === 'event'));
  }

  it.each(['event', 'tone'] as const)('reports every key once and in order (%s)', async (carrier) => {
    const { phone, session, keys } = await fixture.call();
    await phone.dial(kAllKeys, carrier, 70, 60);
    await phone.until(() => keys.length >= kAllKeys.length);
    await phone.silence(200);
    expect(by(keys, carrier)).toEqual(kAllKeys);
    expect(keys).toHaveLength(kAllKeys.length);
    await session.close();
  });

  it.each([
    ['our offer', 101],
    ['the answer', 96],
  ])('reports keys by the number of %s', async (_, eventPayloadType) => {
    const agreed = { eventPayloadType: 96, receivedEventPayloadType: 101 };
    const { phone, session, keys } = await fixture.call({ eventPayloadType }, agreed);
    await phone.dial([4, 2], 'event');
    await phone.until(() => keys.length >= 2);
    expect(by(keys, 'event')).toEqual([4, 2]);
    await session.close();
  });

  it('reports in-band keys of an A-law leg that has no telephone-event', async () => {
    const { phone, session, keys } = await fixture.call({
      codec: 'PCMA',
      eventPayloadType: null,
      ptimeMs: 30,
    });
    await phone.dial([4, 2, 4, 2], 'tone', 60, 60);
    await phone.until(() => keys.length >= 4);
    await phone.silence(200);
    expect(by(keys, 'tone')).toEqual([4, 2, 4, 2]);
    await session.close();
  });

  it('counts two presses of one key when every end packet is lost', async () => {
    const { phone, session, keys } = await fixture.call();
    phone.pressEvent(7, { ends: 0 });
    phone.silence(40);
    phone.pressEvent(7, { ends: 0 });
    phone.silence(500);
    phone.pressEvent(7, { ends: 0 });
    await sync(phone, keys);
    expect(by(keys, 'event')).toEqual([7, 7, 7, 15]);
    await session.close();
  });

  it('counts one press of packets that are duplicated, reordered and partly lost', async () => {
    const { phone, session, keys } = await fixture.call();
    const held: Parameters<RtpPhone['sendPacket']>[0][] = [];
    let count = 0;
    phone.filter = (packet) => {
      if (packet.payloadType !== 101 || packet.payload[0] !== 3) return true;
      count++;
      if (count % 3 === 0) return false; // lost
      if (count % 3 === 1) held.push(packet); // sent again later
      return true;
    };
    phone.pressEvent(3, { durationMs: 200 });
    await phone.silence(60);
    phone.filter = () => true;
    for (const packet of held) phone.sendPacket(packet);
    await sync(phone, keys);
    expect(by(keys, 'event')).toEqual([3, 15]);
    await session.close();
  });

  it('counts one press of a key held so long that it comes in segments', async () => {
    const { phone, session, keys } = await fixture.call();
    const timestamp = 0xfffff000; // wraps within the press
    const report = (start: number, duration: number, end = false) =>
      phone.sendPacket({ payloadType: 101, timestamp: start >>> 0, payload: eventPayload(9, end, duration) });
    report(timestamp, 160);
    report(timestamp, 0xff00);
    report(timestamp, 0xffff);
    report(timestamp + 0xffff, 160);
    report(timestamp + 0xffff, 1600);
    report(timestamp + 0xffff, 1600, true);
    report(timestamp + 0xffff, 1600, true);
    await sync(phone, keys);
    expect(by(keys, 'event')).toEqual([9, 15]);
    await session.close();
  });

  it('reads several events of one packet', async () => {
    const { phone, session, keys } = await fixture.call();
    const payload = Uint8Array.from([1, 2, 3].flatMap((key) => [...eventPayload(key as Key, true, 800)]));
    phone.sendPacket({ payloadType: 101, timestamp: 5_000, payload });
    await sync(phone, keys);
    expect(by(keys, 'event')).toEqual([1, 2, 3, 15]);
    await session.close();
  });

  it('reports a press that comes as event and as tone once by each', async () => {
    const { phone, session, keys } = await fixture.call();
    phone.pressEvent(8, { durationMs: 120, withTone: true });
    await sync(phone, keys);
    expect(by(keys, 'event')).toEqual([8, 15]);
    expect(by(keys, 'tone')).toEqual([8]);
    const [first, second] = keys;
    expect(Math.abs((first?.onsetMs ?? 0) - (second?.onsetMs ?? Number.NaN))).toBeLessThan(60);
    await session.close();
  });

  it('counts a press on both carriers once when packets come in bursts of 50 to 900 ms', async () => {
    const kTyped: readonly Key[] = [4, 4, 2, 4, 9, 9];
    const results = [50, 100, 150, 200, 300, 450, 600, 900].map(async (burstMs) => {
      const { phone, session, keys } = await fixture.call();
      await phone.silence(200);
      sendInBursts(phone, Math.ceil(burstMs / 20));
      for (const key of kTyped) {
        phone.pressEvent(key, { durationMs: 100, withTone: true });
        phone.silence(60);
      }
      await phone.silence(2000); // what is held comes out of the queue
      phone.filter = () => true;
      await sync(phone, keys);
      const onsets = keys.map(({ onsetMs }) => onsetMs);
      await session.close();
      return { burstMs, keys: merged(keys), reports: keys.length, onsets: new Set(onsets).size };
    });
    for (const { burstMs, ...result } of await Promise.all(results)) {
      const once = { keys: [...kTyped, 15], reports: 2 * kTyped.length + 1, onsets: kTyped.length + 1 };
      expect(result, `bursts of ${burstMs} ms`).toEqual(once);
    }
  });

  it.each([
    ['mu-law to A-law', 'PCMA'],
    ['the event type alone', 'PCMU'],
  ] as const)('goes on through a re-INVITE in a press (%s)', async (_name, codec) => {
    const { phone, session, keys } = await fixture.call();
    phone.pressEvent(6, { durationMs: 400, withTone: true });
    await phone.until(() => keys.length > 0);
    const payloadType = codec === 'PCMA' ? 8 : 0;
    await session.connect({ ...remoteOf(phone), codec, payloadType, eventPayloadType: 97 });
    let isNew = false; // the peer uses the new types from the next event packet on
    phone.filter = (packet) => {
      isNew ||= packet.payloadType === 101;
      if (!isNew || packet.payloadType === 97 || packet.payloadType === payloadType) return true;
      const isEvent = packet.payloadType === 101;
      const payload = isEvent ? packet.payload : encodeG711(codec, decodeG711('PCMU', packet.payload));
      phone.sendPacket({ ...packet, payload, payloadType: isEvent ? 97 : payloadType });
      return false;
    };
    await sync(phone, keys);
    expect(merged(keys)).toEqual([6, 15]);
    const stats = await session.close();
    expect(stats.packetsLost).toBe(0);
  });

  it('lets only the first carrier of a press end a phrase', async () => {
    const clips = { 1: new Int16Array(8 * 400).fill(100), 2: new Int16Array(8 * 20_000).fill(100) };
    const own = await MediaFixture.start(clips);
    const { phone, session, keys } = await own.call();
    const signal = new AbortController().signal;
    const options = { bargeIn: true, lookahead: 2 };
    const answer = Promise.withResolvers<string>();
    session.onKey((report) => {
      if (report.carrier === 'event' && report.key === 8) {
        session.play([{ clip: 1 }], options, signal).then(answer.resolve, answer.reject);
      }
    });
    const first = session.play([{ clip: 2 }], options, signal);
    await phone.until(() => phone.received().some((sample) => sample !== 0));
    await phone.pressEvent(8, { durationMs: 160, withTone: true });
    expect(await first).toBe('barge_in');
    expect(await answer.promise).toBe('finished');
    expect(by(keys, 'tone')).toEqual([8]);
    await session.close();
    await own.stop();
  });

  it('does not repeat a key whose tone loses a packet', async () => {
    const { phone, session, keys } = await fixture.call();
    let audio = 0;
    phone.filter = (packet) => packet.payloadType !== 0 || packet.payload[0] === 0xff || ++audio !== 5;
    phone.say(dtmfTone(6, { durationMs: 300 }));
    phone.silence(100);
    phone.say(dtmfTone(6, { durationMs: 100 }));
    await sync(phone, keys);
    expect(by(keys, 'tone')).toEqual([6, 6]);
    await session.close();
  });

  it('tells onsets on the clock of the process', async () => {
    const { phone, session, keys } = await fixture.call();
    await phone.silence(100);
    const before = kSystemClock.now();
    await phone.pressEvent(1);
    await phone.silence(100);
    await phone.pressTone(2);
    await sync(phone, keys);
    const after = kSystemClock.now();
    const onsets = keys.map((report) => report.onsetMs);
    expect(onsets).toEqual([...onsets].sort((a, b) => a - b));
    for (const onset of onsets) {
      expect(onset).toBeGreaterThan(before - 200);
      expect(onset).toBeLessThan(after);
    }
    await session.close();
  });

  it('goes on after sequence numbers and timestamps wrapped around', async () => {
    const { phone, session, keys } = await fixture.call({
      firstSequence: 65_530,
      firstTimestamp: 2 ** 32 - 800,
    });
    await phone.dial([1, 2], 'event', 60, 60);
    await phone.dial([3, 4], 'tone', 60, 60);
    await phone.until(() => keys.length >= 4);
    expect(keys.map((report) => report.key)).toEqual([1, 2, 3, 4]);
    const stats = await session.close();
    expect(stats.packetsLost).toBe(0);
  });

  it('ignores keys and audio from another source', async () => {
    const { phone, session, keys } = await fixture.call();
    const stranger = await fixture.phone({ ssrc: phone.ssrc });
    stranger.connect(session);
    stranger.start();
    await stranger.dial([1, 2, 3], 'event', 60, 60);
    await stranger.dial([1, 2, 3], 'tone', 60, 60);
    stranger.stop();
    await sync(phone, keys);
    expect(keys.map((report) => report.key)).toEqual([15]);
    const stats = await session.close();
    expect(stats.packetsForeign).toBe(stranger.packetsSent);
    expect(stats.packetsReceived).toBeGreaterThan(0);
  });

  it('takes over a new stream of the same source', async () => {
    const { phone, session, keys } = await fixture.call({ ssrc: 1 });
    await phone.dial([1], 'event');
    let sequence = 100;
    phone.filter = (packet) => {
      if (packet.ssrc !== 1) return true;
      phone.sendPacket({
        ...packet,
        ssrc: 2,
        sequence: sequence++ & 0xffff,
        timestamp: (packet.timestamp + 77_777) >>> 0,
      });
      return false;
    };
    await phone.dial([2], 'event');
    await phone.dial([3], 'tone');
    await phone.until(() => keys.length >= 3);
    expect(keys.map((report) => report.key)).toEqual([1, 2, 3]);
    await session.close();
  });

  it('keeps the other legs alive when a listener of one fails', async () => {
    const own = await MediaFixture.start();
    const broken = await own.call();
    broken.session.onKey(() => {
      throw new Error('listener');
    });
    await broken.phone.dial([1], 'event');
    const { phone, keys } = await own.call();
    await phone.dial([2], 'event');
    await phone.until(() => keys.length === 1);
    expect(own.media.restarts).toBe(0);
    expect(own.log.lines.filter((line) => line.level === 'error')).toMatchObject([
      { message: 'a listener of a media event failed' },
    ]);
    await own.stop();
  });

  it('says nothing any more after close', async () => {
    const { phone, session, keys } = await fixture.call();
    await phone.dial([1], 'event');
    await phone.until(() => keys.length === 1);
    const closing = session.close();
    expect(session.close()).toBe(closing);
    await phone.dial([2], 'event');
    await closing;
    expect(keys).toHaveLength(1);
    await expect(
      session.play([{ silenceMs: 20 }], { bargeIn: false, lookahead: 1 }, AbortSignal.abort()),
    ).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
  });
});
