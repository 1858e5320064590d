import { AppError } from '../../src/errors.ts';
import type {
  AttemptJournal,
  AttemptKey,
  AttemptRecord,
  AttemptState,
  Lease,
  SessionRecord,
  SessionRecords,
} from '../../src/ports/store.ts';

const kMayHaveCharged: ReadonlySet<AttemptState> = new Set(['SUBMITTING', 'APPROVED', 'UNKNOWN', 'MANUAL']);

/** Session rows and attempt rows in memory, with the refusals the real store has. Turn `broken` on for a full disk. */
export class FakeStore implements SessionRecords, AttemptJournal {
  broken = false;
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #attempts = new Map<string, AttemptRecord>();

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
    });
  }

  unresolved(): readonly AttemptRecord[] {
    return [...this.#attempts.values()].filter(({ state }) => isOpen(state));
  }

  /** Nobody else looks at these rows. */
  lease(key: AttemptKey): Lease {
    this.#assertWorks();
    const attempt = this.#attempts.get(keyOf(key));
    return attempt && isOpen(attempt.state) ? 'taken' : 'closed';
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
