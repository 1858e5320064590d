// A thread of its own: a year of sessions takes seconds to count, and calls do not wait for that.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { AuditChain } from './audit-chain.ts';
import { auditKey } from './audit-key.ts';
import { limitPageCache } from './page-cache.ts';
import { ReportReader } from './report-reader.ts';
import type { ReportAnswer, ReportFiles, ReportQuestion } from './report-thread.ts';

const { file, auditKeyFile }: ReportFiles = workerData;
const database = new Database(file, { readonly: true });
limitPageCache(database);
const reader = new ReportReader(database);

parentPort?.on('message', ({ id, ask }: ReportQuestion) => {
  parentPort?.postMessage(answer(id, ask));
});

function answer(id: number, ask: ReportQuestion['ask']): ReportAnswer {
  try {
    if (ask.kind === 'verify') {
      return { id, answer: new AuditChain(database, auditKey(auditKeyFile)).verify(ask.anchor) };
    }
    return { id, answer: reader[ask.kind](ask.scope) };
  } catch (error) {
    return { id, trouble: error instanceof Error ? error.message : 'unknown' };
  }
}
