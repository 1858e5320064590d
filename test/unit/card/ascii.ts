/** Digits as the arena lends them. */
export function ascii(digits: string): Uint8Array {
  return Buffer.from(digits, 'latin1');
}
