import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { launchMedia } from '../../src/media/media.ts';
import { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { type Key, kSrtpKeySizes, type MediaEnd, type SrtpSuite } from '../../src/ports/media.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeLog } from '../support/fake-log.ts';
import { MediaFixture, mediaConfig, noise, remoteOf } from '../support/media-fixture.ts';

const kWorker = fileURLToPath(new URL('../../build/native/hushpay-media', import.meta.url));
const kGivenUpMs = 5_000;
const kSuites = Object.keys(kSrtpKeySizes) as SrtpSuite[];
const kOptions = { bargeIn: true, lookahead: 8 };
const never = (): AbortSignal => new AbortController().signal;

/** Takes the process away as it is, and waits until another has come. */
async function takeAway({ media }: MediaFixture, signal: NodeJS.Signals): Promise<void> {
  const [pid] = media.pids;
  const { restarts } = media;
  kill(pid ?? 0, signal);
  await anotherWorker(media, restarts);
  expect(media.pids).not.toEqual([pid]);
}

/** Is there once a worker is up that was started after `restarts` others. */
async function anotherWorker(media: MediaFixture['media'], restarts: number): Promise<void> {
  await expect.poll(() => media.restarts > restarts && media.up, { interval: 5 }).toBe(true);
}

it('a worker that is ready only when its calls have been given up is followed by one that takes calls', async () => {
  const clock = new FakeClock();
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-worker-'));
  const [workerPath, gate] = [join(folder, 'worker'), join(folder, 'gate')];
  execFileSync('mkfifo', [gate]);
  const worker = mediaConfig().workerPath ?? kWorker;
  writeFileSync(workerPath, `#!/bin/sh\nread -r _ <'${gate}'\nexec '${worker}' "$@"\n`, { mode: 0o755 });
  const letStart = (): Promise<void> => writeFile(gate, 'go\n');
  const launched = launchMedia(mediaConfig({ workerPath }), [], clock, new FakeLog());
  await letStart();
  const media = await launched;
  const session = await media.open();
  const ends: MediaEnd[] = [];
  session.onEnd((end) => ends.push(end));
  kill(media.pids[0] ?? 0, 'SIGKILL');
  await expect.poll(() => media.up, { interval: 1 }).toBe(false);
  await clock.advance(kGivenUpMs); // the next process has been started meanwhile, and is not ready
  expect(ends).toEqual(['worker_lost']);
  await letStart();
  await expect.poll(() => clock.advance(100).then(() => media.restarts), { interval: 20 }).toBe(2);
  await letStart();
  await expect.poll(() => media.up).toBe(true);
  const phone = await RtpPhone.open();
  await (await media.open()).connect(remoteOf(phone));
  phone.close();
  await media.stop();
  rmSync(folder, { recursive: true });
});

describe('calls whose worker is killed', () => {
  it('go on in the next one: same port, same stream, no number twice', async () => {
    const fixture = await MediaFixture.start();
    const calls = await Promise.all(Array.from({ length: 8 }, () => fixture.call()));
    await Promise.all(calls.map(({ phone }) => phone.until(() => phone.packets.length > 10)));
    const before = calls.map(({ phone }) => phone.packets.length);
    await takeAway(fixture, 'SIGKILL');
    await Promise.all(
      calls.map(({ phone }, index) => phone.until(() => phone.packets.length > (before[index] ?? 0) + 20)),
    );
    for (const { phone, session } of calls) {
      expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1);
      expect(new Set(phone.packets.map(({ sequence }) => sequence)).size).toBe(phone.packets.length);
      expect(isRising(phone)).toBe(true);
      expect((await session.close()).packetsSent).toBeGreaterThan(before[0] ?? 0);
    }
    await fixture.stop();
  });

  it('are told apart again on a port they share', async () => {
    const fixture = await MediaFixture.start();
    const dialled: Key[] = [1, 2, 3, 4];
    const calls = await Promise.all(dialled.map(() => fixture.call({}, {}, { sharesPort: true })));
    expect(new Set(calls.map(({ session }) => session.port)).size).toBe(1);
    await takeAway(fixture, 'SIGKILL');
    await Promise.all(
      calls.map(async ({ phone, keys }, index) => {
        const before = phone.packets.length;
        await phone.until(() => phone.packets.length > before + 5);
        await phone.dial(dialled.slice(index, index + 1), 'event');
        await phone.until(() => keys.length > 0);
      }),
    );
    expect(calls.map(({ keys }) => keys.map(({ key }) => key))).toEqual(dialled.map((key) => [key]));
    await fixture.stop();
  });

  it('have their prompts begin the sentence again', async () => {
    const fixture = await MediaFixture.start({ 1: noise(200, 1), 2: noise(400, 2) });
    const { phone, session } = await fixture.call();
    const items = [{ clip: 1 }, { silenceMs: 100 }, { clip: 2 }];
    const playing = session.play(items, kOptions, never());
    await phone.until(() => heardOf(phone, noise(400, 2), 100) > 0);
    await takeAway(fixture, 'SIGKILL');
    expect(await playing).toBe('finished');
    expect(heardOf(phone, noise(200, 1), 150)).toBe(1);
    expect(heardOf(phone, noise(400, 2), 350)).toBe(1); // whole, the second time
    await fixture.stop();
  });

  it('take the keys that come later, and none twice', async () => {
    const fixture = await MediaFixture.start();
    const { phone, keys } = await fixture.call();
    await phone.dial([1, 2], 'event');
    await phone.dial([3], 'tone');
    await phone.until(() => keys.length === 3);
    const down = phone.pressEvent(4, { durationMs: 600 });
    await phone.until(() => keys.length === 4);
    await takeAway(fixture, 'SIGKILL');
    await down;
    await phone.silence(100);
    await phone.dial([4], 'event');
    await phone.dial([5], 'tone');
    await phone.until(() => keys.length === 6);
    await phone.silence(200);
    expect(keys.map(({ key }) => key)).toEqual([1, 2, 3, 4, 4, 5]);
    await fixture.stop();
  });

  it.each(kSuites)('keep their keys and their roll-over counters (%s)', async (suite) => {
    const fixture = await MediaFixture.start();
    const keys = {
      suite,
      send: randomBytes(kSrtpKeySizes[suite]),
      receive: randomBytes(kSrtpKeySizes[suite]),
    };
    const phone = await fixture.phone({ firstSequence: 65_500 }); // rolls over before the worker is killed
    phone.secure(keys);
    const session = await fixture.media.open();
    const reports: number[] = [];
    session.onKey(({ key }) => reports.push(key));
    const protection = { kind: 'sdes', suite, sendKey: keys.receive, receiveKey: keys.send } as const;
    const link = { protection, rtcpMux: false, ice: null, learnFrom: null };
    await session.connect({ ...remoteOf(phone), link });
    phone.connect(session);
    phone.start();
    await phone.dial([1, 2, 3], 'event');
    await phone.until(() => reports.length === 3);
    await takeAway(fixture, 'SIGKILL');
    const before = phone.packets.length;
    await phone.dial([4], 'tone');
    await phone.until(() => reports.length === 4 && phone.packets.length > before + 10);
    expect(reports).toEqual([1, 2, 3, 4]);
    expect(phone.unreadable).toBe(0);
    expect(new Set(phone.packets.map(({ sequence }) => sequence)).size).toBe(phone.packets.length);
    expect(await session.close()).toMatchObject({ packetsForged: 0 });
    await fixture.stop();
  });

  it('are served by the next one when they are opened or closed meanwhile', async () => {
    const fixture = await MediaFixture.start();
    const { session } = await fixture.call();
    const { restarts } = fixture.media;
    kill(fixture.media.pids[0] ?? 0, 'SIGSTOP'); // so that it cannot answer before it dies
    const opening = fixture.media.open();
    const refused = expect(opening).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE', retry: 'safe' });
    const closing = session.close();
    kill(fixture.media.pids[0] ?? 0, 'SIGKILL');
    await refused;
    await closing;
    await anotherWorker(fixture.media, restarts);
    await (await fixture.media.open()).close();
    await fixture.stop();
  });
});

describe('calls whose worker hangs', () => {
  it('go on in another one', async () => {
    const fixture = await MediaFixture.start();
    const { phone, keys } = await fixture.call();
    await phone.until(() => phone.packets.length > 5);
    await takeAway(fixture, 'SIGSTOP');
    await phone.dial([7], 'event');
    await phone.until(() => keys.length === 1);
    expect(fixture.log.lines.some(({ message }) => message.includes('hangs'))).toBe(true);
    await fixture.stop();
  });
});

describe('calls for which no worker comes', () => {
  it('end with worker_lost', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-worker-'));
    const workerPath = join(folder, 'worker');
    copyFileSync(kWorker, workerPath);
    const fixture = await MediaFixture.start({ 1: noise(60_000, 1) }, { workerPath });
    const { session } = await fixture.call();
    const ended = new Promise<MediaEnd>((resolve) => session.onEnd(resolve));
    const playing = session.play([{ clip: 1 }], kOptions, never());
    rmSync(folder, { recursive: true });
    kill(fixture.media.pids[0] ?? 0, 'SIGKILL');
    expect(await ended).toBe('worker_lost');
    expect(await playing).toBe('stopped');
    expect(fixture.media.up).toBe(false);
    expect(await session.close()).toMatchObject({ packetsSent: 0 });
    await fixture.stop();
  });
});

function isRising({ packets }: RtpPhone): boolean {
  return packets.every(({ timestamp }, index) => {
    const before = packets[index - 1];
    return !before || ((timestamp - before.timestamp) | 0) > 0;
  });
}

/** How often the first so many milliseconds of a clip are in what the phone has heard. */
function heardOf(phone: RtpPhone, clip: Int16Array, durationMs: number): number {
  const heard = phone.received();
  const wanted = clip.subarray(0, durationMs * 8);
  let found = 0;
  for (let at = 0; at + wanted.length <= heard.length; at++) {
    if (isNear(heard, at, wanted)) found++;
  }
  return found;
}

/** Equal but for what G.711 takes away. */
function isNear(heard: Int16Array, at: number, wanted: Int16Array): boolean {
  return wanted.every((sample, index) => {
    const error = Math.abs((heard[at + index] ?? 0) - sample);
    return error <= 16 + Math.abs(sample) / 16;
  });
}
