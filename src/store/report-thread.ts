import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import type { Journeys, ReportRows, ReportScope, Reports } from '../ports/reports.ts';

export interface ReportQuestion {
  readonly id: number;
  readonly kind: 'read' | 'journeys';
  readonly scope: ReportScope;
}

export type ReportAnswer =
  | { readonly id: number; readonly rows: ReportRows | Journeys }
  | { readonly id: number; readonly trouble: string };

/** Reports, read by a thread that starts with the first one and starts again after it has died. Made by main, closed by it. */
export class ReportThread implements Reports {
  readonly #file: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<ReportRows & Journeys>>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** @param file - the store, which has been opened before. */
  constructor(file: string) {
    this.#file = file;
  }

  read(scope: ReportScope): Promise<ReportRows> {
    return this.#ask('read', scope);
  }

  journeys(scope: ReportScope): Promise<Journeys> {
    return this.#ask('journeys', scope);
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** @returns what belongs to the kind of question. */
  #ask(kind: ReportQuestion['kind'], scope: ReportScope): Promise<ReportRows & Journeys> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<ReportRows & Journeys>();
    this.#waiting.set(id, answer);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, kind, scope } satisfies ReportQuestion);
    return answer.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./report-worker.ts', import.meta.url), { workerData: this.#file });
    worker.unref();
    worker.on('message', (answer: ReportAnswer) => this.#onAnswer(answer));
    let trouble = 'its thread ended';
    worker.on('error', (error) => {
      trouble = error.message;
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, { reject }] of this.#waiting) {
        this.#waiting.delete(id);
        reject(failure(this.#file, trouble));
      }
    });
    return worker;
  }

  #onAnswer(answer: ReportAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('rows' in answer) waiting?.resolve(answer.rows as ReportRows & Journeys);
    else waiting?.reject(failure(this.#file, answer.trouble));
  }
}

function failure(file: string, trouble: string): AppError {
  return new AppError(
    'STORE_FAILED',
    `store ${file}: a report could not be read: ${trouble}. Nothing was changed; ask again.`,
  );
}
