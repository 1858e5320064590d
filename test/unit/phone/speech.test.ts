import { beforeEach, describe, expect, it } from 'vitest';
import { SpeechDetector } from '../../../src/phone/speech.ts';
import { sine } from '../../../src/phone/tones.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const speech = (durationMs: number) => sine(440, durationMs, -16);
const lineNoise = (durationMs: number) => sine(300, durationMs, -58);
const silence = (durationMs: number) => new Int16Array(durationMs * 8);

let clock: FakeClock;

beforeEach(() => {
  clock = new FakeClock();
});

/** Packet by packet, each when it is due. */
async function heard(detector: SpeechDetector, ...parts: readonly Int16Array[]): Promise<SpeechDetector> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 160) {
      await clock.advance(20);
      detector.hear(part.subarray(at, at + 160));
    }
  }
  return detector;
}

describe('hearing a prompt', () => {
  it.each<[string, readonly Int16Array[], { hasBegun: boolean; hasEnded: boolean }]>([
    ['nothing', [silence(5_000)], { hasBegun: false, hasEnded: false }],
    ['a line that is not quite silent', [lineNoise(5_000)], { hasBegun: false, hasEnded: false }],
    ['a click', [speech(20), silence(2_000)], { hasBegun: false, hasEnded: false }],
    ['the first word', [speech(300)], { hasBegun: false, hasEnded: false }],
    ['some words', [speech(800)], { hasBegun: true, hasEnded: false }],
    [
      'a pause of a read-back',
      [speech(800), silence(400), speech(300), silence(400)],
      { hasBegun: true, hasEnded: false },
    ],
    ['a whole prompt', [speech(800), lineNoise(900)], { hasBegun: true, hasEnded: true }],
    ['a short one', [speech(200), silence(900)], { hasBegun: true, hasEnded: true }],
    ['the next one begun', [speech(800), silence(2_000), speech(100)], { hasBegun: true, hasEnded: false }],
  ])('%s', async (_, parts, expected) => {
    const { hasBegun, hasEnded } = await heard(new SpeechDetector(clock), ...parts);
    expect({ hasBegun, hasEnded }).toEqual(expected);
  });

  it('begins anew after a reset', async () => {
    const detector = await heard(new SpeechDetector(clock), speech(800), silence(2_000));
    detector.reset();
    const { hasBegun, hasEnded } = await heard(detector, silence(2_000));
    expect({ hasBegun, hasEnded }).toEqual({ hasBegun: false, hasEnded: false });
  });

  it('takes what arrives all at once for the rest of what was said before', async () => {
    const detector = new SpeechDetector(clock);
    detector.hear(speech(800));
    expect(detector.hasBegun).toBe(false);
    expect((await heard(detector, speech(680))).hasBegun).toBe(false);
    expect((await heard(detector, speech(20))).hasBegun).toBe(true);
  });

  it('wakes who waits, and nobody whose wait was given up', async () => {
    const detector = new SpeechDetector(clock, 500);
    const events: string[] = [];
    const givenUp = new AbortController();
    const waits = [
      detector.until('begun', new AbortController().signal).then(() => events.push('begun')),
      detector.until('ended', new AbortController().signal).then(() => events.push('ended')),
    ];
    void detector.until('ended', givenUp.signal).then(() => events.push('given up'));
    givenUp.abort();
    await heard(detector, speech(800), silence(500));
    await Promise.all(waits);
    expect(events).toEqual(['begun', 'ended']);
  });
});
