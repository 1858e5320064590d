import type { BrandId } from '../card/brand.ts';
import type { CardSecret } from '../card/card-secret.ts';
import type { Money } from '../money/money.ts';
import type { PhraseItem } from './media.ts';
import type { PromptId } from './prompt-ids.ts';

export type Locale = 'en-US' | 'en-GB';

export type { PromptId } from './prompt-ids.ts';

/** What is to be said; how is the locale's grammar. Card digits are never in it: they are read from the arena as they are spoken. */
export type PhrasePart =
  | { readonly say: 'prompt'; readonly id: PromptId }
  | { readonly say: 'money'; readonly amount: Money }
  | { readonly say: 'number'; readonly value: number }
  /** With its lead-in: "ending in 4 2 4 2". */
  | { readonly say: 'lastFour' }
  | { readonly say: 'cardNumber' }
  | { readonly say: 'securityCode' }
  | { readonly say: 'postalCode' }
  | { readonly say: 'expiry' }
  /** "Visa, Mastercard and American Express"; the word "card" is not part of it. */
  | { readonly say: 'brands'; readonly brands: readonly BrandId[] }
  /** Letters and digits are spelled in groups; anything else is a short pause. */
  | { readonly say: 'reference'; readonly text: string }
  | { readonly say: 'silence'; readonly ms: number };

export type Phrase = readonly PhrasePart[];

export interface Prompts {
  /**
   * The clips of a phrase, one at a time: pull the next only when it is about to be played. A missing clip is left out
   * and counted. The card may be undefined where the phrase has no card part.
   */
  items(phrase: Phrase, locale: Locale, card: CardSecret | undefined): Iterable<PhraseItem>;
}
