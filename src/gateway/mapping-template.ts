import type { CardSecret } from '../card/card-secret.ts';
import { formatMajor } from '../money/money.ts';
import type { FollowUp, PaymentRef, PaymentRequest } from '../ports/payment-gateway.ts';
import { digits, month, type Segment, year } from './secret-body.ts';
import { escaped } from './xml-text.ts';

/** What slots are filled with; of a change, the key and amount are its own. */
export type Filling = PaymentRef &
  Partial<PaymentRequest> &
  Partial<Pick<FollowUp, 'transactionId'>> & {
    /** The key the payment was sent with. */
    readonly paymentKey?: string;
  };

/** A text with its slots filled. Card digits stay segments: no string of them is ever made. */
export type Template = (request: Filling, card: CardSecret | null) => Segment[];

type Fill = (request: Filling) => string;

const kOrder: Readonly<Record<string, Fill>> = {
  idempotencyKey: ({ idempotencyKey }) => idempotencyKey,
  paymentRef: ({ paymentRef }) => paymentRef,
  attempt: ({ attempt }) => String(attempt),
  'amount.minor': ({ amount }) => String(amount.minor),
  'amount.major': ({ amount }) => formatMajor(amount),
  'amount.currency': ({ amount }) => amount.currency,
  'amount.exponent': ({ amount }) => String(amount.exponent),
  merchantId: ({ merchantId }) => merchantId ?? '',
  customerId: ({ customerId }) => customerId ?? '',
  reference: ({ reference }) => reference ?? '',
  brand: ({ brand }) => brand ?? '',
  'call.id': ({ call }) => call?.id ?? '',
  transactionId: ({ transactionId }) => transactionId ?? '',
  paymentKey: ({ paymentKey, idempotencyKey }) => paymentKey ?? idempotencyKey,
};
const kCard: Readonly<Record<string, (card: CardSecret) => Segment[]>> = {
  'card.number': (card) => digits(card, 'pan'),
  'card.expiryMonth': (card) => month(card, 'mm'),
  'card.expiryMonthShort': (card) => month(card, 'm'),
  'card.expiryYear': (card) => year(card, 'yyyy'),
  'card.expiryYearShort': (card) => year(card, 'yy'),
  'card.securityCode': (card) => digits(card, 'cvv'),
  'card.postalCode': (card) => digits(card, 'postal'),
};
export const kOrderSlots = Object.keys(kOrder);

const kSlot = /\$\{([\w.]+)\}/;
const kGroup = /<<(.*?)>>/s;

/**
 * @param kind - a content type, `url` or `header`: how what fills a slot is escaped.
 * @returns what is wrong with the text, in words, if something is.
 */
export function templateOf(text: string, kind: string, mayHaveCard: boolean): Template | string {
  const escapeText = escapeFor(kind);
  const parts: Template[] = [];
  for (const [index, group] of text.split(kGroup).entries()) {
    const made = groupOf(group, escapeText, mayHaveCard, index % 2 === 1);
    if (typeof made === 'string') return made;
    parts.push(made);
  }
  return (request, card) => parts.flatMap((part) => part(request, card));
}

/** @param isOptional - left out as a whole when one of its slots has nothing to hold. */
function groupOf(
  text: string,
  escapeText: (text: string) => string,
  mayHaveCard: boolean,
  isOptional: boolean,
): Template | string {
  const parts: Template[] = [];
  for (const [index, part] of text.split(kSlot).entries()) {
    const made = index % 2 === 0 ? literal(part) : slot(part, escapeText, mayHaveCard);
    if (typeof made === 'string') return made;
    parts.push(made);
  }
  return (request, card) => {
    const filled = parts.map((part) => part(request, card));
    const isEmpty = filled.some(
      (segments, index) => index % 2 === 1 && !segments.some((each) => each !== ''),
    );
    return isOptional && isEmpty ? [] : filled.flat();
  };
}

function literal(text: string): Template {
  return () => (text === '' ? [] : [text]);
}

function slot(name: string, escapeText: (text: string) => string, mayHaveCard: boolean): Template | string {
  const fill = Object.hasOwn(kOrder, name) ? kOrder[name] : undefined;
  if (fill) return (request) => [escapeText(fill(request))];
  const lend = Object.hasOwn(kCard, name) ? kCard[name] : undefined;
  if (!lend) return `no slot is called ${name}`;
  if (!mayHaveCard) return `${name} belongs into the body of submit only`;
  return (_request, card) => (card === null ? [] : lend(card));
}

function escapeFor(kind: string): (text: string) => string {
  if (/json/.test(kind)) return (text) => JSON.stringify(text).slice(1, -1);
  if (/xml/.test(kind)) return escaped;
  if (kind === 'header') return (text) => text.replace(/[^\x20-\x7e]/g, '_');
  return (text) => encodeURIComponent(text.toWellFormed());
}
