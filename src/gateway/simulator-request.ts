import { z } from 'zod';
import { CardSecret, type SecretField } from '../card/card-secret.ts';
import { kFollowUpKinds, kPaymentTypes, type PaymentRef } from '../ports/payment-gateway.ts';

const kZero = 0x30;
const kQuote = 0x22;
const kColon = 0x3a;

const kSale = z.object({
  version: z.literal(1),
  operation: z.enum(kPaymentTypes),
  paymentRef: z.string().min(1).max(64),
  attempt: z.int().min(1),
  channel: z.literal('moto'),
  amount: z.object({
    value: z.int().min(0),
    currency: z.string().regex(/^[A-Z]{3}$/),
    exponent: z.int().min(0).max(4),
  }),
  card: z.object({
    brand: z.string(),
    number: z.string().regex(/^\d{12,19}$/),
    expiryMonth: z
      .string()
      .regex(/^\d\d$/)
      .nullish(),
    expiryYear: z
      .string()
      .regex(/^\d{4}$/)
      .nullish(),
    securityCode: z
      .string()
      .regex(/^\d{3,4}$/)
      .nullish(),
  }),
});

const kChange = z.object({
  version: z.literal(1),
  operation: z.enum(kFollowUpKinds),
  transactionId: z.string().min(1).max(64),
  amount: z.object({ value: z.int().min(1) }),
});

const kCheck = z.object({ prefix: z.string().regex(/^\d{6,8}$/) });

export interface SimulatedSale {
  readonly ref: PaymentRef;
  /** The receiver wipes it. */
  readonly card: CardSecret;
}

/**
 * Reads the body of a sale. The card's digits move from the bytes into an arena and are zeros in the body before it is parsed, so
 * that the simulator, too, never has them in a string.
 * @returns the sale, or which field is wrong.
 */
export function readSale(body: Buffer, idempotencyKey: string): SimulatedSale | { readonly wrong: string } {
  const card = new CardSecret();
  move(body, 'number', card, 'pan', 0);
  move(body, 'expiryMonth', card, 'expiry', 0);
  move(body, 'expiryYear', card, 'expiry', 2);
  move(body, 'securityCode', card, 'cvv', 0);
  const sale = kSale.safeParse(jsonOf(body));
  if (!sale.success) {
    card.wipe();
    return { wrong: sale.error.issues[0]?.path.join('.') || 'body' };
  }
  const { paymentRef, attempt, amount, operation } = sale.data;
  if (amount.value === 0 && (operation === 'sale' || operation === 'authorize')) {
    card.wipe();
    return { wrong: 'amount.value' };
  }
  const money = { minor: amount.value, currency: amount.currency, exponent: amount.exponent };
  return { ref: { paymentRef, attempt, idempotencyKey, amount: money, operation }, card };
}

/** The body of a capture, void or refund; undefined if it is none. */
export function readChange(body: Buffer): z.output<typeof kChange> | undefined {
  return kChange.safeParse(jsonOf(body)).data;
}

/** The digits of a card check, never more than eight; undefined if they are not that. */
export function readPrefix(body: Buffer): Uint8Array | undefined {
  const check = kCheck.safeParse(jsonOf(body));
  return check.success ? Buffer.from(check.data.prefix, 'latin1') : undefined;
}

/** Moves the digits of a JSON string member into a card field, from the digit at `skip` on. */
function move(body: Buffer, name: string, card: CardSecret, field: SecretField, skip: number): void {
  let at = startOfValue(body, name);
  for (let index = 0; isDigit(body[at]); index++, at++) {
    if (index >= skip) card.append(field, (body[at] ?? kZero) - kZero);
    body[at] = kZero;
  }
}

/** Offset of the first character of a member's string value; the body's length if there is none. */
function startOfValue(body: Buffer, name: string): number {
  const key = `"${name}"`;
  const found = body.indexOf(key);
  if (found < 0) return body.length;
  const colon = afterBlanks(body, found + key.length);
  const quote = afterBlanks(body, colon + 1);
  return body[colon] === kColon && body[quote] === kQuote ? quote + 1 : body.length;
}

function afterBlanks(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x09 || body[at] === 0x0a || body[at] === 0x0d) at++;
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
