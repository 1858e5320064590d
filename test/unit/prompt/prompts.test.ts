import { describe, expect, test, vi } from 'vitest';
import { money } from '../../../src/money/money.ts';
import type { Phrase } from '../../../src/ports/prompts.ts';
import { Catalog } from '../../../src/prompt/catalog.ts';
import { RecordedPrompts } from '../../../src/prompt/prompts.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardWith, committedPrompts, nameOf, spoken } from './voice.ts';

const kVisa = '4242424242424242';

describe('sentences', () => {
  test('run on from an open prompt into a value that falls, then pause before the next sentence', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'amount.is' },
      { say: 'money', amount: money(5000, 'USD') },
      { say: 'prompt', id: 'card.intro' },
    ];
    expect(spoken(phrase)).toBe('amount.is n/50 cur/dollars.end (300) card.intro');
  });

  test('go on after a value without a fall or a pause', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'approved.before' },
      { say: 'money', amount: money(101, 'GBP') },
      { say: 'prompt', id: 'approved.after' },
      { say: 'prompt', id: 'ref.menu' },
    ];
    expect(spoken(phrase, 'en-GB')).toBe(
      'approved.before n/1 cur/pound and n/1 cur/penny approved.after (300) ref.menu',
    );
  });

  test('make a whole summary', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'sum.pay' },
      { say: 'money', amount: money(5025, 'USD') },
      { say: 'prompt', id: 'sum.card.before' },
      { say: 'brands', brands: ['visa'] },
      { say: 'prompt', id: 'sum.card.after' },
      { say: 'lastFour' },
      { say: 'prompt', id: 'sum.exp' },
      { say: 'expiry' },
      { say: 'prompt', id: 'sum.menu' },
    ];
    expect(spoken(phrase, 'en-US', cardWith({ pan: kVisa, expiry: '0330' }))).toBe(
      'sum.pay n/50 cur/dollars and n/25 cur/cents sum.card.before brand/visa sum.card.after ' +
        'ending d/4 d/2 d/4 d/2.end sum.exp month/3 n/20 n/30.end (300) sum.menu',
    );
  });

  test('have no pause of their own where the phrase gives one', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'greet' },
      { say: 'silence', ms: 800 },
      { say: 'prompt', id: 'bye' },
    ];
    expect(spoken(phrase)).toBe('greet (800) bye');
  });

  test('put a number in the middle', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'cvv.count.before' },
      { say: 'number', value: 3 },
      { say: 'prompt', id: 'cvv.count.after' },
    ];
    expect(spoken(phrase)).toBe('cvv.count.before n/3 cvv.count.after');
  });
});

describe('card digits', () => {
  test.each([
    ['sixteen in fours', kVisa, 'd/4 d/2 d/4 d/2.end'.concat(' (400) d/4 d/2 d/4 d/2.end'.repeat(3))],
    [
      'fifteen as 4 6 5',
      '378282246310005',
      'd/3 d/7 d/8 d/2.end (400) d/8 d/2 d/2 d/4 d/6 d/3.end (400) d/1 d/0 d/0 d/0 d/5.end',
    ],
    [
      'fourteen in fours',
      '30569309025904',
      'd/3 d/0 d/5 d/6.end (400) d/9 d/3 d/0 d/9.end (400) d/0 d/2 d/5 d/9.end (400) d/0 d/4.end',
    ],
    ['nothing of an empty field', '', ''],
  ])('speak %s', (_, pan, fragments) => {
    expect(spoken([{ say: 'cardNumber' }], 'en-US', cardWith({ pan }))).toBe(fragments);
  });

  test('speak the last four of a card of any length', () => {
    const card = cardWith({ pan: '378282246310005' });
    expect(spoken([{ say: 'lastFour' }], 'en-GB', card)).toBe('ending d/0 d/0 d/0 d/5.end');
  });

  test('speak security code and postal code', () => {
    const card = cardWith({ cvv: '1234', postal: '902101234' });
    expect(spoken([{ say: 'securityCode' }], 'en-US', card)).toBe('d/1 d/2 d/3 d/4.end');
    expect(spoken([{ say: 'postalCode' }], 'en-US', card)).toBe(
      'd/9 d/0 d/2 d/1 d/0.end (400) d/1 d/2 d/3 d/4.end',
    );
  });

  test.each([
    ['0330', 'month/3 n/20 n/30.end', 'month/3 n/20 n/30.end'],
    ['330', 'month/3 n/20 n/30.end', 'month/3 n/20 n/30.end'],
    ['1299', 'month/12 n/20 n/99.end', 'month/12 n/20 n/99.end'],
    ['0110', 'month/1 n/20 n/10.end', 'month/1 n/20 n/10.end'],
    ['0105', 'month/1 n/2 thousand n/5.end', 'month/1 n/2 thousand and n/5.end'],
    ['0', '', ''],
  ])('speak the expiry %s', (expiry, american, british) => {
    const phrase: Phrase = [{ say: 'expiry' }];
    expect(spoken(phrase, 'en-US', cardWith({ expiry }))).toBe(american);
    expect(spoken(phrase, 'en-GB', cardWith({ expiry }))).toBe(british);
  });

  test('are read from the arena one at a time, each when it is pulled', () => {
    const card = cardWith({ pan: kVisa });
    const lend = vi.spyOn(card, 'lend');
    const items = committedPrompts().items([{ say: 'cardNumber' }], 'en-US', card);
    expect(lend).toHaveBeenCalledTimes(0);
    for (let pulled = 1; pulled <= 4; pulled++) {
      items.next();
      expect(lend).toHaveBeenCalledTimes(pulled);
    }
  });

  test.each([
    ['wiped', (card: ReturnType<typeof cardWith>) => card.wipe()],
    ['cleared', (card: ReturnType<typeof cardWith>) => card.clear('pan')],
    [
      'being typed again',
      (card: ReturnType<typeof cardWith>) => {
        card.clear('pan');
        for (const digit of '5555555') card.append('pan', Number(digit));
      },
    ],
  ])('end at once when the card is %s in the middle of them', (_, spoil) => {
    const card = cardWith({ pan: kVisa });
    const items = committedPrompts().items([{ say: 'cardNumber' }], 'en-US', card);
    const heard = [items.next(), items.next()];
    spoil(card);
    expect(heard.map(({ value }) => nameOf(value, 'en-US'))).toEqual(['d/4', 'd/2']);
    expect(items.next()).toEqual({ done: true, value: undefined });
  });

  test('need a card', () => {
    expect(() => spoken([{ say: 'cardNumber' }])).toThrow(/"cardNumber" needs a card/);
  });
});

describe('a missing recording', () => {
  const missing: string[] = [];
  const log = new FakeLog();
  const prompts = new RecordedPrompts(new Catalog(new Map()), log, (locale, fragment) =>
    missing.push(`${locale} ${fragment}`),
  );

  test('is left out, counted and logged', () => {
    const phrase: Phrase = [
      { say: 'prompt', id: 'greet' },
      { say: 'silence', ms: 100 },
    ];
    expect([...prompts.items(phrase, 'en-GB', undefined)]).toEqual([{ silenceMs: 100 }]);
    expect(missing.splice(0)).toEqual(['en-GB greet']);
    expect(log.text).toContain('greet');
  });

  test('of a card digit is not named', () => {
    const card = cardWith({ pan: '4111111111111111', expiry: '0937' });
    const phrase: Phrase = [{ say: 'cardNumber' }, { say: 'expiry' }];
    for (const item of prompts.items(phrase, 'en-US', card)) expect(item).toEqual({ silenceMs: 400 });
    expect(new Set(missing)).toEqual(new Set(['en-US d/*', 'en-US expiry/*']));
    expect(log.text).not.toMatch(/(d|n|month)\/[0-9]/);
  });
});
