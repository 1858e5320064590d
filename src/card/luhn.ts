const kAsciiZero = 0x30;

/**
 * The check digit rule of ISO/IEC 7812-1 annex B.
 * @param digits - ASCII digits; read, not kept. None at all is not valid.
 */
export function luhn(digits: Uint8Array): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = (digits[digits.length - 1 - index] ?? 0) - kAsciiZero;
    const doubled = digit * 2;
    sum += index % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length > 0 && sum % 10 === 0;
}
