import { AppError } from '../../src/errors.ts';
import type { MediaSession, Unsubscribe } from '../../src/ports/media.ts';
import type { Role } from '../../src/ports/payment-sessions.ts';
import type { RecordedCall, Recording, RecordingEnd, RecordingSink } from '../../src/ports/recording.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeMedia, type FakeMediaSession } from './fake-media.ts';

/** A recording nobody keeps. */
export class FakeRecording implements Recording {
  readonly name: string | null;
  readonly ears: { readonly customer: FakeMediaSession; readonly agent: FakeMediaSession };
  readonly told: (readonly Role[])[] = [];
  closed = 0;
  readonly #listeners = new Set<(problem: string | undefined) => void>();

  constructor(name: string | null, ears: FakeRecording['ears']) {
    this.name = name;
    this.ears = ears;
  }

  tellParties(roles: readonly Role[]): void {
    this.told.push(roles);
  }

  onProblem(listener: (problem: string | undefined) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  has(problem: string | undefined): void {
    for (const listener of [...this.#listeners]) listener(problem);
  }

  async close(): Promise<RecordingEnd> {
    this.closed++;
    return { durationMs: 1000, lostMs: 0 };
  }
}

/** Where recordings go that nobody keeps. */
export class FakeSink implements RecordingSink {
  readonly kind: RecordingSink['kind'];
  readonly calls: RecordedCall[] = [];
  readonly recordings: FakeRecording[] = [];
  /** It cannot record now. */
  fails = false;
  /** What it waits for before it can. */
  ready: Promise<void> = Promise.resolve();
  readonly #media = new FakeMedia(new FakeClock());

  constructor(kind: RecordingSink['kind'] = 'file') {
    this.kind = kind;
  }

  get last(): FakeRecording {
    const recording = this.recordings.at(-1);
    if (!recording) throw new Error('nothing was recorded');
    return recording;
  }

  async open(call: RecordedCall, _beside: MediaSession): Promise<FakeRecording> {
    if (this.fails) throw new AppError('RECORDING_FAILED', 'no room');
    this.calls.push(call);
    await this.ready;
    const name = this.kind === 'file' ? `day/${call.sessionId}.${call.part}.wav` : null;
    const ears = { customer: await this.#media.open(), agent: await this.#media.open() };
    const recording = new FakeRecording(name, ears);
    this.recordings.push(recording);
    return recording;
  }
}
