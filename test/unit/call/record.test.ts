import { describe, expect, it } from 'vitest';
import { withMedia } from '../../../src/call/record.ts';
import type { MediaStats } from '../../../src/ports/media.ts';
import type { SessionRecord } from '../../../src/ports/store.ts';

const kStats: MediaStats = {
  packetsReceived: 500,
  packetsSent: 510,
  packetsLost: 1,
  packetsForeign: 0,
  jitterMs: 1.23456,
  roundTripMs: 0,
  starvedMs: 0,
  playoutMs: 30,
  concealedMs: 20,
  discardedMs: 0,
  clamp: null,
};
const kRecord = { sessionId: 'ps_1' } as unknown as SessionRecord;

describe('the media of a record', () => {
  it('has the counts of the leg, rounded', () => {
    const { media } = withMedia(kRecord, kStats);
    expect(media).toMatchObject({ packetsReceived: 500, jitterMs: 1.235, concealedMs: 20 });
    expect(Object.keys(media ?? {}).some((name) => name.startsWith('clamp'))).toBe(false);
  });

  it('has the score of its codec', () => {
    const mosOf = (codec: MediaStats['codec']) =>
      withMedia(kRecord, { ...kStats, codec }).media?.['mos'] ?? Number.NaN;
    expect(mosOf('PCMU')).toBe(mosOf(undefined));
    expect(mosOf('opus')).toBeLessThan(mosOf('PCMU'));
  });

  it('says what the clamp did', () => {
    const clamp = {
      tonePresses: 16,
      eventPresses: 0,
      otherPresses: 0,
      guardEvents: 2,
      armedMs: 30_000,
      clampedMs: 2_400,
      missingMs: 0,
      worstResidualDbm0: -71.5,
    };
    expect(withMedia(kRecord, { ...kStats, clamp }).media).toMatchObject({
      clampTonePresses: 16,
      clampGuardEvents: 2,
      clampClampedMs: 2_400,
      clampWorstResidualDbm0: -71.5,
    });
  });
});
