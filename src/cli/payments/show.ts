import { maskCardLike } from '../../card/card-like.ts';
import { formatMajor } from '../../money/money.ts';
import type { FollowUpRecord, LedgerEntry } from '../../ports/store.ts';
import { kExit } from '../command.ts';

const kChangeHead = ['CHANGE', 'KIND', 'STATE', 'AMOUNT', 'SENT', 'TRANSACTION', 'BY', 'REASON'];
const kHead = ['REFERENCE', '#', 'STATE', 'AMOUNT', 'CARD', 'SENT', 'GATEWAY', 'TRANSACTION', 'CUSTOMER'];

/** As a table, or as JSON with amounts in major units. */
export function showAttempts(attempts: readonly LedgerEntry[], json: boolean): number {
  if (json) say(JSON.stringify(attempts.map(plain), undefined, 2));
  else if (attempts.length === 0) say('No payments.');
  else say(table([kHead, ...attempts.map(cells)], kHead));
  return kExit.ok;
}

/** Captures, voids and refunds of a payment; nothing if there are none. */
export function showChanges(changes: readonly FollowUpRecord[]): number {
  if (changes.length > 0) say(`\n${table([kChangeHead, ...changes.map(changeCells)], kChangeHead)}`);
  return kExit.ok;
}

function changeCells({ key, kind, state, amount, sentAt, transactionId, reason, actor }: FollowUpRecord) {
  const money = `${formatMajor(amount)} ${amount.currency}`;
  return [key, kind, state, money, sentAt, transactionId ?? '-', actor, reason ?? '-'];
}

/** What a peer wrote into call data could be anything. */
export function say(text: string): void {
  process.stdout.write(`${maskCardLike(text)}\n`);
}

function plain({ amount, ...entry }: LedgerEntry) {
  return { ...entry, amount: formatMajor(amount), currency: amount.currency };
}

function cells(entry: LedgerEntry): string[] {
  const { paymentRef, attempt, state, amount, brand, last4, sentAt, gateway } = entry;
  return [
    paymentRef,
    String(attempt),
    state,
    `${formatMajor(amount)} ${amount.currency}`,
    `${brand} ${last4}`,
    sentAt,
    gateway,
    entry.transactionId ?? '-',
    entry.customerId ?? '-',
  ];
}

function table(rows: readonly (readonly string[])[], head: readonly string[]): string {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
