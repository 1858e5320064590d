import type { BrandId } from '../../card/brand.ts';
import { formatMajor } from '../../money/money.ts';
import type { Locale, Phrase, PhrasePart } from '../../ports/prompts.ts';
import type { Catalog } from '../../prompt/catalog.ts';
import { kBrandNames } from '../../prompt/words.ts';

// A value that is followed by a new sentence: recordings have no full stop of their own behind it.
const kSentenceEnd = /([\w●)])( (?:If|To|Your|You|We|Please|Press|The|Thank) )/g;

/** What a phrase sounds like, in writing; digits of the card but the last four stay dots. */
export function spokenText(phrase: Phrase, catalog: Catalog, locale: Locale, last4: string | null): string {
  const words = phrase.map((part) => textOf(part, catalog, locale, last4)).filter((word) => word !== '');
  const text = words.join(' ').replace(kSentenceEnd, '$1.$2');
  return /^\(|[.?!]$/.test(text) ? text : `${text}.`;
}

function textOf(part: PhrasePart, catalog: Catalog, locale: Locale, last4: string | null): string {
  switch (part.say) {
    case 'prompt':
      return catalog.text(locale, part.id) ?? '';
    case 'money':
      return `${formatMajor(part.amount)} ${part.amount.currency}`;
    case 'number':
      return String(part.value);
    case 'brands':
      return listOf(part.brands);
    case 'reference':
      return part.text;
    case 'lastFour':
      return `ending in ${last4 ?? '●●●●'}`;
    case 'cardNumber':
      return `●●●● ●●●● ●●●● ${last4 ?? '●●●●'}`;
    case 'securityCode':
      return '●●●';
    case 'postalCode':
      return '●●●●●';
    case 'expiry':
      return '(month and year)';
    case 'silence':
      return '';
  }
}

function listOf(brands: readonly BrandId[]): string {
  return brands.map((brand) => kBrandNames[brand]).join(', ');
}
