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
import type { DeclineClass, FollowUpKind, PaymentRef, PaymentType } from '../ports/payment-gateway.ts';
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
      /** Less than was asked, where only that was approved. */
      readonly part: Money | null;
      readonly token: string | null;
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

/** `verified`: a card that was looked at or kept, nothing charged; `authorized`: held, not captured. */
export type LedgerState =
  | 'pending'
  | 'approved'
  | 'authorized'
  | 'verified'
  | 'declined'
  | 'not_processed'
  | 'reversed';

/** What a change of a payment came to. */
export type BankChange =
  | { readonly outcome: 'done'; readonly transactionId: string }
  | { readonly outcome: 'refused'; readonly code: string };

export interface LedgerChange {
  readonly key: string;
  readonly kind: FollowUpKind;
  readonly minor: number;
  readonly transactionId: string;
}

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
  readonly operation: PaymentType;
  /** What was captured, voided and refunded, in order. */
  readonly changes: readonly LedgerChange[];
}

/** What was settled together. */
export interface Batch {
  readonly settledAt: Date;
  readonly transactionIds: ReadonlySet<string>;
}

export interface SimulatorBankOptions {
  /** Every answer takes this long. */
  readonly answerDelayMs?: number;
  /** The ledger forgets its oldest entries beyond this many. */
  readonly mostBookings?: number;
  /** What becomes of a card that is well formed; what the table of test cards says, if absent. */
  readonly ruleFor?: typeof ruleFor;
}

interface Booking {
  readonly ref: PaymentRef;
  readonly last4: string;
  readonly rule: CardRule;
  readonly dueMs: number;
  readonly id: string;
  readonly changes: LedgerChange[];
  submissions: number;
  reversed: boolean;
}

/**
 * The bank behind every simulated gateway: decides by card and amount, keeps the ledger, knows nothing of how it was asked.
 * A key seen before gets its first verdict again; the same payment under another key is charged again, so that tests see it.
 */
export class SimulatorBank {
  /** In the order they were cut; only dialects that show batches know of them. */
  readonly batches: Batch[] = [];
  readonly #clock: Clock;
  readonly #answerDelayMs: number;
  readonly #mostBookings: number;
  readonly #ruleFor: typeof ruleFor;
  readonly #bookings = new Map<string, Booking>();
  /** Reversed before they arrived: they must not be charged when they do. */
  readonly #stopped = new Set<string>();

  constructor(clock: Clock, options: SimulatorBankOptions = {}) {
    this.#clock = clock;
    this.#answerDelayMs = options.answerDelayMs ?? 0;
    this.#mostBookings = options.mostBookings ?? kMostBookings;
    this.#ruleFor = options.ruleFor ?? ruleFor;
  }

  /**
   * Reads the card during the call and keeps its last four digits.
   * @param mayPart - the dialect can say that less was approved; a bank that could not say so declines.
   */
  submit(ref: PaymentRef, card: CardSecret, mayPart = false): Receipt {
    const known = this.#bookings.get(ref.idempotencyKey);
    if (known && !isSame(known.ref, ref)) {
      return { delivery: 'answer', delayMs: 0, verdict: () => ({ outcome: 'conflict' }) };
    }
    const booking = known ?? this.#book(ref, card, mayPart);
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

  /**
   * Captures, voids or refunds a charge; the same key gets its first answer again. Keeps to what banks keep to: an authorization is captured
   * once, what was captured is refunded and never beyond it.
   */
  change(transactionId: string, kind: FollowUpKind, minor: number, key: string): BankChange {
    const booking = [...this.#bookings.values()].find(({ id }) => id === transactionId);
    if (!booking) return { outcome: 'refused', code: 'not_found' };
    const known = booking.changes.find((change) => change.key === key);
    if (known) return { outcome: 'done', transactionId: known.transactionId };
    const code = whyNot(booking, this.#stateOf(booking), kind, minor);
    if (code !== undefined) return { outcome: 'refused', code };
    const change = { key, kind, minor, transactionId: idOf(`${key} ${transactionId}`) };
    booking.changes.push(change);
    if (kind === 'void') booking.reversed = true;
    return { outcome: 'done', transactionId: change.transactionId };
  }

  /** What a payment's cards were charged in the end, all attempts together, minor units. */
  netMinor(paymentRef: string): number {
    return [...this.#bookings.values()]
      .filter((booking) => booking.ref.paymentRef === paymentRef && this.#stateOf(booking) === 'approved')
      .reduce((sum, booking) => sum + capturedOf(booking) - sumOf(booking, 'refund'), 0);
  }

  /** Settles what is charged by now. */
  closeBatch(): void {
    const charged = this.ledger().filter(({ state }) => state === 'approved');
    const transactionIds = new Set(charged.map(({ transactionId }) => transactionId));
    this.batches.push({ settledAt: this.#clock.date(), transactionIds });
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
      operation: booking.ref.operation ?? 'sale',
      changes: booking.changes,
    }));
  }

  /** Charges of a payment that stand, all attempts together: more than one is a double charge. */
  netCharges(paymentRef: string): number {
    const charged = (booking: Booking) =>
      booking.ref.paymentRef === paymentRef && isCharge(this.#stateOf(booking));
    return [...this.#bookings.values()].filter(charged).length;
  }

  #book(ref: PaymentRef, card: CardSecret, mayPart: boolean): Booking {
    const judged = judge(ref, card, this.#clock.date(), this.#ruleFor);
    const rule: CardRule =
      judged.kind === 'part' && !mayPart ? { kind: 'decline', class: 'soft', code: '05' } : judged;
    const delayMs = rule.kind === 'slow' ? rule.delayMs : 0;
    const booking: Booking = {
      ref: {
        paymentRef: ref.paymentRef,
        attempt: ref.attempt,
        idempotencyKey: ref.idempotencyKey,
        amount: ref.amount,
        ...(ref.operation === undefined ? {} : { operation: ref.operation }),
      },
      changes: [],
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
    if (!movesMoney(booking)) return 'verified';
    if (booking.reversed) return 'reversed';
    if (this.#clock.now() < booking.dueMs) return 'pending';
    return isHeld(booking) ? 'authorized' : 'approved';
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
      case 'authorized':
      case 'verified':
        return {
          outcome: 'approved',
          transactionId: id,
          authCode: authCodeOf(id),
          spokenReference: id.slice(-4),
          part: rule.kind === 'part' ? { ...booking.ref.amount, minor: approvedOf(booking) } : null,
          token: booking.ref.operation === 'tokenize' ? `TOK-${id.slice(4)}` : null,
        };
    }
  }
}

/** Number, expiry date and security code first, as every bank does; then what the test card stands for. */
function judge(ref: PaymentRef, card: CardSecret, date: Date, rule: typeof ruleFor): CardRule {
  const reenter = (code: string): CardRule => ({ kind: 'decline', class: 'reenter', code });
  const brand = card.lend('pan', (digits) => brandOf(digits));
  const luhnApplies = brand === undefined || kBrandRules[brand].luhn !== 'ignored';
  if (luhnApplies && !card.lend('pan', luhn)) return reenter('14');
  if (card.length('expiry') > 0 && checkExpiry(card, date) !== 'ok') return reenter('54');
  if (brand !== undefined && card.length('cvv') > 0 && checkSecurityCode(card, brand) !== 'ok')
    return reenter('N7');
  if (isWrongSecurityCode(card)) return reenter('N7');
  return rule(card, ref.amount.minor);
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
  return state === 'approved' || state === 'authorized' || state === 'pending';
}

function movesMoney({ ref }: Booking): boolean {
  return ref.operation !== 'verify' && ref.operation !== 'tokenize';
}

function isHeld(booking: Booking): boolean {
  return booking.ref.operation === 'authorize' && sumOf(booking, 'capture') === 0;
}

function approvedOf({ ref, rule }: Booking): number {
  return rule.kind === 'part' ? Math.ceil(ref.amount.minor / 2) : ref.amount.minor;
}

function capturedOf(booking: Booking): number {
  return booking.ref.operation === 'authorize' ? sumOf(booking, 'capture') : approvedOf(booking);
}

function sumOf({ changes }: Booking, kind: FollowUpKind): number {
  return changes.filter((change) => change.kind === kind).reduce((sum, { minor }) => sum + minor, 0);
}

/** Why a change cannot be made, in the bank's words; undefined if it can. */
function whyNot(booking: Booking, state: LedgerState, kind: FollowUpKind, minor: number): string | undefined {
  switch (kind) {
    case 'capture':
      return state === 'authorized' && minor <= approvedOf(booking) ? undefined : 'not_capturable';
    case 'void':
      return isCharge(state) && sumOf(booking, 'refund') === 0 ? undefined : 'not_voidable';
    case 'refund':
      return state === 'approved' && sumOf(booking, 'refund') + minor <= capturedOf(booking)
        ? undefined
        : 'not_refundable';
  }
}

function isSame(a: PaymentRef, b: PaymentRef): boolean {
  return (
    a.paymentRef === b.paymentRef &&
    a.attempt === b.attempt &&
    (a.operation ?? 'sale') === (b.operation ?? 'sale') &&
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
