import { CardSecret, type SecretField } from '../../card/card-secret.ts';
import { type Money, parseMajor } from '../../money/money.ts';
import type { FollowUpKind, PaymentRef, PaymentType } from '../../ports/payment-gateway.ts';
import type {
  BankChange,
  BankVerdict,
  LedgerChange,
  LedgerEntry,
  Receipt,
  SimulatorBank,
} from '../simulator-bank.ts';

/** A request as it came; the body is zeroed after it. */
export interface SimulatedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface SimulatedReply {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** What to answer; with a receipt the bank decides whether and when. */
export type SimulatedAnswer =
  | SimulatedReply
  | { readonly receipt: Receipt; readonly reply: (verdict: BankVerdict) => SimulatedReply };

/** One gateway's way of speaking, as the simulated bank answers it. */
export interface SimulatedDialect {
  readonly paths: RegExp;
  answer(request: SimulatedRequest): SimulatedAnswer;
}

const kZero = 0x30;

/** Moves card digits out of a body into an arena; they are zeros there before anybody makes a string of it. */
export class CardReader {
  readonly card = new CardSecret();
  readonly #body: Buffer;

  constructor(body: Buffer) {
    this.#body = body;
  }

  /** The digits behind a marker, from the one at `from` on, `most` at most. */
  take(field: SecretField, marker: string, { from = 0, most = 19 } = {}): this {
    const found = this.#body.indexOf(marker);
    if (found < 0) return this;
    let at = found + marker.length + from;
    for (let count = 0; count < most && isDigit(this.#body[at]); count++, at++) {
      this.card.append(field, (this.#body[at] ?? kZero) - kZero);
      this.#body[at] = kZero;
    }
    return this;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

export function json(status: number, value: unknown): SimulatedReply {
  return { status, contentType: 'application/json', text: JSON.stringify(value) };
}

export function xml(status: number, text: string): SimulatedReply {
  return { status, contentType: 'application/xml', text: `<?xml version="1.0" encoding="UTF-8"?>${text}` };
}

/** The payment an order id names: its reference and two digits of the attempt. */
export function refOf(
  orderId: string,
  amount: Money,
  operation: PaymentType = 'sale',
): PaymentRef | undefined {
  const match = /^(.{1,60}?)-?(\d\d)$/.exec(orderId);
  return match?.[1] === undefined
    ? undefined
    : { paymentRef: match[1], attempt: Number(match[2]), idempotencyKey: orderId, amount, operation };
}

export function major(text: string | undefined, currency: string): Money | undefined {
  return text === undefined ? undefined : parseMajor(text, currency);
}

/** The bank's books as gateways without idempotency keys show them. */
export class Books {
  readonly bank: SimulatorBank;
  #requests = 0;

  constructor(bank: SimulatorBank) {
    this.bank = bank;
  }

  /** A number nobody had before. */
  next(): number {
    return ++this.#requests;
  }

  /** Nothing tells a resend from a new sale: it is charged again. */
  charge(ref: PaymentRef, card: CardSecret, mayPart = false): Receipt {
    const idempotencyKey = `${ref.idempotencyKey}#${++this.#requests}`;
    return submitOnce(this.bank, { ...ref, idempotencyKey }, card, mayPart);
  }

  /** Nothing tells a resend from a new change either. @param minor - left out: all of it. */
  change(transactionId: string, kind: FollowUpKind, minor?: number, name = ''): BankChange {
    const whole = this.byId(transactionId)?.amount.minor ?? 0;
    return this.bank.change(transactionId, kind, minor ?? whole, `${name}#${++this.#requests}`);
  }

  /** The change that bears a name, and the payment it is of. */
  changeNamed(name: string): { readonly entry: LedgerEntry; readonly change: LedgerChange } | undefined {
    for (const entry of this.bank.ledger()) {
      const change = entry.changes.find(({ key }) => key.split('#')[0] === name);
      if (change) return { entry, change };
    }
    return undefined;
  }

  /** What was processed under an order id, in the order it came. */
  entries(orderId: string): readonly LedgerEntry[] {
    return this.bank
      .ledger()
      .filter((entry) => entry.state !== 'not_processed' && orderOf(entry) === orderId);
  }

  byId(transactionId: string): LedgerEntry | undefined {
    return this.bank.ledger().find((entry) => entry.transactionId === transactionId);
  }

  verdict({ paymentRef, attempt }: LedgerEntry): BankVerdict | undefined {
    return this.bank.query(paymentRef, attempt);
  }

  reverse({ paymentRef, attempt }: Pick<LedgerEntry, 'paymentRef' | 'attempt'>) {
    return this.bank.reverse(paymentRef, attempt);
  }
}

/** Wipes the card: the bank has looked at it. @param mayPart - the dialect can say that less was approved. */
export function submitOnce(bank: SimulatorBank, ref: PaymentRef, card: CardSecret, mayPart = false): Receipt {
  try {
    return bank.submit(ref, card, mayPart);
  } finally {
    card.wipe();
  }
}

export function orderOf({ idempotencyKey }: LedgerEntry): string {
  return idempotencyKey.split('#')[0] ?? idempotencyKey;
}
