import { expect, it } from 'vitest';
import { idempotencyKeyOf, newPaymentRef } from '../../../src/payment/payment-ref.ts';

const kRefCount = 20_000;

it('makes references of 16 characters that can be read aloud, each a new one', () => {
  const refs = Array.from({ length: kRefCount }, newPaymentRef);
  expect(new Set(refs).size).toBe(kRefCount);
  for (const ref of refs) expect(ref).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
});

it('uses every character of the alphabet in every place', () => {
  const refs = Array.from({ length: kRefCount }, newPaymentRef);
  for (let place = 0; place < 16; place++) expect(new Set(refs.map((ref) => ref[place])).size).toBe(32);
});

it('keeps the key of an attempt within the 20 characters every gateway takes', () => {
  expect(idempotencyKeyOf('R4K7Z2M9QX3TB8VA', 1)).toBe('R4K7Z2M9QX3TB8VA01');
  expect(idempotencyKeyOf('R4K7Z2M9QX3TB8VA', 12)).toBe('R4K7Z2M9QX3TB8VA12');
});
