import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import { parseMajor } from '../money/money.ts';
import type { Payments } from '../payment/payments.ts';
import type { Clock } from '../ports/clock.ts';
import type { PaymentRequest } from '../ports/payment-gateway.ts';
import type { Locale, Prompts } from '../ports/prompts.ts';
import type { Spending } from '../ports/store.ts';

/** Who is paid, by whom, and how. */
export interface Merchant {
  /** Null: who is paid when nobody is named. */
  readonly id: string | null;
  /** Called numbers; one that ends in `*` stands for all that begin so. */
  readonly dialled: readonly string[];
  readonly currency: string;
  readonly locale: Locale;
  readonly policy: PaymentPolicy;
  readonly prompts: Prompts;
  readonly payments: Payments;
  readonly gateway: { readonly name: string; readonly isUp: () => boolean };
}

/** What holds for one payment. */
export type Terms = Pick<Merchant, 'policy' | 'prompts' | 'payments' | 'gateway'>;

/** What a trunk's calls may do. */
export interface TrunkTerms {
  readonly name: string;
  /** Whom its calls may pay; none: anybody. */
  readonly merchants: readonly string[];
  readonly limits: {
    /** Major units of whatever currency a payment is in; null: no limit. */
    readonly largestAmount: string | null;
  };
}

/** What a call says of whom it pays. */
export interface Addressee {
  /** The name it gave; null: none. */
  readonly merchantId: string | null;
  readonly dialled: string;
  /** Name of the trunk it came by. */
  readonly trunk: string;
}

/** All who can be paid, and the limits of amounts: of the merchant, the trunk and the customer the least counts. */
export class Merchants {
  readonly #anybody: Merchant;
  readonly #merchants: readonly Merchant[];
  readonly #trunks: ReadonlyMap<string, TrunkTerms>;
  readonly #spending: Spending;
  readonly #clock: Pick<Clock, 'date'>;

  /**
   * @param anybody - who is paid when nobody is named.
   * @param merchants - none: names that calls give are passed on to the gateway, and mean nothing here.
   */
  constructor(
    anybody: Merchant,
    merchants: readonly Merchant[],
    trunks: readonly TrunkTerms[],
    spending: Spending,
    clock: Pick<Clock, 'date'>,
  ) {
    this.#anybody = anybody;
    this.#merchants = merchants;
    this.#trunks = new Map(trunks.map((trunk) => [trunk.name, trunk]));
    this.#spending = spending;
    this.#clock = clock;
  }

  /** Whether a payment is made by calling this number. */
  areDialled(number: string): boolean {
    return this.#byNumber(number) !== undefined;
  }

  /** By the name, else the number, else the only one the trunk may pay; undefined: there is none of that name, or not for this trunk. */
  find({ merchantId, dialled, trunk }: Addressee): Merchant | undefined {
    if (this.#merchants.length === 0) return this.#anybody;
    const allowed = this.#trunks.get(trunk)?.merchants ?? [];
    const only = allowed.length === 1 ? allowed[0] : undefined;
    const name = merchantId ?? this.#byNumber(dialled)?.id ?? only ?? null;
    if (name === null) return allowed.length === 0 ? this.#anybody : undefined;
    if (allowed.length > 0 && !allowed.includes(name)) return undefined;
    return this.#merchants.find(({ id }) => id === name);
  }

  /** Undefined: nobody of that name is paid. */
  termsOf(order: PaymentOrder, trunk: string): Terms | undefined {
    const merchant = this.find({ merchantId: order.merchantId, dialled: order.to, trunk });
    if (!merchant) return undefined;
    const { policy, prompts, payments, gateway } = merchant;
    const largest = this.#trunks.get(trunk)?.limits.largestAmount ?? null;
    const limits = [
      policy.amount.max,
      largest === null ? null : (parseMajor(largest, order.currency)?.minor ?? null),
      this.#leftOf(order.customerId, order.merchantId, policy.amount),
    ].filter((limit) => limit !== null);
    const max = limits.length === 0 ? null : Math.min(...limits);
    return { policy: { ...policy, amount: { ...policy.amount, max } }, prompts, payments, gateway };
  }

  /** Whether this customer may be charged so much now: another call of theirs may have paid meanwhile. */
  mayCharge({ merchantId, customerId, amount }: PaymentRequest): boolean {
    const merchant = this.#merchants.find(({ id }) => id === merchantId) ?? this.#anybody;
    const left = this.#leftOf(customerId, merchantId, merchant.policy.amount);
    return left === null || amount.minor <= left;
  }

  /** Minor units, 0 or more; null: no limit. */
  #leftOf(
    customerId: string | null,
    merchantId: string | null,
    { perCustomer = null, perCustomerMs = 0, currency }: PaymentPolicy['amount'],
  ): number | null {
    if (customerId === null || perCustomer === null) return null;
    const since = new Date(this.#clock.date().getTime() - perCustomerMs).toISOString();
    return Math.max(0, perCustomer - this.#spending.spentBy(customerId, merchantId, currency, since));
  }

  #byNumber(number: string): Merchant | undefined {
    const named = this.#merchants.find(({ dialled }) => dialled.includes(number));
    return (
      named ??
      this.#merchants.find(({ dialled }) =>
        dialled.some((pattern) => pattern.endsWith('*') && number.startsWith(pattern.slice(0, -1))),
      )
    );
  }
}
