/** An amount in minor units (cents), an ISO 4217 code and its number of decimals. Never a float. */
export interface Money {
  readonly minor: number;
  readonly currency: string;
  readonly exponent: number;
}

// ISO 4217 currencies whose minor unit is not 1/100.
const kExponents: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ').map((c) => [c, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((c) => [c, 3]),
  ...'CLF UYW'.split(' ').map((c) => [c, 4]),
]);

/** Number of decimals of an ISO 4217 currency code; 2 for codes not in the table. */
export function exponentOf(currency: string): number {
  return kExponents[currency] ?? 2;
}

/** @param minor - a safe integer, 0 or more. */
export function money(minor: number, currency: string): Money {
  return { minor, currency, exponent: exponentOf(currency) };
}

/** Reads major units as headers carry them (`"50.25"`, `"50"`); undefined if malformed or finer than the currency. */
export function parseMajor(text: string, currency: string): Money | undefined {
  const match = /^(\d{1,10})(?:\.(\d{1,4}))?$/.exec(text.trim());
  if (!match) return undefined;
  const exponent = exponentOf(currency);
  const fraction = match[2] ?? '';
  if (fraction.length > exponent) return undefined;
  return money(Number((match[1] ?? '') + fraction.padEnd(exponent, '0')), currency);
}

/** `50.25`: major units with exactly the currency's decimals. */
export function formatMajor(amount: Money): string {
  const digits = String(amount.minor).padStart(amount.exponent + 1, '0');
  const cut = digits.length - amount.exponent;
  return amount.exponent === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
}
