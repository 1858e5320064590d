import { randomInt } from 'node:crypto';

/**
 * Digits every marked card has in its middle, and nothing else on the machine: what the search looks for. Longer than the six first and four last
 * digits that may be shown, and all unlike their neighbours.
 */
export const kMark = '964982603751';

const kMaestro = '675'; // a brand without a bank behind these digits here: the cards never leave this machine

/** A card number of nineteen digits that bears the mark and passes the Luhn check. No such card need exist. */
export function markedCard(): string {
  const digits = `${kMaestro}${kMark}${String(randomInt(1000)).padStart(3, '0')}`;
  return `${digits}${checkDigitOf(digits)}`;
}

/** The same with a wrong check digit: what a caller who errs keys first. */
export function mistypedCard(): string {
  const card = markedCard();
  return `${card.slice(0, -1)}${(Number(card.at(-1)) + 1) % 10}`;
}

function checkDigitOf(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return (10 - (sum % 10)) % 10;
}
