const kAsciiZero = 0x30;

/**
 * The check digit rule of ISO/IEC 7812-1 annex B.
 * @param digits - ASCII digits; read, not kept. None at all is not valid.
 */
export function luhn(digits: Uint8Array): boolean {
  return digits.length > 0 && sumOf(digits.length, (at) => digits[at] ?? 0) % 10 === 0;
}

/** The same of a stretch of text that may be a card number, end exclusive: zeros alone do not pass. Nothing is copied. */
export function luhnInText(digits: string, start = 0, end = digits.length): boolean {
  const sum = sumOf(end - start, (at) => digits.charCodeAt(start + at));
  return sum > 0 && sum % 10 === 0;
}

function sumOf(length: number, codeAt: (at: number) => number): number {
  let sum = 0;
  for (let index = 0; index < length; index++) {
    const digit = codeAt(length - 1 - index) - kAsciiZero;
    sum += index % 2 === 0 ? digit : doubled(digit);
  }
  return sum;
}

function doubled(digit: number): number {
  return digit > 4 ? digit * 2 - 9 : digit * 2;
}
