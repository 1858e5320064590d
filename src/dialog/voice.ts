import type { CardSecret } from '../card/card-secret.ts';
import type { Clock } from '../ports/clock.ts';
import type { MediaSession, PlayResult } from '../ports/media.ts';
import type { Locale, Phrase, PhrasePart, Prompts } from '../ports/prompts.ts';

// A phrase that spells card digits is pulled clip by clip, so that no list of its clips exists.
const kSecretLookahead = 2;
const kLookahead = 64;
// Far longer than any phrase: a media worker that never says it has finished must not keep a call for ever.
const kMostPhraseMs = 120_000;

export interface VoiceParts {
  readonly media: Pick<MediaSession, 'play'>;
  readonly prompts: Prompts;
  readonly locale: Locale;
  readonly card: CardSecret;
  readonly clock: Clock;
  /** The phrase was heard to its end or cut short by a key. Not called for phrases that were replaced or stopped. */
  readonly onSaid: () => void;
  readonly onFault: (error: unknown) => void;
}

interface Utterance {
  readonly phrase: Phrase;
  readonly bargeIn: boolean;
  readonly abort: AbortController;
  /** A key that means nothing may have cut it short. */
  isStray: boolean;
}

/** Says one phrase at a time to the caller. */
export class Voice {
  readonly #parts: VoiceParts;
  #current: Utterance | undefined;
  /** The last one, if a key has cut it short. */
  #cutShort: Utterance | undefined;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** Replaces what is being said. */
  say(phrase: Phrase, bargeIn: boolean): void {
    this.stop();
    const utterance: Utterance = { phrase, bargeIn, abort: new AbortController(), isStray: false };
    this.#current = utterance;
    void this.#play(utterance);
  }

  stop(): void {
    const current = this.#current;
    this.#current = undefined;
    this.#cutShort = undefined;
    current?.abort.abort();
  }

  /** A key may have come by a way the media worker does not see (SIP INFO): it cuts the phrase short all the same. */
  keyPressed(): void {
    this.#cutShort = undefined;
    if (!this.#current?.bargeIn) return;
    this.#current.isStray = false;
    this.#current.abort.abort();
  }

  /** A key was dropped, but the media worker, which cannot know that, cut the phrase short or is about to: say it again. */
  strayKey(): void {
    if (this.#current) this.#current.isStray = true;
    else if (this.#cutShort) this.say(this.#cutShort.phrase, true);
  }

  async #play(utterance: Utterance): Promise<void> {
    const { media, prompts, locale, card, clock, onFault } = this.#parts;
    const { phrase, bargeIn, abort } = utterance;
    const lookahead = phrase.some(spellsDigits) ? kSecretLookahead : kLookahead;
    const cancelWatch = clock.schedule(kMostPhraseMs, () => this.#overrun(utterance));
    try {
      const items = prompts.items(phrase, locale, card.wiped ? undefined : card);
      const result = await media.play(items, { bargeIn, lookahead }, abort.signal);
      if (this.#current === utterance) this.#end(utterance, result);
    } catch (error) {
      if (this.#current === utterance) onFault(error);
    } finally {
      cancelWatch();
    }
  }

  #overrun(utterance: Utterance): void {
    if (this.#current !== utterance) return;
    this.stop();
    this.#parts.onFault(new Error('a phrase did not end'));
  }

  #end(utterance: Utterance, result: PlayResult): void {
    const isCut = result === 'barge_in';
    if (isCut && utterance.isStray) {
      this.say(utterance.phrase, utterance.bargeIn);
    } else {
      this.#current = undefined;
      this.#cutShort = isCut ? utterance : undefined;
      this.#parts.onSaid();
    }
  }
}

function spellsDigits({ say }: PhrasePart): boolean {
  return say === 'cardNumber' || say === 'securityCode' || say === 'postalCode';
}
