import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { launchMedia, type Media, type MediaConfig } from '../../src/media/media.ts';
import { RtpPhone, type RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import type { KeyReport, MediaRemote, MediaSession, OpenOptions } from '../../src/ports/media.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { FakeLog } from './fake-log.ts';

/** Path of a worker built with sanitizers, to run the same tests on it. */
const kOtherWorker = process.env['HUSHPAY_TEST_MEDIA_WORKER'];

/** A real media worker with clips of the test's own; stop() removes all of it. */
export class MediaFixture {
  readonly media: Media;
  readonly log: FakeLog;
  readonly #folder: string;
  readonly #phones: RtpPhone[] = [];

  /** @param clips - samples by clip number. */
  static async start(
    clips: Readonly<Record<number, Int16Array>> = {},
    config: Partial<MediaConfig> = {},
  ): Promise<MediaFixture> {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-media-'));
    const files = Object.entries(clips).map(([clip, pcm]) => {
      const path = join(folder, `${clip}.wav`);
      writeFileSync(path, wavFile(pcm));
      return { clip: Number(clip), path };
    });
    const log = new FakeLog();
    try {
      return new MediaFixture(await launchMedia(mediaConfig(config), files, kSystemClock, log), log, folder);
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  private constructor(media: Media, log: FakeLog, folder: string) {
    this.media = media;
    this.log = log;
    this.#folder = folder;
  }

  /** A phone and a session that are connected with each other; the phone sends already. */
  async call(
    options: RtpPhoneOptions = {},
    remote: Partial<MediaRemote> = {},
    open: OpenOptions = {},
  ): Promise<{ phone: RtpPhone; session: MediaSession; keys: KeyReport[] }> {
    const phone = await this.phone(options);
    const session = await this.media.open(undefined, open);
    const keys: KeyReport[] = [];
    session.onKey((report) => keys.push({ ...report }));
    await session.connect({ ...remoteOf(phone), ...remote });
    phone.connect(session);
    phone.start();
    return { phone, session, keys };
  }

  async phone(options: RtpPhoneOptions = {}): Promise<RtpPhone> {
    const phone = await RtpPhone.open(options);
    this.#phones.push(phone);
    return phone;
  }

  async stop(): Promise<void> {
    for (const phone of this.#phones) phone.close();
    await this.media.stop();
    rmSync(this.#folder, { recursive: true });
    const output = this.log.lines.filter((line) => line.message === 'output of the media worker');
    if (output.length > 0) throw new Error(`the worker complained: ${inspect(output)}`); // a sanitizer's report, say
  }
}

/** What the phone would have agreed on in SDP. */
export function remoteOf(phone: RtpPhone): MediaRemote {
  return {
    address: phone.address,
    port: phone.port,
    rtcpPort: phone.rtcpPort,
    codec: phone.codec,
    payloadType: phone.payloadType,
    eventPayloadType: phone.eventPayloadType,
    ptimeMs: phone.ptimeMs,
    sending: true,
    receiving: true,
  };
}

/** A range of its own for each test; what another program holds of it is passed over by the worker. */
export function mediaConfig(config: Partial<MediaConfig> = {}): MediaConfig {
  const portMin = 2 * randomInt(5_000, 29_000);
  return {
    bindAddress: '127.0.0.1',
    portMin,
    portMax: portMin + 199,
    mediaTimeoutMs: 0,
    portRestMs: 0,
    maxBusy: 1,
    ...(kOtherWorker === undefined ? {} : { workerPath: kOtherWorker }),
    ...config,
  };
}

/** 16-bit mono PCM. */
export function wavFile(pcm: Int16Array, sampleRateHz = 8000): Uint8Array {
  const file = Buffer.alloc(44 + pcm.length * 2);
  file.write('RIFF', 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(sampleRateHz, 24);
  file.writeUInt32LE(sampleRateHz * 2, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36);
  file.writeUInt32LE(pcm.length * 2, 40);
  pcm.forEach((sample, index) => {
    file.writeInt16LE(sample, 44 + index * 2);
  });
  return file;
}

/** Audio that is nowhere like itself, so that a sample out of place shows. */
export function noise(durationMs: number, seed: number): Int16Array {
  let state = seed >>> 0;
  return Int16Array.from({ length: durationMs * 8 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 18) - 8192;
  });
}
