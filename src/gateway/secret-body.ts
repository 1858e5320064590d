import type { CardSecret, SecretField } from '../card/card-secret.ts';

/**
 * One piece of a request body: text of ours, or the digits `from` (included) to `to` (not included) of a card field.
 * Text never holds a card digit; digits go from the arena into the body as bytes.
 */
export type Segment = string | { readonly field: SecretField; readonly from: number; readonly to: number };

// Typed arrays of up to 64 bytes live on the V8 heap, where moving them leaves copies behind.
export const kLeastSecretBytes = 65;

/** All digits of a card field. */
export function allDigits(card: CardSecret, field: SecretField): Segment {
  return { field, from: 0, to: card.length(field) };
}

/** @returns the body, for {@link SecureHttp.exchange} to send and to zero; whoever does not hand it over zeroes it. */
export function renderBody(segments: readonly Segment[], card: CardSecret): Buffer {
  const length = segments.reduce((sum, segment) => sum + lengthOf(segment), 0);
  const arena = Buffer.allocUnsafeSlow(Math.max(length, kLeastSecretBytes));
  let at = 0;
  for (const segment of segments) at += write(segment, card, arena, at);
  return arena.subarray(0, length);
}

function lengthOf(segment: Segment): number {
  return typeof segment === 'string' ? Buffer.byteLength(segment) : segment.to - segment.from;
}

function write(segment: Segment, card: CardSecret, arena: Buffer, at: number): number {
  if (typeof segment === 'string') return arena.write(segment, at);
  card.lend(segment.field, (digits) => arena.set(digits.subarray(segment.from, segment.to), at));
  return segment.to - segment.from;
}
