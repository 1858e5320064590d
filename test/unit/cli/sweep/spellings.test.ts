import { describe, expect, it } from 'vitest';
import { luhn } from '../../../../src/card/luhn.ts';
import { kMark, markedCard, mistypedCard } from '../../../../src/cli/sweep/marked-card.ts';
import { findIn, spellingsOf } from '../../../../src/cli/sweep/spellings.ts';

const kSpellings = spellingsOf(kMark);
const found = (bytes: Buffer) => [...findIn(bytes, kSpellings).keys()];

describe('a marked card', () => {
  it('bears the mark and passes the Luhn check; a mistyped one does not', () => {
    const cards = Array.from({ length: 200 }, markedCard);
    expect(cards.every((card) => card.includes(kMark) && card.length === 19 && luhn(Buffer.from(card)))).toBe(
      true,
    );
    expect(luhn(Buffer.from(mistypedCard()))).toBe(false);
  });
});

describe('the search for a card number', () => {
  const card = markedCard();

  it.each([
    ['text', Buffer.from(`pan=${card};`), 'ASCII'],
    ['text of a JavaScript string', Buffer.from(card, 'utf16le'), 'UTF-16'],
    ['digits as numbers', Buffer.from(Array.from(card, Number)), 'a number a byte'],
    ['packed digits', Buffer.from(`${card}0`, 'hex'), 'two digits a byte, shifted'],
    ['packed digits a half byte on', Buffer.from(`0${card}`, 'hex'), 'two digits a byte'],
    ['digits backwards', Buffer.from([...card].reverse().join('')), 'ASCII, reversed'],
    ['an array in JSON', Buffer.from(JSON.stringify([...card].map(Number))), 'ASCII, a comma between'],
    ['hex of text', Buffer.from(Buffer.from(card).toString('hex')), 'hex of ASCII'],
    [
      'packed digits, swapped',
      Buffer.from(`0${card}`.replaceAll(/(.)(.)/g, '$2$1'), 'hex'),
      'two digits a byte, the second first',
    ],
    ['a printed card', Buffer.from(card.replaceAll(/.{4}/g, '$& ')), 'ASCII in fours, the first after 1'],
    ['hyphens', Buffer.from([...card].join('-')), 'ASCII, a hyphen between'],
    [
      '32-bit characters',
      Buffer.from(Uint32Array.from(card, (digit) => digit.charCodeAt(0)).buffer),
      'UTF-32',
    ],
    ['doubles', Buffer.from(Float64Array.from(card, Number).buffer), 'a number as a double'],
    ['32-bit numbers', Buffer.from(Uint32Array.from(card, Number).buffer), 'a number in 32 bits'],
  ])('finds %s', (_, bytes, spelling) => {
    expect(found(bytes)).toContain(spelling);
  });

  it.each([0, 1, 2, 3, 4, 5])('finds base64 with %i bytes before it', (before) => {
    const text = Buffer.from(`${'x'.repeat(before)}${card}`).toString('base64');
    expect(found(Buffer.from(text)).some((name) => name.startsWith('base64'))).toBe(true);
  });

  it('finds nothing in what may be shown', () => {
    expect(found(Buffer.from(`${card.slice(0, 6)}…${card.slice(-4)}`))).toEqual([]);
  });
});
