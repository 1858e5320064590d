import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sine } from '../../src/phone/tones.ts';
import type { Hearing, Key } from '../../src/ports/media.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { MediaFixture } from '../support/media-fixture.ts';
import { auditExit, readRecording } from '../support/recordings.ts';
import { steadyLevelDbm0 } from '../support/tone-search.ts';

const kTyped: readonly Key[] = [4, 2, 4, 2, 9, 0, 10, 11];
const kFrameMs = 20;
const kClamped: Hearing = { kind: 'clamped', mode: 'comfort_noise' };

let fixture: MediaFixture;
let folder: string;
beforeAll(async () => {
  fixture = await MediaFixture.start();
  folder = mkdtempSync(join(tmpdir(), 'hushpay-tape-'));
});
afterAll(async () => {
  await fixture.stop();
  rmSync(folder, { recursive: true });
});

async function openTape(name: string) {
  const path = join(folder, name);
  writeFileSync(path, '');
  const beganMs = kSystemClock.now();
  return { path, beganMs, tape: await fixture.media.openTape(path, beganMs) };
}

describe('a tape', () => {
  it('has what its channels were let hear for as long as it ran: the keys of an open voice, none of a clamped one', async () => {
    const caller = await fixture.call();
    const agent = await fixture.call();
    const open = await openTape('open.wav');
    const clamped = await openTape('clamped.wav');
    const room = await fixture.media.openRoom();
    for (const { session } of [caller, agent]) await room.join(session);
    await room.hear(agent.session, caller.session, kClamped);
    for (const [{ tape }, hearing] of [
      [open, { kind: 'open' }],
      [clamped, kClamped],
    ] as const) {
      const [left, right] = tape.channels;
      for (const channel of [left, right]) await room.join(channel);
      await room.hear(left, caller.session, hearing);
      await room.hear(right, agent.session, hearing);
    }
    await Promise.all([caller.phone.say(sine(1000, 600)), agent.phone.say(sine(400, 600))]);
    for (const key of kTyped) await caller.phone.pressTone(key, { durationMs: 80 });
    await caller.phone.silence(400);

    for (const { path, beganMs, tape } of [open, clamped]) {
      const beforeMs = kSystemClock.now();
      const end = await tape.close();
      const afterMs = kSystemClock.now();
      const { durationMs, customer, agent: told } = readRecording(path);
      expect(end?.durationMs).toBe(durationMs);
      expect(end?.lostMs).toBe(0);
      expect(durationMs).toBeGreaterThan(beforeMs - beganMs - kFrameMs);
      expect(durationMs).toBeLessThan(afterMs - beganMs + kFrameMs);
      expect(loudest(customer, 1000)).toBeGreaterThan(-13);
      expect(loudest(told, 400)).toBeGreaterThan(-13);
      expect(loudest(customer, 400)).toBeLessThan(-30); // but for the edges of the other
    }
    expect(await auditExit([open.path])).toBe(1); // so the auditor finds what there is to find
    expect(await auditExit([clamped.path])).toBe(0);
  });

  it('of a file that has gone says so, and harms nobody', async () => {
    const { path, tape } = await openTape('gone.wav');
    rmSync(path);
    const problem = new Promise((resolve) => tape.onProblem(resolve));
    expect(await problem).toMatch(/No such file/);
    const end = await tape.close();
    expect(end?.durationMs).toBeGreaterThan(0);
    expect(end?.lostMs).toBeGreaterThan(0);
  });
});

function loudest(pcm: Int16Array, hz: number): number {
  const starts = Array.from({ length: Math.floor((pcm.length - 2000) / 400) }, (_, n) => n * 400);
  return Math.max(...starts.map((at) => steadyLevelDbm0(pcm.subarray(at, at + 2000), hz)));
}
