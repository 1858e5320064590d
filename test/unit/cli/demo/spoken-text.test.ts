import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { spokenText } from '../../../../src/cli/demo/spoken-text.ts';
import { money } from '../../../../src/money/money.ts';
import type { Phrase } from '../../../../src/ports/prompts.ts';
import { loadCatalog } from '../../../../src/prompt/catalog.ts';

const catalog = loadCatalog(fileURLToPath(new URL('../../../../audio', import.meta.url)), ['en-US']);
const prompt = (id: 'amount.is' | 'you.entered' | 'sum.card.before' | 'sum.card.after' | 'wait.tone') =>
  ({ say: 'prompt', id }) as const;

describe('a phrase in writing', () => {
  it.each<[string, Phrase, string]>([
    [
      'an amount',
      [prompt('amount.is'), { say: 'money', amount: money(5025, 'USD') }],
      'The amount to pay is 50.25 USD.',
    ],
    [
      'brand and last four',
      [
        prompt('sum.card.before'),
        { say: 'brands', brands: ['visa'] },
        prompt('sum.card.after'),
        { say: 'lastFour' },
      ],
      'with your Visa card ending in 4242.',
    ],
    [
      'a whole card number',
      [prompt('you.entered'), { say: 'cardNumber' }],
      'You entered ●●●● ●●●● ●●●● 4242.',
    ],
    ['a security code', [prompt('you.entered'), { say: 'securityCode' }], 'You entered ●●●.'],
    ['an expiry date', [prompt('you.entered'), { say: 'expiry' }], 'You entered (month and year).'],
    ['no speech', [prompt('wait.tone')], '(tone)'],
  ])('%s', (_, phrase, expected) => {
    expect(spokenText(phrase, catalog, 'en-US', '4242')).toBe(expected);
  });
});
