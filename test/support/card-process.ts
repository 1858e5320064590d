// A process of its own that keys cards and applies every rule to them, so that its memory can be searched. Keys come as letters,
// a = 0: it never gets card digits as text. Run with --expose-gc.
import { checkExpiry } from '../../src/card/card-dates.ts';
import { cardFingerprint } from '../../src/card/card-fingerprint.ts';
import { CardSecret } from '../../src/card/card-secret.ts';
import { fieldPlan } from '../../src/card/field-plan.ts';
import { checkSecurityCode } from '../../src/card/field-rules.ts';
import { checkPan, lastFour, maxLengthFor, panCompletion } from '../../src/card/pan.ts';

export interface CardOrder {
  readonly letters: string;
  /** How many cards to enter, one after the other. */
  readonly count: number;
  /** Keep the card instead of wiping it, so that a search has something to find. */
  readonly keep: boolean;
}

const kLetterZero = 97;
const kChoices = { cvv: 'required', postalCode: 'off', legacyFields: false } as const;
const kNow = new Date('2026-11-21T12:00:00Z');
const kept: CardSecret[] = [];

process.on('message', ({ letters, count, keep }: CardOrder) => {
  const answers = new Set<string>();
  for (let entered = 0; entered < count; entered++) {
    const card = new CardSecret();
    answers.add(enter(card, letters));
    if (keep) kept.push(card);
    else card.wipe();
  }
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  process.send?.([...answers, `kept ${kept.length}`]);
});

/** What every rule says of the card. */
function enter(card: CardSecret, letters: string): string {
  for (let at = 0; at < letters.length; at++) {
    card.append('pan', letters.charCodeAt(at) - kLetterZero);
    card.lend('pan', (digits) => [panCompletion(digits), maxLengthFor(digits)]);
  }
  for (const digit of [3, 3, 0]) card.append('expiry', digit);
  const verdict = checkPan(card, ['visa', 'maestro']);
  const brand = verdict.kind === 'ok' ? verdict.brand : 'visa';
  const fields = fieldPlan(brand, kChoices).length;
  const fingerprint = cardFingerprint(card).length;
  return [
    verdict.kind,
    checkExpiry(card, kNow),
    checkSecurityCode(card, brand),
    lastFour(card),
    fields,
    fingerprint,
  ].join(' ');
}
