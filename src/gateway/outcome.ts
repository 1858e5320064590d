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
  ): Kind<'approved' | 'unknown'> {
    const id = this.#id(transactionId);
    if (id === undefined) return unknown('approved without an id');
    return {
      kind: 'approved',
      transactionId: id,
      authCode: this.#id(authCode) ?? null,
      spokenReference: this.#id(spokenReference) ?? null,
    };
  }

  declined(declineClass: DeclineClass, code: string | undefined, transactionId?: string): Kind<'declined'> {
    return {
      kind: 'declined',
      class: declineClass,
      code: this.#id(code) ?? 'unspecified',
      transactionId: this.#id(transactionId) ?? null,
    };
  }

  #id(text: string | undefined): string | undefined {
    return text === undefined ? undefined : cleanId(text, this.#cardMasked);
  }
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
  const own = minor * 10 ** ((exponents[currency] ?? exponent) - exponent);
  return Number.isSafeInteger(own) ? own : undefined;
}
