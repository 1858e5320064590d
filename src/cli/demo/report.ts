import type { LedgerEntry } from '../../gateway/simulator-bank.ts';
import { formatMajor } from '../../money/money.ts';
import type { CallEnd } from '../../phone/phone-call.ts';
import type { SessionView } from './setting.ts';

const kShown = /^(X-Pay-.*|User-to-User|Reason)$/i;
const kIndent = '  ';

/** The headers that carry the result, and who ended the call. */
export function resultText({ by, message }: CallEnd): string {
  const carrier = { server: 'BYE of the server', caller: '200 to the BYE of the caller', lost: 'nothing' }[
    by
  ];
  const headers = (message?.headers ?? []).filter(([name]) => kShown.test(name));
  return [`${kIndent}in the ${carrier}`, ...rows(headers)].join('\n');
}

/** Fields of the record that say something, then its submissions one a line. */
export function recordTable({ submissions, events: _, parties: __, ...fields }: SessionView): string {
  const told = Object.entries(fields).filter(([, value]) => value !== null);
  const sent = Array.isArray(submissions) ? submissions : [];
  return [...rows(told), ...sent.map((each) => `${kIndent}submission ${JSON.stringify(each)}`)].join('\n');
}

export function ledgerTable(ledger: readonly LedgerEntry[]): string {
  if (ledger.length === 0) return `${kIndent}(empty)`;
  return ledger
    .map(({ state, amount, last4, transactionId, paymentRef, attempt, submissions }) => {
      const what = `${state} ${formatMajor(amount)} ${amount.currency}, card ●●●● ${last4}`;
      return `${kIndent}${what}, transaction ${transactionId}, payment ${paymentRef}/${attempt}, sent ${submissions}×`;
    })
    .join('\n');
}

function rows(entries: readonly (readonly [string, unknown])[]): string[] {
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${kIndent}${name.padEnd(width)}  ${textOf(value)}`);
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
