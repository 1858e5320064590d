import { AppError } from '../errors.ts';
import type { PhraseItem, PlayOptions, PlayResult } from '../ports/media.ts';
import type { CommandBody } from './channel.ts';
import { PlayEnd } from './generated/media_pb.ts';

const kMaxLookahead = 32; // the worker's queue has room for twice as many
/** With so little look-ahead a phrase may spell card digits: no more of it is remembered than lies in the worker's queue. */
const kSecretLookahead = 2;

/** Items. What goes on longer without a silence, such as hold audio, is no sentence: its items are begun again alone. */
const kLongestSentence = 64;

/** Resolves when the worker has taken a command, or has died: resume() or abandon() follows then. Rejects if it has refused. */
export type SendCommand = (body: CommandBody) => Promise<unknown>;

/**
 * One phrase on its way to the worker: takes items from the caller one by one, as many as may lie in the worker's queue, and the
 * next whenever one has started. Made per play(); over when {@link run} has settled.
 *
 *   feeding ── items are used up: end mark sent ──> draining ── PlayFinished ──> over
 *      └──────── stop(): StopPlay sent ──────────────┘
 *
 * When the worker dies, what was heard of the running sentence is not worth much to the listener: {@link resume} has the next worker
 * begin the sentence again, a sentence being what lies between two silences.
 */
export class Phrase {
  readonly #session: number;
  readonly #play: number;
  readonly #options: PlayOptions;
  readonly #source: Iterator<PhraseItem>;
  readonly #send: SendCommand;
  readonly #over = Promise.withResolvers<PlayResult>();
  /** Resolves when every command so far is answered. */
  #answered: Promise<unknown> = Promise.resolve();
  #sent = 0;
  #started = 0;
  /** Items sent and not known to be past their sentence, the first of them being item {@link #firstKept} of the phrase. */
  #kept: PhraseItem[] = [];
  #firstKept = 0;
  /** Items to be sent once more, before those that follow. */
  #again: PhraseItem[] = [];
  /** Items of the phrase before the first that the present worker was given. */
  #base = 0;
  #hasSentences: boolean;
  #complete = false;
  #stopped = false;

  constructor(
    session: number,
    play: number,
    items: Iterable<PhraseItem>,
    options: PlayOptions,
    send: SendCommand,
  ) {
    this.#session = session;
    this.#play = play;
    this.#options = options;
    this.#hasSentences = options.lookahead > kSecretLookahead;
    this.#source = items[Symbol.iterator]();
    this.#send = send;
  }

  async run(signal: AbortSignal): Promise<PlayResult> {
    const onAbort = (): void => this.stop();
    signal.addEventListener('abort', onAbort);
    try {
      this.#feed();
      return await this.#over.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      if (!this.#complete) this.#source.return?.();
      this.#complete = true;
      this.#kept = this.#again = [];
    }
  }

  /** Ends the phrase within one frame; {@link run} resolves when the worker has confirmed it. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#command({ case: 'stopPlay', value: { session: this.#session, play: this.#play } });
  }

  /** @param clipsStarted - items of this phrase that the present worker has begun to play. */
  onProgress(clipsStarted: number): void {
    this.#started = this.#base + clipsStarted;
    this.#forgetPast();
    this.#feed();
  }

  /** Another worker plays on; what the one before was sent is unknown to it. */
  resume(): void {
    if (this.#stopped) {
      this.abandon();
      return;
    }
    this.#again = [...this.#kept, ...this.#again];
    this.#kept = [];
    this.#sent = this.#started = this.#base = this.#firstKept;
    this.#complete = false;
    this.#feed();
  }

  onFinished(end: PlayEnd): void {
    // A refusal that came just before counts, though its promise is told later.
    void this.#answered.then(() => this.#over.resolve(resultOf(end)));
  }

  /** The session has no media any more. */
  abandon(): void {
    this.#stopped = true;
    this.#over.resolve('stopped');
  }

  #feed(): void {
    const lookahead = Math.min(kMaxLookahead, Math.max(1, this.#options.lookahead));
    try {
      while (!this.#complete && !this.#stopped && this.#sent - this.#started < lookahead) this.#feedNext();
    } catch (error) {
      this.#fail(error);
    }
  }

  #feedNext(): void {
    const item = this.#again.shift() ?? this.#nextOfSource();
    if (!item) {
      this.#complete = true;
      if (this.#sent === 0) this.#over.resolve('finished');
      else this.#append({ last: true });
      return;
    }
    if ('silenceMs' in item && item.silenceMs <= 0) return;
    this.#sent++;
    this.#kept.push(item);
    this.#append('clip' in item ? { clip: item.clip } : { silenceMs: Math.round(item.silenceMs) });
  }

  #nextOfSource(): PhraseItem | undefined {
    const next = this.#source.next();
    return next.done ? undefined : next.value;
  }

  /** The item that plays is the last of the started ones. */
  #forgetPast(): void {
    const playing = this.#started - 1 - this.#firstKept;
    this.#hasSentences &&= playing <= kLongestSentence;
    const past = !this.#hasSentences
      ? playing
      : 1 + this.#kept.slice(0, Math.max(0, playing)).findLastIndex((item) => 'silenceMs' in item);
    if (past <= 0) return;
    this.#kept = this.#kept.slice(past);
    this.#firstKept += past;
  }

  #append(item: { readonly clip?: number; readonly silenceMs?: number; readonly last?: boolean }): void {
    const { bargeIn } = this.#options;
    this.#command({
      case: 'playClip',
      value: { session: this.#session, play: this.#play, bargeIn, ...item },
    });
  }

  #command(body: CommandBody): void {
    const answered = this.#send(body).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'MEDIA_UNAVAILABLE') this.abandon();
      else this.#fail(error);
    });
    this.#answered = Promise.all([this.#answered, answered]);
  }

  #fail(error: unknown): void {
    this.#over.reject(error);
    this.stop();
  }
}

function resultOf(end: PlayEnd): PlayResult {
  switch (end) {
    case PlayEnd.FINISHED:
      return 'finished';
    case PlayEnd.BARGE_IN:
      return 'barge_in';
    default:
      return 'stopped';
  }
}
