import { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';

const kEveryMs = 5_000;

/**
 * Moves the write-ahead log into the database, on a thread of its own: it waits for the disk twice each time, and calls do not wait for that. Writers go
 * on meanwhile. Made by main, closed by it before the store; a thread that died is started again.
 */
export class CheckpointThread {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #worker: Worker | undefined;
  #cancel: Cancel = () => {};

  /** @param file - the store, which has been opened before. */
  constructor(file: string, clock: Clock, log: Log) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#cancel = this.#clock.schedule(kEveryMs, () => {
      this.#worker ??= this.#begin();
      this.#worker.postMessage('checkpoint');
      this.start();
    });
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: this.#file });
    worker.unref();
    worker.on('error', (error) => this.#log.error({ err: error }, 'the log of the store was not moved'));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}
