import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { cardFingerprint } from '../../../src/card/card-fingerprint.ts';
import { CardSecret, kFieldCapacity, type SecretField } from '../../../src/card/card-secret.ts';
import { cardOf } from '../../support/payment-request.ts';

const kPan = '4242424242424242';

function text(card: CardSecret, field: SecretField): string {
  return card.lend(field, (digits) => Buffer.from(digits).toString('latin1'));
}

describe('the card arena', () => {
  it('keeps fields apart, each up to its capacity', () => {
    const card = new CardSecret();
    const fields = Object.keys(kFieldCapacity) as SecretField[];
    for (const [index, field] of fields.entries()) {
      for (let count = 0; count < kFieldCapacity[field]; count++)
        expect(card.append(field, index)).toBe(true);
      expect(card.append(field, 9)).toBe(false);
      expect(card.prepend(field, 9)).toBe(false);
    }
    for (const [index, field] of fields.entries()) {
      expect(text(card, field)).toBe(String(index).repeat(kFieldCapacity[field]));
    }
  });

  it('clears one field and lends none of it afterwards', () => {
    const card = cardOf({ pan: kPan });
    const view = card.lend('cvv', (digits) => digits);
    card.clear('cvv');
    expect([card.length('cvv'), text(card, 'cvv'), [...view]]).toEqual([0, '', [0, 0, 0]]);
    expect(text(card, 'pan')).toBe(kPan);
  });

  it('puts a digit in front', () => {
    const card = cardOf({ pan: '', expiry: '330' });
    card.prepend('expiry', 0);
    expect(text(card, 'expiry')).toBe('0330');
  });

  it.each([-1, 10, 1.5, Number.NaN])('refuses %d as a digit without repeating it', (digit) => {
    const card = new CardSecret();
    expect(() => card.append('pan', digit)).toThrow('a card digit is 0..9');
    expect(() => card.prepend('pan', digit)).toThrow('a card digit is 0..9');
    expect(card.length('pan')).toBe(0);
  });

  it('is off the V8 heap, so that no copy of it stays behind', () => {
    expect(cardOf({ pan: kPan }).lend('pan', (digits) => digits.buffer.byteLength)).toBeGreaterThan(64);
  });

  it('is zero everywhere once wiped, also for a view that got away', () => {
    const card = cardOf({ pan: kPan, postal: '90210' });
    const arena = new Uint8Array(card.lend('pan', (digits) => digits.buffer));
    expect(arena.some((byte) => byte !== 0)).toBe(true);
    card.wipe();
    expect(arena.every((byte) => byte === 0)).toBe(true);
    expect(card.wiped).toBe(true);
    card.wipe();
  });

  it('throws at any use once wiped', () => {
    const card = cardOf({ pan: kPan });
    card.wipe();
    const uses = [
      () => card.append('pan', 1),
      () => card.prepend('pan', 1),
      () => card.length('pan'),
      () => card.clear('pan'),
      () => card.lend('pan', () => 1),
    ];
    for (const use of uses) expect(use).toThrow('wiped');
  });

  it('shows nothing to inspection, formatting, JSON, enumeration or cloning', () => {
    const card = cardOf({ pan: kPan });
    const shown = [
      inspect(card),
      inspect({ deep: { card } }, { depth: 9, showHidden: true, getters: true }),
      inspect(card, { customInspect: false, showHidden: true, depth: 9 }),
      format('%s %o %O %j', card, card, card, card),
      `${card}`,
      JSON.stringify({ card }),
      JSON.stringify({ ...card }),
      JSON.stringify(Object.getOwnPropertyDescriptors(card)),
      inspect(structuredClone(card), { showHidden: true }),
      serialize(card).toString('latin1'),
    ].join('\n');
    expect(shown).not.toContain('4242');
    expect(shown).not.toContain('34 32 34 32');
    expect(shown).not.toContain('52, 50, 52, 50');
    expect(Object.keys(card)).toEqual([]);
  });

  it('does not lend to a callback that goes on afterwards', () => {
    expect(() => cardOf({ pan: kPan }).lend('pan', async () => undefined)).toThrow('promise');
  });
});

describe('the fingerprint', () => {
  it('tells cards apart without telling their numbers', () => {
    const one = cardFingerprint(cardOf({ pan: kPan }));
    expect(cardFingerprint(cardOf({ pan: kPan, cvv: '999' }))).toBe(one);
    expect(cardFingerprint(cardOf({ pan: '4000000000000002' }))).not.toBe(one);
    expect(one).toMatch(/^[\w-]{43}$/);
  });
});
