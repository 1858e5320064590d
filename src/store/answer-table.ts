import { randomUUID } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { KeptAnswer, KeptAnswers, KnownRequest, RequestName } from '../ports/kept-answers.ts';

interface AnswerRow {
  readonly digest: string;
  readonly process: string;
  readonly status: number | null;
  readonly content_type: string | null;
  readonly location: string | null;
  readonly body: string | null;
}

const kKeptMs = 24 * 3_600_000;

/** Answers by caller and idempotency key. */
export class AnswerTable implements KeptAnswers {
  readonly #statements: ReturnType<typeof prepare>;
  /** So that what another process left undone is known for it. */
  readonly #process = randomUUID();

  constructor(database: Database.Database) {
    this.#statements = prepare(database);
  }

  begin({ caller, key }: RequestName, digest: string, at: string): KnownRequest {
    this.#statements.forgetOld.run(new Date(Date.parse(at) - kKeptMs).toISOString());
    const { changes } = this.#statements.begin.run({ caller, key, digest, process: this.#process, at });
    if (changes === 1) return { kind: 'new' };
    const row = this.#statements.find.get(caller, key);
    if (!row || row.digest !== digest) return { kind: 'another' };
    const { status, content_type: contentType, location, body } = row;
    if (status === null) return { kind: 'begun', isOurs: row.process === this.#process };
    return {
      kind: 'answered',
      answer: { status, contentType: contentType ?? '', location, body: body ?? '' },
    };
  }

  finish({ caller, key }: RequestName, answer: KeptAnswer): void {
    this.#statements.finish.run({ caller, key, ...answer });
  }

  forget({ caller, key }: RequestName): void {
    this.#statements.forget.run(caller, key);
  }
}

function prepare(database: Database.Database) {
  return {
    begin: database.prepare<[object]>(
      `INSERT INTO answer (caller, key, digest, process, at) VALUES (@caller, @key, @digest, @process, @at)
       ON CONFLICT DO NOTHING`,
    ),
    find: database.prepare<[string, string], AnswerRow>('SELECT * FROM answer WHERE caller = ? AND key = ?'),
    finish: database.prepare<[object]>(
      `UPDATE answer SET status = @status, content_type = @contentType, location = @location, body = @body
       WHERE caller = @caller AND key = @key`,
    ),
    forget: database.prepare<[string, string]>('DELETE FROM answer WHERE caller = ? AND key = ?'),
    forgetOld: database.prepare<[string]>('DELETE FROM answer WHERE at < ?'),
  };
}
