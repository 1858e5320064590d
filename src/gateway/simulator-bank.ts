import { createHash } from 'node:crypto';
import { brandOf } from '../card/brand-ranges.ts';
import { kBrandRules } from '../card/brand-rules.ts';
import { checkExpiry } from '../card/card-dates.ts';
import type { CardSecret } from '../card/card-secret.ts';
import { checkSecurityCode } from '../card/field-rules.ts';
import { luhn } from '../card/luhn.ts';
import { lastFour } from '../card/pan.ts';
import type { Money } from '../money/money.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeclineClass, PaymentRef } from '../ports/payment-gateway.ts';
import { type CardRule, isWrongSecurityCode, ruleFor } from './simulator-cards.ts';

const kMostBookings = 50_000; // about 20 MB
const kAlphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'; // Crockford base32

/** What the bank answers to a submission or a look-up. */
export type BankVerdict =
  | {
      readonly outcome: 'approved';
      readonly transactionId: string;
      readonly authCode: string;
      readonly spokenReference: string;
    }
  | {
      readonly outcome: 'declined';
      readonly class: DeclineClass;
      readonly code: string;
      readonly transactionId: string;
    }
  | { readonly outcome: 'transient'; readonly code: string }
  | { readonly outcome: 'pending' }
  /** The key was used for another payment. */
  | { readonly outcome: 'conflict' };

/** How the verdict travels: as an answer, or not at all. */
export type Delivery = 'answer' | 'silence' | 'reset' | 'garbage';

export interface Receipt {
  readonly delivery: Delivery;
  /** Wait this long before reading the verdict; 0 = at once. */
  readonly delayMs: number;
  verdict(): BankVerdict;
}

export type LedgerState = 'pending' | 'approved' | 'declined' | 'not_processed' | 'reversed';

/** One submission as the bank booked it; masked by type. */
export interface LedgerEntry {
  readonly paymentRef: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly amount: Money;
  readonly last4: string;
  readonly state: LedgerState;
  readonly transactionId: string;
  /** How often it was sent; all but the first were replays. */
  readonly submissions: number;
}

export interface SimulatorBankOptions {
  /** Every answer takes this long. */
  readonly answerDelayMs?: number;
  /** The ledger forgets its oldest entries beyond this many. */
  readonly mostBookings?: number;
}

interface Booking {
  readonly ref: PaymentRef;
  readonly last4: string;
  readonly rule: CardRule;
  readonly dueMs: number;
  readonly id: string;
  submissions: number;
  reversed: boolean;
}

/**
 * The bank behind every simulated gateway: decides by card and amount, keeps the ledger, knows nothing of how it was asked.
 * A key seen before gets its first verdict again; the same payment under another key is charged again, so that tests see it.
 */
export class SimulatorBank {
  readonly #clock: Clock;
  readonly #answerDelayMs: number;
  readonly #mostBookings: number;
  readonly #bookings = new Map<string, Booking>();
  /** Reversed before they arrived: they must not be charged when they do. */
  readonly #stopped = new Set<string>();

  constructor(clock: Clock, { answerDelayMs = 0, mostBookings = kMostBookings }: SimulatorBankOptions = {}) {
    this.#clock = clock;
    this.#answerDelayMs = answerDelayMs;
    this.#mostBookings = mostBookings;
  }

  /** Reads the card during the call and keeps its last four digits. */
  submit(ref: PaymentRef, card: CardSecret): Receipt {
    const known = this.#bookings.get(ref.idempotencyKey);
    if (known && !isSame(known.ref, ref)) {
      return { delivery: 'answer', delayMs: 0, verdict: () => ({ outcome: 'conflict' }) };
    }
    const booking = known ?? this.#book(ref, card);
    booking.submissions++;
    return {
      delivery: deliveryOf(booking.rule),
      delayMs: Math.max(0, booking.dueMs - this.#clock.now(), this.#answerDelayMs),
      verdict: () => this.#verdictOf(booking),
    };
  }

  /** The last verdict on a payment's attempt; undefined if the bank never processed it. */
  query(paymentRef: string, attempt: number): BankVerdict | undefined {
    const booking = this.#find(paymentRef, attempt).findLast(
      (each) => this.#stateOf(each) !== 'not_processed',
    );
    return booking && this.#verdictOf(booking);
  }

  /** Takes every charge of the attempt back, also one that is still to arrive. */
  reverse(paymentRef: string, attempt: number): 'reversed' | 'nothing_to_reverse' {
    this.#stopped.add(stopKey(paymentRef, attempt));
    forgetOldest(this.#stopped, this.#mostBookings);
    const charged = this.#find(paymentRef, attempt).filter(
      (each) => isCharge(this.#stateOf(each)) || each.reversed,
    );
    for (const booking of charged) booking.reversed = true;
    return charged.length > 0 ? 'reversed' : 'nothing_to_reverse';
  }

  ledger(): readonly LedgerEntry[] {
    return [...this.#bookings.values()].map((booking) => ({
      paymentRef: booking.ref.paymentRef,
      attempt: booking.ref.attempt,
      idempotencyKey: booking.ref.idempotencyKey,
      amount: booking.ref.amount,
      last4: booking.last4,
      state: this.#stateOf(booking),
      transactionId: booking.id,
      submissions: booking.submissions,
    }));
  }

  /** Charges of a payment that stand, all attempts together: more than one is a double charge. */
  netCharges(paymentRef: string): number {
    const charged = (booking: Booking) =>
      booking.ref.paymentRef === paymentRef && isCharge(this.#stateOf(booking));
    return [...this.#bookings.values()].filter(charged).length;
  }

  #book(ref: PaymentRef, card: CardSecret): Booking {
    const rule = judge(ref, card, this.#clock.date());
    const delayMs = rule.kind === 'slow' ? rule.delayMs : 0;
    const booking: Booking = {
      ref: {
        paymentRef: ref.paymentRef,
        attempt: ref.attempt,
        idempotencyKey: ref.idempotencyKey,
        amount: ref.amount,
      },
      last4: lastFour(card),
      rule,
      dueMs: this.#clock.now() + delayMs,
      id: idOf(ref.idempotencyKey),
      submissions: 0,
      reversed: this.#stopped.has(stopKey(ref.paymentRef, ref.attempt)) && rule.kind !== 'decline',
    };
    this.#bookings.set(ref.idempotencyKey, booking);
    forgetOldest(this.#bookings, this.#mostBookings);
    return booking;
  }

  #find(paymentRef: string, attempt: number): Booking[] {
    return [...this.#bookings.values()].filter(
      ({ ref }) => ref.paymentRef === paymentRef && ref.attempt === attempt,
    );
  }

  #stateOf(booking: Booking): LedgerState {
    return booking.rule.kind === 'decline' ? 'declined' : this.#chargeState(booking, booking.rule);
  }

  #chargeState(booking: Booking, rule: CardRule): Exclude<LedgerState, 'declined'> {
    if (rule.kind === 'transient' || rule.kind === 'garbage') return 'not_processed';
    if (rule.kind === 'silent' && !rule.charged) return 'not_processed';
    if (booking.reversed) return 'reversed';
    return this.#clock.now() < booking.dueMs ? 'pending' : 'approved';
  }

  #verdictOf(booking: Booking): BankVerdict {
    const { rule, id } = booking;
    if (rule.kind === 'decline')
      return { outcome: 'declined', class: rule.class, code: rule.code, transactionId: id };
    switch (this.#chargeState(booking, rule)) {
      case 'pending':
        return { outcome: 'pending' };
      case 'not_processed':
        return { outcome: 'transient', code: '96' };
      case 'reversed':
        return { outcome: 'declined', class: 'soft', code: 'reversed', transactionId: id };
      case 'approved':
        return {
          outcome: 'approved',
          transactionId: id,
          authCode: authCodeOf(id),
          spokenReference: id.slice(-4),
        };
    }
  }
}

/** Number, expiry date and security code first, as every bank does; then what the test card stands for. */
function judge(ref: PaymentRef, card: CardSecret, date: Date): CardRule {
  const reenter = (code: string): CardRule => ({ kind: 'decline', class: 'reenter', code });
  const brand = card.lend('pan', (digits) => brandOf(digits));
  const luhnApplies = brand === undefined || kBrandRules[brand].luhn !== 'ignored';
  if (luhnApplies && !card.lend('pan', luhn)) return reenter('14');
  if (card.length('expiry') > 0 && checkExpiry(card, date) !== 'ok') return reenter('54');
  if (brand !== undefined && card.length('cvv') > 0 && checkSecurityCode(card, brand) !== 'ok')
    return reenter('N7');
  if (isWrongSecurityCode(card)) return reenter('N7');
  return ruleFor(card, ref.amount.minor);
}

function deliveryOf(rule: CardRule): Delivery {
  switch (rule.kind) {
    case 'silent':
      return 'silence';
    case 'reset':
    case 'garbage':
      return rule.kind;
    default:
      return 'answer';
  }
}

/** Maps and sets keep the order of insertion. */
function forgetOldest(kept: Map<string, unknown> | Set<string>, most: number): void {
  if (kept.size <= most) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}

function isCharge(state: LedgerState): boolean {
  return state === 'approved' || state === 'pending';
}

function isSame(a: PaymentRef, b: PaymentRef): boolean {
  return (
    a.paymentRef === b.paymentRef &&
    a.attempt === b.attempt &&
    a.amount.minor === b.amount.minor &&
    a.amount.currency === b.amount.currency
  );
}

function stopKey(paymentRef: string, attempt: number): string {
  return `${paymentRef}/${attempt}`;
}

/** `SIM-XXXX-XXXX-XXXX`, the same for the same key: a demonstration can be repeated word for word. */
function idOf(idempotencyKey: string): string {
  const hash = createHash('sha256').update(idempotencyKey).digest();
  const text = Array.from(hash.subarray(0, 12), (byte) => kAlphabet[byte % 32]).join('');
  return `SIM-${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`;
}

function authCodeOf(id: string): string {
  return id.replaceAll('-', '').slice(3, 9);
}
