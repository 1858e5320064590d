import { join } from 'node:path';
import { CardSecret, type SecretField } from '../../../src/card/card-secret.ts';
import type { PhraseItem } from '../../../src/ports/media.ts';
import type { Locale, Phrase } from '../../../src/ports/prompts.ts';
import { loadCatalog } from '../../../src/prompt/catalog.ts';
import { RecordedPrompts } from '../../../src/prompt/prompts.ts';
import { requiredFragments } from '../../../src/prompt/words.ts';
import { FakeLog } from '../../support/fake-log.ts';

export const kAudioDir = join(import.meta.dirname, '../../../audio');
export const kBothLocales: readonly Locale[] = ['en-US', 'en-GB'];

const catalog = loadCatalog(kAudioDir, kBothLocales);
const kNames = new Map(
  kBothLocales.flatMap((locale) =>
    requiredFragments().map((fragment) => [catalog.clip(locale, fragment), `${locale} ${fragment}`]),
  ),
);

export function committedPrompts(): RecordedPrompts {
  return new RecordedPrompts(catalog, new FakeLog(), (locale, fragment) => {
    throw new Error(`${locale} ${fragment} is missing`);
  });
}

/** The fragments of a phrase as the committed recordings play it, silence as `(400)`. */
export function spoken(phrase: Phrase, locale: Locale = 'en-US', card?: CardSecret): string {
  return [...committedPrompts().items(phrase, locale, card)].map((item) => nameOf(item, locale)).join(' ');
}

/** @throws Error if the clip belongs to another language. */
export function nameOf(item: PhraseItem, locale: Locale): string {
  if ('silenceMs' in item) return `(${item.silenceMs})`;
  const name = kNames.get(item.clip) ?? `no clip ${item.clip}`;
  if (!name.startsWith(`${locale} `)) throw new Error(`${name} in a phrase of ${locale}`);
  return name.slice(locale.length + 1);
}

/** @param digits - of published test cards only. */
export function cardWith(digits: Partial<Record<SecretField, string>>): CardSecret {
  const card = new CardSecret();
  for (const [field, text] of Object.entries(digits) as [SecretField, string][]) {
    for (const digit of text) card.append(field, Number(digit));
  }
  return card;
}
