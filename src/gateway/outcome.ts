import type { Money } from '../money/money.ts';
import type { DeclineClass, SubmitResult } from '../ports/payment-gateway.ts';
import type { RawReply } from './dialect.ts';
import { cleanId, cleanText } from './reply-text.ts';

type Kind<K extends SubmitResult['kind']> = Extract<SubmitResult, { readonly kind: K }>;

/** Outcomes in our words, with what the gateway wrote cleaned for records and logs. */
export class Outcomes {
  readonly #cardMasked: boolean;

  constructor({ cardMasked }: Pick<RawReply, 'cardMasked'>) {
    this.#cardMasked = cardMasked;
  }

  /** Unknown where the gateway gave no id of the charge: what cannot be found again was not read right. */
  approved(
    transactionId: string | undefined,
    authCode?: string,
    spokenReference?: string,
    token?: string,
  ): Kind<'approved' | 'unknown'> {
    const id = this.#id(transactionId);
    if (id === undefined) return unknown('approved without an id');
    const kept = this.#id(token);
    return {
      kind: 'approved',
      transactionId: id,
      authCode: this.#id(authCode) ?? null,
      spokenReference: this.#id(spokenReference) ?? null,
      ...(kept === undefined ? {} : { token: kept }),
    };
  }

  /**
   * An approval by the amount it was for: less than was asked is a part, another one is not believed.
   * @param told - undefined: the gateway does not say; null: it said something we cannot read.
   */
  approvedFor(
    asked: Money,
    told: Money | null | undefined,
    ...rest: Parameters<Outcomes['approved']>
  ): Kind<'approved' | 'partial' | 'unknown'> {
    const approval = this.approved(...rest);
    if (approval.kind === 'unknown' || told === undefined || isSame(told, asked)) return approval;
    const isPart =
      told !== null &&
      told.currency === asked.currency &&
      told.exponent === asked.exponent &&
      told.minor > 0 &&
      told.minor < asked.minor;
    return isPart
      ? { ...approval, kind: 'partial', approvedAmount: told }
      : unknown('approved for another amount');
  }

  declined(declineClass: DeclineClass, code: string | undefined, transactionId?: string): Kind<'declined'> {
    return {
      kind: 'declined',
      class: declineClass,
      code: this.#id(code) ?? 'unspecified',
      transactionId: this.#id(transactionId) ?? null,
    };
  }

  /** What a look-up says of a charge that was voided, cancelled or refunded. */
  takenBack(transactionId: string | undefined, code = 'reversed'): Kind<'declined'> {
    return { ...this.declined('soft', code, transactionId), takenBack: true };
  }

  #id(text: string | undefined): string | undefined {
    return text === undefined ? undefined : cleanId(text, this.#cardMasked);
  }
}

/** As our own contracts say it: what was taken back is declined with the code `reversed`. */
export function asLookUp(declined: Kind<'declined'>): Kind<'declined'> {
  return declined.code === 'reversed' ? { ...declined, takenBack: true } : declined;
}

function isSame(told: Money | null, asked: Money): boolean {
  return told?.minor === asked.minor && told.currency === asked.currency && told.exponent === asked.exponent;
}

/** An amount as decimal APIs write it (`10.5`, `10.50`); null if it is none of this currency. */
export function majorTold(text: string | undefined, { currency, exponent }: Money): Money | null | undefined {
  if (text === undefined) return undefined;
  const [, whole = '', fraction = ''] = /^(\d{1,10})(?:\.(\d{1,8}))?$/.exec(text.trim()) ?? [];
  const kept = fraction.slice(0, exponent).padEnd(exponent, '0');
  return whole === '' || /[1-9]/.test(fraction.slice(exponent))
    ? null
    : { minor: Number(whole + kept), currency, exponent };
}

const kMoved: ReadonlySet<string> = new Set(['approved', 'partial', 'done', 'accepted']);

/**
 * What a reply says, unless its status says failure and its body that money moved: then nobody knows.
 * @param read - how the gateway's replies are read.
 */
export function believed<R extends { readonly kind: string }>(
  reply: RawReply,
  read: (reply: RawReply) => R,
): R | Kind<'unknown'> {
  const result = read(reply);
  if (reply.status < 300 || kMoved.has(result.kind)) return result;
  const isContradiction = [200, 201].some((status) => kMoved.has(read({ ...reply, status }).kind));
  return isContradiction ? unknown(`status ${reply.status} with an approval`) : result;
}

export function unknown(reason: string): Kind<'unknown'> {
  return { kind: 'unknown', reason };
}

/** The gateway refused us, not the card. @param told - the gateway's own words. */
export function refused(code: string, told?: string): Kind<'rejected_config'> {
  return {
    kind: 'rejected_config',
    reason: told ? `${cleanText(code)}: ${cleanText(told)}` : cleanText(code),
  };
}

export function transient(code: string): Kind<'transient'> {
  return { kind: 'transient', reason: cleanText(code) };
}

/** Status codes that say the request itself was refused, nothing processed. Not 408 and 409: it may have been. */
const kRefusals = new Set([400, 401, 403, 404, 405, 406, 413, 415, 422]);

/** What a status alone says, for replies without a verdict. */
export function byStatus(status: number): Kind<'rejected_config' | 'transient' | 'unknown'> {
  if (kRefusals.has(status)) return refused(`status ${status}`);
  return status === 429 ? transient('status 429') : unknown(`status ${status} without a readable verdict`);
}

// ISO 8583 response codes. What is not listed, such as 05 and 51, is soft: another card may work.
const kIsoClasses: Readonly<Record<DeclineClass, string>> = {
  reenter: '14 54 82 N7 19',
  hard: '04 07 12 15 34 41 43 46 57 59 62 63 R0 R1 R3',
  auth_required: '1A',
  soft: '',
};

/** The class of an ISO 8583 response code, also without its leading zero. */
export function classOfIso(code: string): DeclineClass {
  return classIn(kIsoClasses, code.padStart(2, '0'));
}

/** The class a table lists a code under, blanks between codes; soft if none. */
export function classIn(table: Readonly<Record<DeclineClass, string>>, code: string): DeclineClass {
  const classes = Object.keys(table) as DeclineClass[];
  return classes.find((name) => table[name].split(' ').includes(code)) ?? 'soft';
}

/**
 * The amount in the minor units of a gateway that counts some currencies otherwise than ISO 4217; undefined if it has none so small.
 * @param exponents - decimals of the currencies that differ.
 */
export function minorFor(
  { minor, currency, exponent }: Money,
  exponents: Readonly<Record<string, number>>,
): number | undefined {
  const shift = (exponents[currency] ?? exponent) - exponent;
  const own = shift < 0 ? minor / 10 ** -shift : minor * 10 ** shift;
  return Number.isSafeInteger(own) ? own : undefined;
}

/** The other way: what a gateway told in its own minor units; null if it is no whole number of ours. */
export function minorTold(
  text: string | undefined,
  asked: Money,
  exponents: Readonly<Record<string, number>>,
): Money | null | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) return null;
  const { currency, exponent } = asked;
  const minor = minorFor(
    { minor: Number(text), currency, exponent: exponents[currency] ?? exponent },
    {
      [currency]: exponent,
    },
  );
  return minor === undefined ? null : { minor, currency, exponent };
}
