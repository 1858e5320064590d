import { randomBytes } from 'node:crypto';

export const kCrockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // no I, L, O, U: it is read aloud
const kRefCharacters = 16;

/** The name of a payment towards the gateway: 80 random bits in 16 Crockford base32 characters. */
export function newPaymentRef(): string {
  // 256 is a multiple of 32, so every character is as likely as the next.
  return Array.from(randomBytes(kRefCharacters), (byte) => kCrockford.charAt(byte % kCrockford.length)).join(
    '',
  );
}

/**
 * What a gateway recognises a resend by: the reference and two digits of the attempt, 18 characters.
 * @param attempt - 1..99
 */
export function idempotencyKeyOf(paymentRef: string, attempt: number): string {
  return paymentRef + String(attempt).padStart(2, '0');
}
