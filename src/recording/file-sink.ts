import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaSession, MediaTape, Unsubscribe } from '../ports/media.ts';
import type { RecordedCall, Recording, RecordingEnd, RecordingSink } from '../ports/recording.ts';
import { settleLength } from './wav-file.ts';

export interface FileSinkOptions {
  readonly directory: string;
  /** Files older than this are deleted; null: never. */
  readonly keepDays: number | null;
}

const kFolderMode = 0o700;
const kFileMode = 0o600;
const kDayMs = 86_400_000;
const kSweepMs = 3_600_000;
const kLastMs = 2_000;
/** A folder of a day (UTC), and a file: the session, and which stretch of its call. */
const kDayName = /^\d{4}-\d{2}-\d{2}$/;
const kFileName = /^[\w-]{1,80}\.\d{1,4}\.wav$/;

/**
 * Recordings as WAV files, `2026-11-22/<session>.<part>.wav`: left the customer, right what the customer is told. The media worker writes
 * them; here they are named, made, and deleted when they are old. start() once, stop() at the end.
 */
export class FileSink implements RecordingSink {
  readonly kind = 'file';
  readonly #options: FileSinkOptions;
  readonly #plane: MediaPlane;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #open = new Set<string>();
  #onIdle: () => void = () => {};
  #cancel: Cancel = () => {};

  constructor(options: FileSinkOptions, plane: MediaPlane, clock: Clock, log: Log) {
    this.#options = options;
    this.#plane = plane;
    this.#clock = clock;
    this.#log = log;
  }

  /** Puts right what an earlier process was cut off in. Never rejects. */
  async start(): Promise<void> {
    await this.#each(async (name) => {
      await settleLength(this.#path(name));
    });
    await this.#sweep();
  }

  /** Waits a moment for what is just being completed; a disk that takes longer is left to the worker. */
  async stop(): Promise<void> {
    this.#cancel();
    if (this.#open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const cancel = this.#clock.schedule(kLastMs, resolve);
    await promise;
    cancel();
  }

  #close(name: string): void {
    this.#open.delete(name);
    if (this.#open.size === 0) this.#onIdle();
  }

  async open({ sessionId, part, beganMs }: RecordedCall, beside: MediaSession): Promise<Recording> {
    const day = this.#clock.date().toISOString().slice(0, 10);
    const name = `${day}/${sessionId}.${part}.wav`;
    await this.#make(day, name);
    this.#open.add(name);
    try {
      const tape = await this.#plane.openTape(this.#path(name), beganMs, beside);
      return new FileRecording(name, this.#path(name), tape, () => this.#close(name));
    } catch (error) {
      this.#close(name);
      await rm(this.#path(name), { force: true });
      throw error;
    }
  }

  async #make(day: string, name: string): Promise<void> {
    try {
      await mkdir(join(this.#options.directory, day), { recursive: true, mode: kFolderMode });
      const file = await open(this.#path(name), 'wx', kFileMode);
      await file.close();
    } catch (error) {
      throw new AppError(
        'RECORDING_FAILED',
        `no recording can be made in ${this.#options.directory}; see that the folder is there, writable and not full`,
        error,
      );
    }
  }

  async #sweep(): Promise<void> {
    const { keepDays } = this.#options;
    const before = this.#clock.date().getTime() - (keepDays ?? 0) * kDayMs;
    let deleted = 0;
    if (keepDays !== null) {
      await this.#each(async (name) => {
        if (this.#open.has(name)) return;
        const { mtimeMs } = await stat(this.#path(name));
        if (mtimeMs >= before) return;
        await rm(this.#path(name), { force: true });
        deleted++;
      });
    }
    if (deleted > 0) this.#log.info({ deleted, keepDays }, 'recordings that were old enough are deleted');
    this.#cancel = this.#clock.schedule(kSweepMs, () => void this.#sweep());
  }

  /** Every recording there is. */
  async #each(visit: (name: string) => Promise<void>): Promise<void> {
    for (const day of (await namesIn(this.#options.directory)).filter((name) => kDayName.test(name))) {
      const files = await namesIn(join(this.#options.directory, day));
      for (const file of files.filter((name) => kFileName.test(name))) {
        await visit(`${day}/${file}`).catch((error: unknown) =>
          this.#log.warn({ err: error, name: `${day}/${file}` }, 'a recording could not be looked after'),
        );
      }
    }
  }

  #path(name: string): string {
    return join(this.#options.directory, name);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []); // there is none yet
}

class FileRecording implements Recording {
  readonly name: string;
  readonly ears: Recording['ears'];
  readonly #path: string;
  readonly #tape: MediaTape;
  readonly #onClosed: () => void;
  #closing: Promise<RecordingEnd> | undefined;

  constructor(name: string, path: string, tape: MediaTape, onClosed: () => void) {
    this.name = name;
    this.#path = path;
    this.#tape = tape;
    this.#onClosed = onClosed;
    const [customer, agent] = tape.channels;
    this.ears = { customer, agent };
  }

  tellParties(): void {} // the record has them

  onProblem(listener: (problem: string | undefined) => void): Unsubscribe {
    return this.#tape.onProblem(listener);
  }

  close(): Promise<RecordingEnd> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<RecordingEnd> {
    try {
      const end = await this.#tape.close();
      return end ?? { durationMs: await settleLength(this.#path), lostMs: undefined };
    } finally {
      this.#onClosed();
    }
  }
}
