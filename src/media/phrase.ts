import { AppError } from '../errors.ts';
import type { PhraseItem, PlayOptions, PlayResult } from '../ports/media.ts';
import type { CommandBody } from './channel.ts';
import { PlayEnd } from './generated/media_pb.ts';

const kMaxLookahead = 32; // the worker's queue has room for twice as many

/** Resolves when the worker has taken a command, rejects if it has not. */
export type SendCommand = (body: CommandBody) => Promise<unknown>;

/**
 * One phrase on its way to the worker: takes items from the caller one by one, as many as may lie in the worker's queue, and the
 * next whenever one has started. Made per play(); over when {@link run} has settled.
 *
 *   feeding ── items are used up: end mark sent ──> draining ── PlayFinished ──> over
 *      └──────── stop(): StopPlay sent ──────────────┘
 */
export class Phrase {
  readonly #session: number;
  readonly #play: number;
  readonly #options: PlayOptions;
  readonly #source: Iterator<PhraseItem>;
  readonly #send: SendCommand;
  readonly #over = Promise.withResolvers<PlayResult>();
  #sent = 0;
  #started = 0;
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
    }
  }

  /** Ends the phrase within one frame; {@link run} resolves when the worker has confirmed it. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#command({ case: 'stopPlay', value: { session: this.#session, play: this.#play } });
  }

  /** @param clipsStarted - items of this phrase that have begun to play. */
  onProgress(clipsStarted: number): void {
    this.#started = clipsStarted;
    this.#feed();
  }

  onFinished(end: PlayEnd): void {
    this.#over.resolve(resultOf(end));
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
    const next = this.#source.next();
    if (next.done) {
      this.#complete = true;
      if (this.#sent === 0) this.#over.resolve('finished');
      else this.#append({ last: true });
      return;
    }
    const item = next.value;
    if ('silenceMs' in item && item.silenceMs <= 0) return;
    this.#sent++;
    this.#append('clip' in item ? { clip: item.clip } : { silenceMs: Math.round(item.silenceMs) });
  }

  #append(item: { readonly clip?: number; readonly silenceMs?: number; readonly last?: boolean }): void {
    const { bargeIn } = this.#options;
    this.#command({
      case: 'playClip',
      value: { session: this.#session, play: this.#play, bargeIn, ...item },
    });
  }

  #command(body: CommandBody): void {
    this.#send(body).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'MEDIA_UNAVAILABLE') this.abandon();
      else this.#fail(error);
    });
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
