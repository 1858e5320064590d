import type {
  KeyReport,
  MediaSession,
  PhraseItem,
  PlayOptions,
  PlayResult,
  Unsubscribe,
} from '../ports/media.ts';

const kSecretLookahead = 2; // with so little a phrase may spell card digits: nothing of it is kept

/**
 * The customer's media as a conversation has it, whatever leg carries it: a transfer puts another leg in its place in the middle of a
 * phrase, and a customer may be away for a while. The sessions are closed by whose they are.
 */
export class CustomerMedia implements Pick<MediaSession, 'play' | 'onKey'> {
  #session: MediaSession | undefined;
  #moved = new AbortController();
  readonly #listeners = new Set<(report: KeyReport) => void>();
  #unsubscribe: Unsubscribe = () => {};

  constructor(session: MediaSession) {
    this.follow(session);
  }

  /** What is being said begins again there. @param session - undefined: the customer is away, and what is said is heard by nobody. */
  follow(session: MediaSession | undefined): void {
    if (session === this.#session) return;
    this.#unsubscribe();
    this.#unsubscribe = session?.onKey((report) => this.#onKey(report)) ?? (() => {});
    this.#session = session;
    const moved = this.#moved;
    this.#moved = new AbortController();
    moved.abort();
  }

  async play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult> {
    const phrase = new Repeatable(items, options.lookahead > kSecretLookahead);
    for (;;) {
      const session = this.#session;
      const moved = this.#moved.signal;
      if (!session || signal.aborted) return 'stopped';
      const result = await session.play(phrase.items(), options, AbortSignal.any([signal, moved]));
      if (result !== 'stopped' || !moved.aborted) return result;
    }
  }

  onKey(listener: (report: KeyReport) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #onKey(report: KeyReport): void {
    for (const listener of [...this.#listeners]) listener(report);
  }
}

/** A phrase that can be begun again, or, where nothing of it may be kept, gone on with. */
class Repeatable {
  readonly #source: Iterator<PhraseItem>;
  readonly #isKept: boolean;
  readonly #kept: PhraseItem[] = [];

  constructor(items: Iterable<PhraseItem>, isKept: boolean) {
    this.#source = items[Symbol.iterator]();
    this.#isKept = isKept;
  }

  *items(): Generator<PhraseItem> {
    yield* [...this.#kept];
    for (;;) {
      const { done, value } = this.#source.next();
      if (done) return;
      if (this.#isKept) this.#kept.push(value);
      yield value;
    }
  }
}
