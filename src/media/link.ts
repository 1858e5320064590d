import { AppError } from '../errors.ts';
import type { CommandBody, WorkerChannel } from './channel.ts';
import type { Reply } from './generated/media_pb.ts';

/**
 * The way to the process that stands for one worker now, and to the one that comes after it. Sessions and rooms keep the link, not the
 * channel: their commands wait while there is no process.
 *
 *   up ── suspend() ──> waiting ── resume() ──> up
 *                          └────── lose() ────> waiting, those who waited are told
 */
export class WorkerLink {
  #channel: WorkerChannel | undefined;
  #change = Promise.withResolvers<void>();
  #lost = false;

  /** The process that carries everything now; undefined while there is none. */
  get channel(): WorkerChannel | undefined {
    return this.#channel;
  }

  suspend(): void {
    this.#channel = undefined;
  }

  resume(channel: WorkerChannel): void {
    this.#channel = channel;
    this.#lost = false;
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** No process comes, for now: whoever waits is refused. */
  lose(): void {
    this.#channel = undefined;
    this.#lost = true;
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** Asks the process, or the next one if it dies before it has answered. @throws AppError MEDIA_UNAVAILABLE if none comes. */
  async request(body: CommandBody): Promise<Reply> {
    for (;;) {
      if (this.#lost) throw workerGone();
      const channel = this.#channel;
      if (!channel) {
        await this.#change.promise;
        continue;
      }
      try {
        return await channel.request(body);
      } catch (error) {
        if (!channel.lost) throw error;
        if (this.#channel === channel) this.suspend();
      }
    }
  }
}

export function workerGone(): AppError {
  return new AppError('MEDIA_UNAVAILABLE', 'the media worker has gone');
}
