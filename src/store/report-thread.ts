import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import type { AuditAnchor, AuditVerdict } from '../ports/audit.ts';
import type { Journeys, ReportRows, ReportScope, Reports } from '../ports/reports.ts';

export interface ReportFiles {
  /** The store, which has been opened before. */
  readonly file: string;
  readonly auditKeyFile: string;
}

export interface ReportQuestion {
  readonly id: number;
  readonly ask:
    | { readonly kind: 'read' | 'journeys'; readonly scope: ReportScope }
    | { readonly kind: 'verify'; readonly anchor?: AuditAnchor };
}

type Answer = ReportRows | Journeys | AuditVerdict;

export type ReportAnswer =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly trouble: string };

/** Reports, and whether the audit is as it was written, read by a thread that starts with the first one and starts again after it has died. Made by main, closed by it. */
export class ReportThread implements Reports {
  readonly #files: ReportFiles;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(files: ReportFiles) {
    this.#files = files;
  }

  read(scope: ReportScope): Promise<ReportRows> {
    return this.#ask({ kind: 'read', scope });
  }

  journeys(scope: ReportScope): Promise<Journeys> {
    return this.#ask({ kind: 'journeys', scope });
  }

  /** @param anchor - an earlier head, which must still be in the chain. @throws AppError STORE_FAILED */
  verifyAudit(anchor?: AuditAnchor): Promise<AuditVerdict> {
    return this.#ask({ kind: 'verify', ...(anchor && { anchor }) });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  /** The answer is what belongs to the kind of question. */
  #ask<A extends Answer>(ask: ReportQuestion['ask']): Promise<A> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answer);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, ask } satisfies ReportQuestion);
    return answer.promise as Promise<A>;
  }

  #start(): Worker {
    const worker = new Worker(new URL('./report-worker.ts', import.meta.url), { workerData: this.#files });
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
        reject(failure(this.#files.file, trouble));
      }
    });
    return worker;
  }

  #onAnswer(answer: ReportAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('answer' in answer) waiting?.resolve(answer.answer);
    else waiting?.reject(failure(this.#files.file, answer.trouble));
  }
}

function failure(file: string, trouble: string): AppError {
  return new AppError(
    'STORE_FAILED',
    `store ${file}: a report could not be read: ${trouble}. Nothing was changed; ask again.`,
  );
}
