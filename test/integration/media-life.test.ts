import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchMedia } from '../../src/media/media.ts';
import type { RtpPhone } from '../../src/phone/rtp-phone.ts';
import type { MediaEnd, MediaLink, MediaSession } from '../../src/ports/media.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { FakeLog } from '../support/fake-log.ts';
import { MediaFixture, mediaConfig, remoteOf } from '../support/media-fixture.ts';
import { isBye, receiverReport } from '../support/rtcp.ts';

const kNobody = 65_534;
const kCapIpcLock = 14n;
const kWorker = fileURLToPath(new URL('../../build/native/hushpay-media', import.meta.url));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function runningWorker(path: string, user: { uid?: number; gid?: number } = {}): Promise<ChildProcess> {
  const child = spawn(path, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], ...user });
  child.stdio[3]?.on('error', () => {});
  await once(child, 'spawn');
  // It answers a ping (command 1, empty body 10): now it is known to serve.
  const answered = once(child.stdio[3] as NodeJS.ReadableStream, 'data');
  (child.stdio[3] as NodeJS.WritableStream).write(Uint8Array.of(4, 0, 0, 0, 0x08, 1, 0x52, 0));
  await answered;
  return child;
}

/** By privilege (capabilities(7)) or because nothing bounds it. */
function mayLockMemory(pid: number | undefined): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const capabilities = BigInt(`0x${/^CapEff:\s+(\w+)/m.exec(status)?.[1]}`);
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  return (capabilities & (1n << kCapIpcLock)) !== 0n || /^Max locked memory +unlimited/m.test(limits);
}

function lockedKb(pid: number | undefined): number {
  return Number(/^VmLck:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('the worker process', () => {
  it('ends with code 0 on SIGTERM', async () => {
    const child = await runningWorker(kWorker);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('ends with code 0 when control goes away, and with an error when it hears nonsense', async () => {
    const orphan = spawn(kWorker, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    orphan.stdio[3]?.destroy();
    expect(await once(orphan, 'exit')).toEqual([0, null]);

    const confused = spawn(kWorker, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    confused.stdio[3]?.on('error', () => {});
    (confused.stdio[3] as NodeJS.WritableStream).write(Uint8Array.of(255, 255, 255, 255, 1));
    expect(await once(confused, 'exit')).toEqual([1, null]);
  });

  it('has no core file, is traced by nobody of its user, and is not swapped where it may lock its memory', async () => {
    // Root owns everything: as somebody else it shows whom the kernel gives its files to. Its folder may be closed to others.
    const isRoot = process.getuid?.() === 0;
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-worker-'));
    chmodSync(folder, 0o755);
    const worker = join(folder, 'worker');
    copyFileSync(kWorker, worker);
    const asRoot = await runningWorker(kWorker);
    const asUser = await runningWorker(worker, isRoot ? { uid: kNobody, gid: kNobody } : {});
    for (const { pid } of [asRoot, asUser]) {
      expect(readFileSync(`/proc/${pid}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    }
    // The kernel takes the files of a process that is not dumpable from its user (proc(5)).
    expect(statSync(`/proc/${asUser.pid}/mem`).uid).toBe(0);
    for (const { pid } of [asRoot, asUser]) {
      if (mayLockMemory(pid)) expect(lockedKb(pid)).toBeGreaterThan(1_000);
      else expect(lockedKb(pid)).toBe(0);
    }
    for (const child of [asRoot, asUser]) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true });
  });

  it('says why it does not start by hand', async () => {
    const child = spawn(kWorker, { stdio: ['ignore', 'ignore', 'pipe'] });
    const [line] = await once(child.stderr, 'data');
    expect(String(line)).toContain('file descriptor 3 is not open');
    const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
    expect(code).toBe(64);
  });
});

describe('starting', () => {
  it.each([
    ['is missing', '/nowhere/greeting.wav', 'No such file'],
    ['is no WAV', fileURLToPath(import.meta.url), 'no RIFF WAVE'],
  ])('rejects a clip that %s', async (_, path, why) => {
    const starting = launchMedia(mediaConfig(), [{ clip: 1, path }], kSystemClock, new FakeLog());
    await expect(starting).rejects.toMatchObject({
      code: 'PROMPT_MISSING',
      message: expect.stringMatching(new RegExp(`${path}: .*${why}.*8000 Hz; .*prompts:render`)),
    });
  });

  it('rejects a range that holds no pair', async () => {
    const starting = launchMedia(
      mediaConfig({ portMin: 4001, portMax: 4100 }),
      [],
      kSystemClock,
      new FakeLog(),
    );
    await expect(starting).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
      message: expect.stringContaining('even port'),
    });
  });

  it('rejects a worker that cannot be run', async () => {
    const starting = launchMedia(
      mediaConfig({ workerPath: '/nowhere/worker' }),
      [],
      kSystemClock,
      new FakeLog(),
    );
    await expect(starting).rejects.toMatchObject({ code: 'CHILD_FAILED' });
  });
});

describe('ports', () => {
  it('are even, given out once, and rest after close', async () => {
    const { portMin } = mediaConfig();
    const fixture = await MediaFixture.start({}, { portMin, portMax: portMin + 7, portRestMs: 60_000 });
    const { media } = fixture;
    const sessions = [];
    for (;;) {
      const session = await media.open().catch((error: unknown) => error);
      if (session instanceof Error) {
        expect(session).toMatchObject({
          code: 'MEDIA_NO_PORT',
          message: expect.stringContaining('widen media.ports'),
        });
        break;
      }
      sessions.push(session as Awaited<ReturnType<typeof media.open>>);
    }
    const ports = sessions.map((session) => session.port);
    expect(ports.length).toBeGreaterThan(0);
    expect(new Set(ports).size).toBe(ports.length);
    for (const port of ports) expect(port % 2).toBe(0);
    await sessions[0]?.close();
    await expect(media.open()).rejects.toMatchObject({ code: 'MEDIA_NO_PORT' });
    await fixture.stop();
  });

  it('are given out again when they have rested', async () => {
    const { portMin } = mediaConfig();
    const fixture = await MediaFixture.start({}, { portMin, portMax: portMin + 1, portRestMs: 0 });
    const first = await fixture.media.open();
    await first.close();
    const second = await fixture.media.open();
    expect(second.port).toBe(first.port);
    await fixture.stop();
  });

  it.each([
    ['a multicast address', { address: '239.1.2.3' }],
    ['a link-local address', { address: '169.254.1.2' }],
    ['a name', { address: 'localhost' }],
    ['another IP version', { address: '::1' }],
    ['port 0', { port: 0 }],
    ['a ptime of 25 ms', { ptimeMs: 25 }],
    ['one payload type for both', { eventPayloadType: 97, payloadType: 97 }],
  ])('refuses a remote with %s', async (_, change) => {
    const fixture = await MediaFixture.start();
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    await expect(session.connect({ ...remoteOf(phone), ...change })).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
    });
    await fixture.stop();
  });
});

describe('an address that nothing has come from', () => {
  const kLink: MediaLink = {
    protection: { kind: 'none' },
    rtcpMux: false,
    ice: null,
    learnFrom: null,
    limitsUnheard: true,
  };
  const kMostInASecond = 50; // packets of 20 ms
  let fixture: MediaFixture;
  /** Somebody who is sent to without end, to count by. */
  let other: RtpPhone;
  let silent: RtpPhone;
  let toSilent: MediaSession;
  let toOurs: MediaSession;
  let ours: MediaSession;
  let toNeighbour: MediaSession;

  beforeAll(async () => {
    fixture = await MediaFixture.start();
    [silent, other] = [await fixture.phone(), await fixture.phone()];
    const opened = await Promise.all(Array.from({ length: 4 }, () => fixture.media.open()));
    [toSilent, toOurs, ours, toNeighbour] = opened as [
      MediaSession,
      MediaSession,
      MediaSession,
      MediaSession,
    ];
    await toSilent.connect({ ...remoteOf(silent), link: kLink });
    const described = { ...remoteOf(other), port: ours.port, rtcpPort: ours.port + 1 };
    await toOurs.connect({ ...described, link: { ...kLink, limitsUnheard: false } });
    const unused = Math.max(...opened.map(({ port }) => port)) + 20;
    const neighbour = { ...described, port: unused, rtcpPort: unused + 1 };
    await toNeighbour.connect({ ...neighbour, link: { ...kLink, limitsUnheard: false } });
    await ours.connect(remoteOf(other));
    await other.until(() => other.packets.length > 2 * kMostInASecond);
  });
  afterAll(() => fixture.stop());

  it('gets a second of audio, and more once something has come', async () => {
    const sent = silent.packets.length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThanOrEqual(kMostInASecond);
    silent.connect(toSilent);
    silent.start();
    await silent.until(() => silent.packets.length > sent + 10);
    const [last, next] = silent.packets.slice(sent - 1);
    expect(next?.sequence).toBe(((last?.sequence ?? 0) + 1) & 0xffff);
  });

  it('is another leg of ours: it hears nothing of it, and is left alone after a second', async () => {
    expect((await toOurs.close()).packetsSent).toBeLessThanOrEqual(kMostInASecond);
    const stats = await ours.close();
    expect(stats.packetsReceived).toBe(0);
    expect(stats.packetsForeign).toBeGreaterThan(0);
  });

  it('is a neighbour of this machine with a port of our range that no call of ours has: it gets all', async () => {
    expect((await toNeighbour.close()).packetsSent).toBeGreaterThan(kMostInASecond);
  });

  it('is this leg itself: refused', async () => {
    const session = await fixture.media.open();
    const itself = { ...remoteOf(other), address: session.address, port: session.port };
    await expect(session.connect(itself)).rejects.toMatchObject({ code: 'MEDIA_REFUSED' });
  });
});

describe('several workers', () => {
  it('share the calls, each on ports of its own; a room and its legs are in one of them', async () => {
    const { portMin } = mediaConfig();
    const fixture = await MediaFixture.start({}, { portMin, portMax: portMin + 81, workers: 2 });
    const { media } = fixture;
    expect(media.pids).toHaveLength(2);
    const sessions = [];
    for (let leg = 0; leg < 6; leg++) sessions.push(await media.open());
    const lower = sessions.filter(({ port }) => port < portMin + 40);
    expect(lower).toHaveLength(3);
    const [first, second] = [lower[0], lower[1]];
    if (!first || !second) throw new Error('three legs have the lower ports');
    const beside = await media.open(first);
    expect(beside.port).toBeLessThan(portMin + 40);
    const room = await media.openRoom(first);
    await room.join(first);
    await room.join(beside);
    const elsewhere = sessions.find(({ port }) => port >= portMin + 40);
    if (!elsewhere) throw new Error('three legs have the upper ports');
    await expect(room.join(elsewhere)).rejects.toMatchObject({ code: 'MEDIA_REFUSED' });
    await fixture.stop();
  });
});

describe('a worker that is full', () => {
  it('refuses new sessions, and says why', async () => {
    const fixture = await MediaFixture.start({}, { maxBusy: 1e-9 }); // any work at all is too much
    await until(() => fixture.media.stats().some(({ busy }) => busy > 1e-9));
    await expect(fixture.media.open()).rejects.toMatchObject({ code: 'MEDIA_BUSY', retry: 'safe' });
    await fixture.stop();
  });
});

describe('a session', () => {
  it('does not talk to itself', async () => {
    const fixture = await MediaFixture.start();
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    const own = { ...remoteOf(phone), port: session.port, rtcpPort: session.port + 1 };
    await expect(session.connect(own)).rejects.toMatchObject({ code: 'MEDIA_REFUSED' });
    await fixture.stop();
  });
});

describe('a silent peer', () => {
  it('ends the session by time-out, once, and not while it is held', async () => {
    const fixture = await MediaFixture.start({}, { mediaTimeoutMs: 300 });
    const phone = await fixture.phone();
    const held = await fixture.media.open();
    const heldEnds: MediaEnd[] = [];
    held.onEnd((end) => heldEnds.push(end));
    await held.connect({ ...remoteOf(phone), receiving: false });
    const { session, phone: talking } = await fixture.call();
    const ends: MediaEnd[] = [];
    session.onEnd((end) => ends.push(end));
    await talking.silence(600);
    expect(ends).toEqual([]);
    talking.stop();
    await until(() => ends.length > 0);
    expect(ends).toEqual(['timeout']);
    expect(heldEnds).toEqual([]);
    await fixture.stop();
  });
});

describe('RTCP', () => {
  it('sends reports with a name, reads the round trip from ours, and says goodbye', async () => {
    const fixture = await MediaFixture.start();
    const { phone, session } = await fixture.call();
    await phone.until(() => phone.reports.length > 0);
    const report = Buffer.from(phone.reports[0] ?? []);
    expect(report[1]).toBe(200); // sender report
    const ssrc = report.readUInt32BE(4);
    expect(phone.packets[0]?.ssrc).toBe(ssrc);
    expect(report.readUInt32BE(28)).toBe(phone.ssrc); // its report block is about us
    const description = report.subarray(4 * (report.readUInt16BE(2) + 1));
    expect(description[1]).toBe(202);
    expect(description[8]).toBe(1); // CNAME
    expect(description.subarray(10, 10 + (description[9] ?? 0)).toString()).toMatch(/^[0-9a-f]{16,}$/);

    phone.sendRtcp(receiverReport(phone.ssrc, ssrc, report.readUInt32BE(10), 64));
    phone.sendRtcp(Uint8Array.of(0x81, 201, 0, 7, 1)); // cut short: counted, no more
    await phone.silence(60);
    const stats = await session.close();
    expect(stats.roundTripMs).toBeGreaterThan(0);
    await phone.until(() => phone.reports.some((datagram) => isBye(Buffer.from(datagram))));
    await fixture.stop();
  });
});
