import type { CardSecret, SecretField } from '../card/card-secret.ts';
import { AppError } from '../errors.ts';
import { digitMemory } from '../ports/digit-memory.ts';

/**
 * One piece of a request body: text of ours, or the digits `from` (included) to `to` (not included) of a card field.
 * Text never holds a card digit; digits go from the arena into the body as bytes.
 */
export type Segment = string | { readonly field: SecretField; readonly from: number; readonly to: number };

/** All digits of a card field. */
export function allDigits(card: CardSecret, field: SecretField): Segment {
  return { field, from: 0, to: card.length(field) };
}

/** `yyyy`: 2030, `yy`: 30, `m`: 3, `mm`: 03. Nothing if no expiry date was keyed (MMYY). */
export function month(card: CardSecret, form: 'm' | 'mm'): Segment[] {
  if (card.length('expiry') !== 4) return [];
  const leadingZero = card.lend('expiry', (digits) => digits[0] === 0x30);
  return [{ field: 'expiry', from: form === 'm' && leadingZero ? 1 : 0, to: 2 }];
}

/** As {@link month}. */
export function year(card: CardSecret, form: 'yy' | 'yyyy'): Segment[] {
  if (card.length('expiry') !== 4) return [];
  const short: Segment = { field: 'expiry', from: 2, to: 4 };
  return form === 'yy' ? [short] : ['20', short];
}

/** The pieces with a piece of text on either side, or nothing if there are none: a member that is left out. */
export function around(before: string, pieces: readonly Segment[], after = ''): Segment[] {
  return pieces.length === 0 ? [] : [before, ...pieces, after];
}

/** All digits of a field, nothing if it is empty. */
export function digits(card: CardSecret, field: SecretField): Segment[] {
  return card.length(field) === 0 ? [] : [allDigits(card, field)];
}

/** @returns the body, for {@link SecureHttp.exchange} to send and to zero; whoever does not hand it over zeroes it. */
export function renderBody(segments: readonly Segment[], card: CardSecret | null): Buffer {
  const length = segments.reduce((sum, segment) => sum + lengthOf(segment), 0);
  const arena = digitMemory(length);
  let at = 0;
  for (const segment of segments) at += write(segment, card, arena, at);
  return arena.subarray(0, length);
}

function lengthOf(segment: Segment): number {
  return typeof segment === 'string' ? Buffer.byteLength(segment) : segment.to - segment.from;
}

function write(segment: Segment, card: CardSecret | null, arena: Buffer, at: number): number {
  if (typeof segment === 'string') return arena.write(segment, at);
  if (card === null) throw new AppError('INTERNAL', 'a body with card digits needs a card');
  card.lend(segment.field, (digits) => arena.set(digits.subarray(segment.from, segment.to), at));
  return segment.to - segment.from;
}
