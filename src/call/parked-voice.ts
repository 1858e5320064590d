import type { PaymentPolicy } from '../dialog/policy.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { MediaSession } from '../ports/media.ts';
import type { Locale, Phrase, Prompts } from '../ports/prompts.ts';

const kHoldToneEveryMs = 5000;

/** What parked agents hear, each on a leg of their own. Made by the call; whoever is not stopped goes quiet with the leg. */
export class ParkedVoice {
  readonly #kind: PaymentPolicy['agent']['parked'];
  readonly #prompts: Prompts;
  readonly #locale: Locale;
  readonly #clock: Clock;
  readonly #running = new Map<MediaSession, AbortController>();

  constructor(kind: PaymentPolicy['agent']['parked'], prompts: Prompts, locale: Locale, clock: Clock) {
    this.#kind = kind;
    this.#prompts = prompts;
    this.#locale = locale;
    this.#clock = clock;
  }

  /** Does nothing for an agent who hears it already. */
  start(media: MediaSession): void {
    if (this.#kind === 'silence' || this.#running.has(media)) return;
    const running = new AbortController();
    this.#running.set(media, running);
    void this.#play(media, running.signal).catch(() => undefined); // the leg has gone
  }

  stop(media: MediaSession): void {
    this.#running.get(media)?.abort();
    this.#running.delete(media);
  }

  async #play(media: MediaSession, signal: AbortSignal): Promise<void> {
    const phrase: Phrase = [{ say: 'prompt', id: 'wait.tone' }];
    while (!signal.aborted) {
      const items = this.#prompts.items(phrase, this.#locale, undefined);
      await media.play(items, { bargeIn: false, lookahead: 64 }, signal);
      await this.#wait(kHoldToneEveryMs, signal);
    }
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel: Cancel = this.#clock.schedule(ms, resolve);
      signal.addEventListener(
        'abort',
        () => {
          cancel();
          resolve();
        },
        { once: true },
      );
    });
  }
}
