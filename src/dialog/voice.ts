import type { CardSecret } from '../card/card-secret.ts';
import type { MediaSession } from '../ports/media.ts';
import type { Locale, Phrase, PhrasePart, Prompts } from '../ports/prompts.ts';

// A phrase that spells card digits is pulled clip by clip, so that no list of its clips exists.
const kSecretLookahead = 2;
const kLookahead = 64;

export interface VoiceParts {
  readonly media: Pick<MediaSession, 'play'>;
  readonly prompts: Prompts;
  readonly locale: Locale;
  readonly card: CardSecret;
  /** The phrase was heard to its end or cut short by a key. Not called for phrases that were replaced or stopped. */
  readonly onSaid: () => void;
  readonly onFault: (error: unknown) => void;
}

interface Utterance {
  readonly bargeIn: boolean;
  readonly abort: AbortController;
}

/** Says one phrase at a time to the caller. */
export class Voice {
  readonly #parts: VoiceParts;
  #current: Utterance | undefined;

  constructor(parts: VoiceParts) {
    this.#parts = parts;
  }

  /** Replaces what is being said. */
  say(phrase: Phrase, bargeIn: boolean): void {
    this.stop();
    const utterance: Utterance = { bargeIn, abort: new AbortController() };
    this.#current = utterance;
    void this.#play(phrase, utterance);
  }

  stop(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.abort.abort();
  }

  /** A key may have come by a way the media worker does not see (SIP INFO): it cuts the phrase short all the same. */
  keyPressed(): void {
    if (this.#current?.bargeIn) this.#current.abort.abort();
  }

  async #play(phrase: Phrase, utterance: Utterance): Promise<void> {
    const { media, prompts, locale, card, onSaid, onFault } = this.#parts;
    const lookahead = phrase.some(spellsDigits) ? kSecretLookahead : kLookahead;
    try {
      const items = prompts.items(phrase, locale, card.wiped ? undefined : card);
      await media.play(items, { bargeIn: utterance.bargeIn, lookahead }, utterance.abort.signal);
    } catch (error) {
      if (this.#current === utterance) onFault(error);
      return;
    }
    if (this.#current !== utterance) return;
    this.#current = undefined;
    onSaid();
  }
}

function spellsDigits({ say }: PhrasePart): boolean {
  return say === 'cardNumber' || say === 'securityCode' || say === 'postalCode';
}
