import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeG711, encodeG711, type G711 } from '../../src/phone/g711.ts';
import type { PhraseItem, PlayOptions } from '../../src/ports/media.ts';
import { MediaFixture, noise } from '../support/media-fixture.ts';

const kOptions: PlayOptions = { bargeIn: true, lookahead: 3 };
const kClips = { 1: noise(437, 1), 2: noise(95, 2), 3: noise(5_000, 3) };

function samplesOf(items: readonly PhraseItem[]): Int16Array {
  const parts = items.map((item) =>
    'clip' in item ? kClips[item.clip as keyof typeof kClips] : new Int16Array(item.silenceMs * 8),
  );
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** Where `part` begins in `whole`, or -1. */
function find(whole: Int16Array, part: Int16Array): number {
  for (let start = 0; start + part.length <= whole.length; start++) {
    let same = 0;
    while (same < part.length && whole[start + same] === part[same]) same++;
    if (same === part.length) return start;
  }
  return -1;
}

describe('playing to a leg', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start(kClips);
  });
  afterAll(() => fixture.stop());

  const never = (): AbortSignal => new AbortController().signal;

  it.each<[G711, number]>([
    ['PCMU', 20],
    ['PCMA', 20],
    ['PCMU', 10],
    ['PCMU', 30],
    ['PCMA', 60],
  ])('joins clips and silence sample to sample (%s, %i ms)', async (codec, ptimeMs) => {
    const { phone, session } = await fixture.call({ codec, ptimeMs });
    const items = [{ clip: 1 }, { silenceMs: 33 }, { clip: 2 }, { clip: 2 }, { clip: 1 }];
    expect(await session.play(items, kOptions, never())).toBe('finished');
    const expected = decodeG711(codec, encodeG711(codec, samplesOf(items)));
    await phone.until(() => find(phone.received(), expected) >= 0);
    const stats = await session.close();
    expect(stats.starvedMs).toBe(0);
    expect(phone.packets.filter((packet) => packet.marker)).toHaveLength(1);
    const [first] = phone.packets;
    for (const [index, packet] of phone.packets.entries()) {
      expect(packet.sequence).toBe(((first?.sequence ?? 0) + index) & 0xffff);
      expect(packet.timestamp).toBe(((first?.timestamp ?? 0) + index * ptimeMs * 8) >>> 0);
    }
    phone.close();
  });

  it('stops within one frame when a key is pressed, and not when the phrase forbids it', async () => {
    const { phone, session, keys } = await fixture.call();
    const playing = session.play([{ clip: 3 }], kOptions, never());
    await phone.until(() => phone.received().some((sample) => sample !== 0));
    await phone.pressEvent(5);
    expect(await playing).toBe('barge_in');
    expect(keys).toMatchObject([{ key: 5, carrier: 'event' }]);
    const deaf = session.play([{ clip: 1 }], { ...kOptions, bargeIn: false }, never());
    await phone.pressEvent(6);
    expect(await deaf).toBe('finished');
    await session.close();
  });

  it('stops when the signal aborts, and replaces a phrase by the next one', async () => {
    const { phone, session } = await fixture.call();
    const abort = new AbortController();
    const first = session.play([{ clip: 3 }], kOptions, abort.signal);
    await phone.until(() => phone.received().some((sample) => sample !== 0));
    abort.abort();
    expect(await first).toBe('stopped');
    const second = session.play([{ clip: 3 }], kOptions, never());
    const third = session.play([{ clip: 1 }], kOptions, never());
    expect(await second).toBe('stopped');
    expect(await third).toBe('finished');
    expect(await session.play([], kOptions, never())).toBe('finished');
    await session.close();
  });

  it('rejects a clip that was never loaded', async () => {
    const { session } = await fixture.call();
    await expect(session.play([{ clip: 99 }], kOptions, never())).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
    });
    await session.close();
  });

  it('sends nothing while the peer holds the call and goes on with the phrase afterwards', async () => {
    const { phone, session } = await fixture.call();
    await phone.until(() => phone.packets.length > 3);
    const remote = {
      address: phone.address,
      port: phone.port,
      rtcpPort: phone.rtcpPort,
      codec: phone.codec,
      payloadType: phone.payloadType,
      eventPayloadType: phone.eventPayloadType,
      ptimeMs: 20,
      receiving: true,
    };
    await session.connect({ ...remote, sending: false });
    const playing = session.play([{ clip: 1 }], kOptions, never());
    const held = phone.packets.length;
    await phone.silence(300);
    expect(phone.packets.length - held).toBeLessThanOrEqual(2); // on the way when the hold began
    await session.connect({ ...remote, sending: true });
    expect(await playing).toBe('finished');
    await session.close();
  });
});
