import type { PaymentPolicy } from '../dialog/policy.ts';
import type { Clock } from '../ports/clock.ts';
import type { MediaSession } from '../ports/media.ts';
import type { Locale, Phrase, PromptId, Prompts } from '../ports/prompts.ts';

const kTone: Phrase = [{ say: 'prompt', id: 'wait.tone' }];
const kEveryMs = { hold: 5_000, status: 15_000 } as const;

/** How far the payment is, as a parked agent is told. */
export type ParkedStatus = Extract<PromptId, `parked.${string}`>;

export interface ParkedVoiceOptions {
  readonly kind: PaymentPolicy['agent']['parked'];
  readonly prompts: Prompts;
  readonly locale: Locale;
  readonly clock: Clock;
  readonly status: () => ParkedStatus;
}

/** What parked agents hear, each on a leg of their own. Made by the call; whoever is not stopped goes quiet with the leg. */
export class ParkedVoice {
  readonly #options: ParkedVoiceOptions;
  readonly #running = new Map<MediaSession, AbortController>();

  constructor(options: ParkedVoiceOptions) {
    this.#options = options;
  }

  /** Does nothing for an agent who hears it already. */
  start(media: MediaSession): void {
    const { kind } = this.#options;
    if (kind === 'silence' || this.#running.has(media)) return;
    const running = new AbortController();
    this.#running.set(media, running);
    void this.#play(media, kind, running.signal).catch(() => undefined); // the leg has gone
  }

  stop(media: MediaSession): void {
    this.#running.get(media)?.abort();
    this.#running.delete(media);
  }

  async #play(media: MediaSession, kind: 'hold' | 'status', signal: AbortSignal): Promise<void> {
    const { prompts, locale, status } = this.#options;
    while (!signal.aborted) {
      const phrase: Phrase = kind === 'hold' ? kTone : [{ say: 'prompt', id: status() }];
      await media.play(prompts.items(phrase, locale, undefined), { bargeIn: false, lookahead: 64 }, signal);
      await this.#wait(kEveryMs[kind], signal);
    }
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(ms, resolve);
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
