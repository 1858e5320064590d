import { maskCardLike } from '../../card/card-like.ts';
import { formatMajor, type Money } from '../../money/money.ts';
import { type FollowUpRecord, kOpenStates, type LedgerEntry } from '../../ports/store.ts';
import type { Store } from '../../store/store.ts';
import { kExit } from '../command.ts';

const kChangeHead = ['CHANGE', 'KIND', 'STATE', 'AMOUNT', 'SENT', 'TRANSACTION', 'BY', 'REASON'];
const kHead = ['REFERENCE', '#', 'STATE', 'AMOUNT', 'CARD', 'SENT', 'GATEWAY', 'TRANSACTION', 'CUSTOMER'];

/** Attempts with captures, voids and refunds of theirs: as tables, or as JSON with amounts in major units. */
export function showPayments(
  attempts: readonly LedgerEntry[],
  changes: readonly FollowUpRecord[],
  json: boolean,
): number {
  if (json) {
    const isOf = (entry: LedgerEntry) => (change: FollowUpRecord) =>
      change.sessionId === entry.sessionId && change.attempt === entry.attempt;
    const nested = attempts.map((entry) => ({
      ...plain(entry),
      changes: changes.filter(isOf(entry)).map(plain),
    }));
    say(JSON.stringify(nested, undefined, 2));
    return kExit.ok;
  }
  say(attempts.length === 0 ? 'No payments.' : table([kHead, ...attempts.map(cells)], kHead));
  if (changes.length > 0) say(`\n${table([kChangeHead, ...changes.map(changeCells)], kChangeHead)}`);
  return kExit.ok;
}

/** What is not settled. @param gateways - those that are configured. */
export function showOpen(store: Store, limit: number, gateways: readonly string[], json: boolean): number {
  const attempts = store.list(limit, kOpenStates);
  const changes = changesOf(store, attempts).filter(({ state }) =>
    kOpenStates.some((open) => open === state),
  );
  showPayments(attempts, changes, json);
  const isStranded = ({ state, gateway }: { readonly state: string; readonly gateway: string }) =>
    state !== 'MANUAL' && !gateways.includes(gateway);
  const open = attempts.filter(({ state }) => kOpenStates.includes(state));
  const stranded = new Set([...open, ...changes].filter(isStranded).map(({ gateway }) => gateway));
  if (stranded.size > 0 && !json) {
    say(
      `\nNot configured any more, so that nobody is asked: ${[...stranded].join(', ')}. Configure it again, or wait: ` +
        'what is a day old is MANUAL, and settled by hand.',
    );
  }
  return kExit.ok;
}

/** Of all these payments, each once. */
export function changesOf(store: Store, attempts: readonly LedgerEntry[]): readonly FollowUpRecord[] {
  const refs = new Set(attempts.map(({ paymentRef }) => paymentRef));
  return [...refs].flatMap((ref) => store.followUps.book(ref).followUps);
}

function changeCells({ key, kind, state, amount, sentAt, transactionId, reason, actor }: FollowUpRecord) {
  const money = `${formatMajor(amount)} ${amount.currency}`;
  return [key, kind, state, money, sentAt, transactionId ?? '-', actor, reason ?? '-'];
}

/** What a peer wrote into call data could be anything. */
export function say(text: string): void {
  process.stdout.write(`${maskCardLike(text)}\n`);
}

function plain<T extends { readonly amount: Money }>({ amount, ...entry }: T) {
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
