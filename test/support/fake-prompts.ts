import type { CardSecret } from '../../src/card/card-secret.ts';
import type { PhraseItem } from '../../src/ports/media.ts';
import type { Locale, Phrase, PhrasePart, PromptId, Prompts } from '../../src/ports/prompts.ts';

/** Prompts without audio: one item per part. Clip n is the n-th part pulled since the fake was made (from 1); silence stays silence. */
export class FakePrompts implements Prompts {
  /** Phrases asked for, whether or not they were played. */
  readonly asked: { readonly phrase: Phrase; readonly locale: Locale; readonly hasCard: boolean }[] = [];
  /** Parts in the order they were pulled: what a caller would have heard. */
  readonly said: PhrasePart[] = [];

  items(phrase: Phrase, locale: Locale, card: CardSecret | undefined): Iterable<PhraseItem> {
    this.asked.push({ phrase, locale, hasCard: card !== undefined });
    return this.#pull(phrase);
  }

  /** The prompts among {@link said}. */
  get promptIds(): readonly PromptId[] {
    return this.said.flatMap((part) => (part.say === 'prompt' ? [part.id] : []));
  }

  *#pull(phrase: Phrase): Generator<PhraseItem> {
    for (const part of phrase) {
      this.said.push(part);
      yield part.say === 'silence' ? { silenceMs: part.ms } : { clip: this.said.length };
    }
  }
}
