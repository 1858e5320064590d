import type { CardSecret, SecretField } from '../card/card-secret.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { PhraseItem } from '../ports/media.ts';
import type { Locale, Phrase, PhrasePart, Prompts } from '../ports/prompts.ts';
import { cardDigits, cardExpiry, type DigitItems } from './card-digits.ts';
import type { Catalog } from './catalog.ts';
import {
  brandWords,
  type EnglishDialect,
  integerWords,
  kAmerican,
  kBritish,
  moneyWords,
  monthYearWords,
  referenceWords,
  type Spoken,
} from './phrase-en.ts';
import { fragmentOf, type Take } from './words.ts';

/** Between two sentences, on top of the silence at the edges of the clips. */
const kSentenceGapMs = 300;

const kDialects: Readonly<Record<Locale, EnglishDialect>> = { 'en-US': kAmerican, 'en-GB': kBritish };

/** Told of every fragment that had to be left out of a phrase. */
export type MissingFragment = (locale: Locale, fragment: string) => void;

/**
 * Phrases made of recordings. Sentences are told apart by their texts: one that does not end in a full stop runs on into what
 * follows, one that starts with a small letter goes on from what was before. Elsewhere there is a pause, and a value before it
 * ends on a falling take.
 */
export class RecordedPrompts implements Prompts {
  readonly #catalog: Catalog;
  readonly #log: Log;
  readonly #onMissing: MissingFragment;
  readonly #digitItems = new Map<Locale, DigitItems>();

  constructor(catalog: Catalog, log: Log, onMissing: MissingFragment) {
    this.#catalog = catalog;
    this.#log = log;
    this.#onMissing = onMissing;
  }

  *items(phrase: Phrase, locale: Locale, card: CardSecret | undefined): Generator<PhraseItem> {
    for (const [index, part] of phrase.entries()) {
      const next = phrase[index + 1];
      const ends = this.#endsSentence(part, next, locale);
      yield* this.#part(part, locale, card, ends ? 'end' : 'mid');
      if (ends && next !== undefined && next.say !== 'silence') yield { silenceMs: kSentenceGapMs };
    }
  }

  *#part(
    part: PhrasePart,
    locale: Locale,
    card: CardSecret | undefined,
    lastTake: Take,
  ): Generator<PhraseItem> {
    const dialect = kDialects[locale];
    switch (part.say) {
      case 'prompt':
        yield* this.#fragment(part.id, locale);
        return;
      case 'money':
        yield* this.#spoken(moneyWords(part.amount, dialect), locale, lastTake);
        return;
      case 'number':
        yield* this.#spoken(integerWords(part.value, dialect), locale, lastTake);
        return;
      case 'brands':
        yield* this.#spoken(brandWords(part.brands), locale, lastTake);
        return;
      case 'reference':
        yield* this.#spoken(referenceWords(part.text), locale, lastTake);
        return;
      case 'expiry':
        yield* this.#expiry(cardOf(card, part), locale, lastTake);
        return;
      case 'lastFour':
        yield* this.#fragment('ending', locale);
        yield* this.#digits(cardOf(card, part), 'pan', locale, 4);
        return;
      case 'cardNumber':
        yield* this.#digits(cardOf(card, part), 'pan', locale);
        return;
      case 'securityCode':
        yield* this.#digits(cardOf(card, part), 'cvv', locale);
        return;
      case 'postalCode':
        yield* this.#digits(cardOf(card, part), 'postal', locale);
        return;
      case 'silence':
        yield { silenceMs: part.ms };
        return;
      default:
        part satisfies never;
    }
  }

  *#spoken(steps: readonly Spoken[], locale: Locale, lastTake: Take, label?: string): Generator<PhraseItem> {
    for (const [index, step] of steps.entries()) {
      if ('silenceMs' in step) yield step;
      else {
        const isClosing = step.end ?? (index === steps.length - 1 && lastTake === 'end');
        yield* this.#fragment(fragmentOf(step.word, isClosing ? 'end' : 'mid'), locale, label);
      }
    }
  }

  *#digits(card: CardSecret, field: SecretField, locale: Locale, count?: number): Generator<PhraseItem> {
    for (const item of cardDigits(card, field, this.#digitItemsOf(locale), count)) {
      if (item !== undefined) yield item;
      else this.#leaveOut(locale, 'd/*');
    }
  }

  *#expiry(card: CardSecret, locale: Locale, lastTake: Take): Generator<PhraseItem> {
    const expiry = card.wiped ? undefined : cardExpiry(card);
    if (expiry === undefined) return;
    const words = monthYearWords(expiry.month, expiry.year, kDialects[locale]);
    yield* this.#spoken(words, locale, lastTake, 'expiry/*');
  }

  /** @param label - named instead of the fragment in logs and counters, where the fragment tells something of the card. */
  *#fragment(fragment: string, locale: Locale, label = fragment): Generator<PhraseItem> {
    const clip = this.#catalog.clip(locale, fragment);
    if (clip !== undefined) yield { clip };
    else this.#leaveOut(locale, label);
  }

  #leaveOut(locale: Locale, fragment: string): void {
    this.#onMissing(locale, fragment);
    this.#log.warn({ locale, fragment }, 'prompt left out of a phrase: not recorded');
  }

  #digitItemsOf(locale: Locale): DigitItems {
    const known = this.#digitItems.get(locale);
    if (known !== undefined) return known;
    const itemsOf = (take: Take) =>
      Array.from({ length: 10 }, (_, digit) => {
        const clip = this.#catalog.clip(locale, fragmentOf(`d/${digit}`, take));
        return clip === undefined ? undefined : { clip };
      });
    const items = { mid: itemsOf('mid'), end: itemsOf('end') };
    this.#digitItems.set(locale, items);
    return items;
  }

  #endsSentence(part: PhrasePart, next: PhrasePart | undefined, locale: Locale): boolean {
    if (part.say === 'silence') return false;
    if (part.say === 'prompt') return /[.?!]$/.test(this.#catalog.text(locale, part.id) ?? '.');
    if (next === undefined || next.say === 'silence') return true;
    return next.say === 'prompt' && !/^\p{Ll}/u.test(this.#catalog.text(locale, next.id) ?? '');
  }
}

function cardOf(card: CardSecret | undefined, part: PhrasePart): CardSecret {
  if (card !== undefined) return card;
  throw new AppError('INTERNAL', `phrase part "${part.say}" needs a card, and the phrase was given none`);
}
