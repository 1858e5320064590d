import type { MediaTape, TapeEnd, Unsubscribe } from '../ports/media.ts';
import type { TapeState } from './generated/media_pb.ts';
import type { WorkerSession } from './session.ts';

/** A tape in a worker. Made by the worker's openTape(), closed by whoever asked for it. */
export class WorkerTape implements MediaTape {
  readonly channels: readonly [WorkerSession, WorkerSession];
  readonly #onClosed: () => void;
  readonly #listeners = new Set<(problem: string | undefined) => void>();
  readonly #ended = Promise.withResolvers<TapeEnd | undefined>();
  #isOver = false;
  #closing: Promise<TapeEnd | undefined> | undefined;

  constructor(channels: readonly [WorkerSession, WorkerSession], onClosed: () => void) {
    this.channels = channels;
    this.#onClosed = onClosed;
  }

  onProblem(listener: (problem: string | undefined) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** An event of the worker that names this tape. */
  receive({ hasEnded, problem, durationMs, lostMs }: TapeState): void {
    if (hasEnded) this.#ended.resolve({ durationMs: Number(durationMs), lostMs: Number(lostMs) });
    else for (const listener of [...this.#listeners]) listener(problem === '' ? undefined : problem);
  }

  /** The process has died, and with it what it had not told. A tape that is not over goes on in the next one. */
  suspend(): void {
    if (this.#isOver) this.lose();
  }

  /** The worker has gone for good. */
  lose(): void {
    this.#ended.resolve(undefined);
  }

  close(): Promise<TapeEnd | undefined> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<TapeEnd | undefined> {
    await Promise.all(this.channels.map((channel) => channel.close()));
    this.#isOver = true;
    const end = await this.#ended.promise;
    this.#listeners.clear();
    this.#onClosed();
    return end;
  }
}
