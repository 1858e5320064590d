// A thread of its own: a year of sessions takes seconds to count, and calls do not wait for that.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { ReportReader } from './report-reader.ts';
import type { ReportAnswer, ReportQuestion } from './report-thread.ts';

const database = new Database(String(workerData), { readonly: true });
const reader = new ReportReader(database);

parentPort?.on('message', (question: ReportQuestion) => {
  parentPort?.postMessage(answer(question));
});

function answer({ id, kind, scope }: ReportQuestion): ReportAnswer {
  try {
    return { id, rows: reader[kind](scope) };
  } catch (error) {
    return { id, trouble: error instanceof Error ? error.message : 'unknown' };
  }
}
