import { beforeEach, describe, expect, it } from 'vitest';
import { KeyingGuard } from '../../../src/call/keying-guard.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let guard: KeyingGuard;
let rests: number;

beforeEach(() => {
  clock = new FakeClock();
  rests = 0;
  guard = new KeyingGuard(clock, () => rests++);
});

describe('behind a payment', () => {
  it('the customer is taken to have stopped five seconds after the end, or after the last key since', async () => {
    guard.begin();
    await clock.advance(4_900);
    guard.key();
    await clock.advance(4_900);
    expect(rests).toBe(0);
    await clock.advance(100);
    expect(rests).toBe(1);
  });

  it('somebody who keys without end is heard after half a minute', async () => {
    guard.begin();
    for (let second = 0; second < 29; second++) {
      await clock.advance(1_000);
      guard.key();
    }
    expect(rests).toBe(0);
    await clock.advance(1_000);
    expect(rests).toBe(1);
  });

  it('another payment begins, or the call ends, and nothing is told', async () => {
    guard.begin();
    guard.stop();
    guard.key();
    await clock.advance(60_000);
    expect(rests).toBe(0);
  });
});
