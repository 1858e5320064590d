import type { Clock } from '../ports/clock.ts';

/** A resolver that is silent: the system waits ten seconds and more for one. */
const kPatienceMs = 2_000;
const kKeepMs = 30_000;
/** After a failure, and while an old answer stands in for one. */
const kAskAgainMs = 5_000;
/** Who is not reached for a day is somewhere else by now (RFC 8767 allows up to three). */
const kKeepForWantMs = 24 * 3_600_000;
const kMostKept = 1_000;

interface Entry<T> {
  /** Under way; whoever asks meanwhile shares it. */
  asking: Promise<T> | undefined;
  /** What stands until then: an answer, or why there is none. */
  current: Promise<T> | undefined;
  untilMs: number;
  known: { readonly answer: T; readonly atMs: number } | undefined;
}

/** What went wrong says that there is nothing of the name; silence does not. */
function isFinal(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

/**
 * A short memory for what the DNS says: a hundred calls to one name are one question, nobody waits long for a resolver that is silent, and while
 * it is the last answer goes on (RFC 8767). That there is no such name is an answer too, and forgets the last one.
 */
export class KnownAnswers<T> {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param ask - not called while its last answer is fresh or one is under way. Rejects as it does, or with ETIMEOUT. */
  answer(question: string, ask: () => Promise<T>): Promise<T> {
    const entry = this.#entry(question);
    if (entry.current && entry.untilMs > this.#clock.now()) return entry.current;
    entry.asking ??= this.#ask(entry, ask);
    entry.current = this.#inTime(entry, entry.asking);
    entry.untilMs = Number.POSITIVE_INFINITY; // whoever asks now waits no longer than the first
    entry.current.catch(() => {});
    return entry.current;
  }

  #entry(question: string): Entry<T> {
    const kept = this.#entries.get(question);
    if (kept) return kept;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= kMostKept && oldest !== undefined) this.#entries.delete(oldest);
    const entry: Entry<T> = { asking: undefined, current: undefined, untilMs: 0, known: undefined };
    this.#entries.set(question, entry);
    return entry;
  }

  /** However late it comes, an answer is kept. */
  async #ask(entry: Entry<T>, ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      entry.known = { answer, atMs: this.#clock.now() };
      this.#keep(entry, Promise.resolve(answer), kKeepMs);
      return answer;
    } catch (error) {
      if (isFinal(error)) entry.known = undefined;
      throw error;
    } finally {
      entry.asking = undefined;
    }
  }

  async #inTime(entry: Entry<T>, asking: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#clock.schedule(kPatienceMs, () =>
      late.reject(Object.assign(new Error('the resolver is silent'), { code: 'ETIMEOUT' })),
    );
    try {
      return await Promise.race([asking, late.promise]);
    } catch (error) {
      const { known } = entry;
      const standIn =
        known && this.#clock.now() - known.atMs < kKeepForWantMs
          ? Promise.resolve(known.answer)
          : Promise.reject<T>(error);
      standIn.catch(() => {});
      this.#keep(entry, standIn, kAskAgainMs);
      return await standIn;
    } finally {
      cancel();
    }
  }

  #keep(entry: Entry<T>, answer: Promise<T>, forMs: number): void {
    entry.current = answer;
    entry.untilMs = this.#clock.now() + forMs;
  }
}
