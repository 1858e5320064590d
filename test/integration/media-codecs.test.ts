import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtmfTone } from '../../src/phone/tones.ts';
import {
  type CodecName,
  type Key,
  type KeyReport,
  kCodecNames,
  type MediaRemote,
  type MediaSession,
} from '../../src/ports/media.ts';
import { MediaFixture } from '../support/media-fixture.ts';

const kKeys: readonly Key[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const kToneClip = 1;
const kPayloadTypes: Record<CodecName, number> = {
  PCMU: 0,
  PCMA: 8,
  G722: 9,
  opus: 111,
  'L16/8000': 112,
  'L16/16000': 113,
};
const kOnce = { bargeIn: false, lookahead: 2 };

/** All keys as tones, with pauses. */
function keySound(): Int16Array {
  const sound = new Int16Array((300 + kKeys.length * 160) * 8);
  for (const [index, key] of kKeys.entries())
    sound.set(dtmfTone(key, { durationMs: 80 }), (100 + index * 160) * 8);
  return sound;
}

describe('codecs on the wire', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start({ [kToneClip]: keySound() });
  });
  afterAll(() => fixture.stop());

  function remoteOf(session: MediaSession, codec: CodecName, more: Partial<MediaRemote> = {}): MediaRemote {
    return {
      address: session.address,
      port: session.port,
      rtcpPort: session.port + 1,
      codec,
      payloadType: kPayloadTypes[codec],
      eventPayloadType: null,
      ptimeMs: 20,
      sending: true,
      receiving: true,
      ...(codec === 'opus' ? { opus: { maxBitrate: null, fec: true, constantBitrate: false } } : {}),
      ...more,
    };
  }

  /** Two legs of the worker that talk to each other. */
  async function pair(): Promise<{ one: MediaSession; other: MediaSession; heard: KeyReport[] }> {
    const [one, other] = [await fixture.media.open(), await fixture.media.open()];
    const heard: KeyReport[] = [];
    other.onKey((report) => heard.push({ ...report }));
    return { one, other, heard };
  }

  const play = (session: MediaSession) =>
    session.play([{ clip: kToneClip }], kOnce, new AbortController().signal);

  const keysOf = (heard: readonly KeyReport[]) => heard.map(({ key }) => key);

  /** Resolves when as many keys are there, or three seconds have shown that they will not come. */
  async function until(heard: readonly KeyReport[], count: number): Promise<void> {
    for (let tries = 0; heard.length < count && tries < 300; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  const rows = kCodecNames.flatMap((codec) =>
    [10, 20, 30, 40, 60].map((ptimeMs): [CodecName, number] => [codec, ptimeMs]),
  );
  const isSpoken = ([codec, ptimeMs]: [CodecName, number]) =>
    !(codec === 'opus' && ptimeMs === 30) && !(codec === 'L16/16000' && ptimeMs === 60);

  it.concurrent.each(rows.filter(isSpoken))(
    '%s carries every key in packets of %i ms',
    async (codec, ptimeMs) => {
      const { one, other, heard } = await pair();
      await other.connect(remoteOf(one, codec)); // 20 ms the other way
      await one.connect(remoteOf(other, codec, { ptimeMs }));
      expect(await play(one)).toBe('finished');
      await until(heard, kKeys.length);
      expect(keysOf(heard)).toEqual(kKeys);
      const [sent, received] = [await one.close(), await other.close()];
      expect(received.packetsLost).toBe(0);
      expect(received.packetsReceived).toBeGreaterThan((0.8 * sent.packetsSent * 20) / 20 - 5);
    },
  );

  it.each(rows.filter((row) => !isSpoken(row)))('%s has no packets of %i ms', async (codec, ptimeMs) => {
    const { one, other } = await pair();
    await expect(one.connect(remoteOf(other, codec, { ptimeMs }))).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
    });
    await Promise.all([one.close(), other.close()]);
  });

  it('changes codec in the middle of a call, each way and back', async () => {
    const { one, other, heard } = await pair();
    const expected: Key[] = [];
    for (const codec of ['PCMU', 'opus', 'G722', 'opus', 'L16/16000', 'PCMA'] as const) {
      await other.connect(remoteOf(one, codec));
      await one.connect(remoteOf(other, codec));
      await play(one);
      expected.push(...kKeys);
      await until(heard, expected.length);
      expect(keysOf(heard)).toEqual(expected);
    }
    await Promise.all([one.close(), other.close()]);
  });

  it('still decodes the old payload type after a change, and the one the peer was offered', async () => {
    const { one, other, heard } = await pair();
    await other.connect(remoteOf(one, 'G722'));
    await one.connect(remoteOf(other, 'G722'));
    const playing = play(one);
    await until(heard, 4);
    await other.connect(remoteOf(one, 'G722', { payloadType: 96, receivedPayloadType: 97 }));
    await until(heard, 8); // of type 9
    await one.connect(remoteOf(other, 'G722', { payloadType: 97 }));
    await playing;
    await until(heard, kKeys.length);
    expect(keysOf(heard)).toEqual(kKeys);
    await Promise.all([one.close(), other.close()]);
  });
});
