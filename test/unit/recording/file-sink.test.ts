import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSink } from '../../../src/recording/file-sink.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeMedia } from '../../support/fake-media.ts';
import { wavFile } from '../../support/media-fixture.ts';

const kCall = { sessionId: 's-1', part: 2, topology: 'ivr', merchantId: null, beganMs: 77 } as const;
const kDayMs = 86_400_000;

let folder: string;
let clock: FakeClock;
let media: FakeMedia;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-files-'));
  clock = new FakeClock();
  media = new FakeMedia(clock);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function sinkOf(directory = folder, keepDays: number | null = 90): FileSink {
  return new FileSink({ directory, keepDays }, media, clock, new FakeLog());
}

describe('recordings in files', () => {
  it('are named by day and session, and for their owner alone', async () => {
    const recording = await sinkOf().open(kCall, await media.open());
    expect(recording.name).toBe('2026-11-21/s-1.2.wav');
    const path = join(folder, '2026-11-21/s-1.2.wav');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, '2026-11-21')).mode & 0o777).toBe(0o700);
    expect(media.tapes.map((tape) => tape.path)).toEqual([path]);
    expect(recording.ears.customer).toBe(media.tapes[0]?.channels[0]);
    expect(recording.ears.agent).toBe(media.tapes[0]?.channels[1]);
  });

  it('are not begun where none can be made, nor over one that is there', async () => {
    const beside = await media.open();
    const notAFolder = join(folder, 'file');
    writeFileSync(notAFolder, '');
    await expect(sinkOf(notAFolder).open(kCall, beside)).rejects.toMatchObject({ code: 'RECORDING_FAILED' });
    const sink = sinkOf();
    await sink.open(kCall, beside);
    await expect(sink.open(kCall, beside)).rejects.toMatchObject({ code: 'RECORDING_FAILED' });
    expect(media.tapes).toHaveLength(1);
  });

  it('pass on that the disk is full, and how they ended', async () => {
    const recording = await sinkOf().open(kCall, await media.open());
    const problems: (string | undefined)[] = [];
    recording.onProblem((problem) => problems.push(problem));
    const [tape] = media.tapes;
    tape?.has('No space left on device');
    tape?.has(undefined);
    expect(problems).toEqual(['No space left on device', undefined]);
    if (tape) tape.end = { durationMs: 5000, lostMs: 120 };
    expect(await recording.close()).toEqual({ durationMs: 5000, lostMs: 120 });
    expect(await recording.close()).toEqual({ durationMs: 5000, lostMs: 120 });
  });

  it('are waited for at the end, but not for ever', async () => {
    const sink = sinkOf();
    const recording = await sink.open(kCall, await media.open());
    let isStopped = false;
    const stopped = sink.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect(isStopped).toBe(false);
    await recording.close();
    await stopped;
    const other = sinkOf();
    await other.open({ ...kCall, part: 3 }, await media.open());
    const late = other.stop();
    await clock.advance(2_000);
    await late;
  });

  it('that a worker left behind for good say how long they are', async () => {
    const recording = await sinkOf().open(kCall, await media.open());
    const [tape] = media.tapes;
    if (!tape) throw new Error('there is a tape');
    writeFileSync(tape.path, cutOff());
    tape.end = undefined;
    expect(await recording.close()).toEqual({ durationMs: 1000, lostMs: undefined });
  });

  it('are put right at the start when the last process was cut off', async () => {
    mkdirSync(join(folder, '2026-11-20'));
    const path = join(folder, '2026-11-20/s-9.1.wav');
    writeFileSync(path, cutOff());
    writeFileSync(join(folder, '2026-11-20/s-8.1.wav'), 'no recording');
    const sink = sinkOf();
    await sink.start();
    await sink.stop();
    expect(readFileSync(path).readUInt32LE(40)).toBe(16_000);
    expect(readFileSync(path).readUInt32LE(4)).toBe(16_036);
    expect(readFileSync(join(folder, '2026-11-20/s-8.1.wav'), 'utf8')).toBe('no recording');
  });

  it.each([
    ['after so many days', 90, ['new.1.wav']],
    ['never, if they are kept for ever', null, ['new.1.wav', 'old.1.wav']],
  ])('are deleted %s; what is not ours is not', async (_, keepDays, left) => {
    const day = join(folder, '2026-11-01');
    mkdirSync(day);
    const now = clock.date().getTime();
    for (const [name, ageDays] of [
      ['old.1.wav', 91],
      ['new.1.wav', 89],
      ['notes.txt', 400],
    ] as const) {
      writeFileSync(join(day, name), wavFile(new Int16Array(80)));
      const at = new Date(now - ageDays * kDayMs);
      utimesSync(join(day, name), at, at);
    }
    const sink = sinkOf(folder, keepDays);
    await sink.start();
    await sink.stop();
    expect(readdirSync(day).toSorted()).toEqual([...left, 'notes.txt'].toSorted());
  });
});

/** A second of sound, of which the header knows half. */
function cutOff(): Uint8Array {
  const file = Buffer.from(wavFile(new Int16Array(8000)));
  file.writeUInt32LE(8000, 40);
  return file;
}
