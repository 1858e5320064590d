import { AppError } from '../../src/errors.ts';
import type {
  AttemptJournal,
  AttemptKey,
  AttemptRecord,
  AttemptState,
  Lease,
  OpenAttemptRecord,
  SessionRecord,
  SessionRecords,
} from '../../src/ports/store.ts';

const kMayHaveCharged: ReadonlySet<AttemptState> = new Set(['SUBMITTING', 'APPROVED', 'UNKNOWN', 'MANUAL']);

/** Session rows and attempt rows in memory, with the refusals the real store has. Turn `broken` on for a full disk. */
export class FakeStore implements SessionRecords, AttemptJournal {
  broken = false;
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #attempts = new Map<string, AttemptRecord>();
  readonly #begunMs = new Map<string, number>();
  readonly #uptime: (() => number) | undefined;

  /** @param uptime - milliseconds by a clock nobody sets; without one only dates tell how old an attempt is. */
  constructor(uptime?: () => number) {
    this.#uptime = uptime;
  }

  open(record: SessionRecord): void {
    this.#assertWorks();
    if (this.#sessions.has(record.sessionId)) throw failed(`session ${record.sessionId} exists`);
    this.#sessions.set(record.sessionId, record);
  }

  update(record: SessionRecord): void {
    this.#assertWorks();
    if (!this.#sessions.has(record.sessionId)) throw failed(`session ${record.sessionId} was never opened`);
    this.#sessions.set(record.sessionId, record);
  }

  find(sessionId: string): SessionRecord | undefined {
    return this.#sessions.get(sessionId);
  }

  /** The session that was opened last. */
  get latest(): SessionRecord | undefined {
    return [...this.#sessions.values()].at(-1);
  }

  attempts(sessionId: string): readonly AttemptRecord[] {
    return [...this.#attempts.values()].filter((attempt) => attempt.sessionId === sessionId);
  }

  async begin(attempt: AttemptRecord): Promise<void> {
    this.#assertWorks();
    const key = keyOf(attempt);
    if (this.#attempts.has(key)) throw failed(`attempt ${key} exists`);
    for (const { paymentRef, state } of this.#attempts.values()) {
      if (paymentRef === attempt.paymentRef && kMayHaveCharged.has(state))
        throw failed(`${paymentRef} is open or paid`);
    }
    this.#attempts.set(key, attempt);
    if (this.#uptime) this.#begunMs.set(key, this.#uptime());
  }

  async settle(key: AttemptKey, verdict: Parameters<AttemptJournal['settle']>[1]): Promise<void> {
    this.#assertWorks();
    const attempt = this.#attempts.get(keyOf(key));
    if (attempt?.state === verdict.state && !isOpen(attempt.state)) return;
    if (!attempt || !maySettle(attempt.state, verdict.state)) throw failed(`${keyOf(key)} is not open`);
    this.#attempts.set(keyOf(key), {
      ...attempt,
      state: verdict.state,
      doneAt: verdict.doneAt,
      transactionId: verdict.transactionId ?? attempt.transactionId,
      declineClass: verdict.declineClass ?? attempt.declineClass,
      declineCode: verdict.declineCode ?? attempt.declineCode,
      ...(verdict.approvedMinor === undefined ? {} : { approvedMinor: verdict.approvedMinor }),
    });
  }

  unresolved(): readonly OpenAttemptRecord[] {
    return [...this.#attempts.values()]
      .filter(({ state }) => isOpen(state))
      .map((attempt) => ({ ...attempt, knownAgeMs: this.#ageMs(attempt) }));
  }

  /** Nobody else looks at these rows. */
  lease(key: AttemptKey): Lease {
    this.#assertWorks();
    const attempt = this.#attempts.get(keyOf(key));
    return attempt && isOpen(attempt.state) ? 'taken' : 'closed';
  }

  #ageMs(attempt: AttemptRecord): number | null {
    const begunMs = this.#begunMs.get(keyOf(attempt));
    return this.#uptime && begunMs !== undefined ? this.#uptime() - begunMs : null;
  }

  #assertWorks(): void {
    if (this.broken) throw failed('disk full');
  }
}

function maySettle(from: AttemptState, to: AttemptState): boolean {
  return isOpen(from) || (from === 'APPROVED' && (to === 'UNKNOWN' || to === 'REVERSED'));
}

function isOpen(state: AttemptState): boolean {
  return state === 'SUBMITTING' || state === 'UNKNOWN';
}

function keyOf({ sessionId, attempt }: { sessionId: string; attempt: number }): string {
  return `${sessionId}/${attempt}`;
}

function failed(message: string): AppError {
  return new AppError('STORE_FAILED', message);
}
