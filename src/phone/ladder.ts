import { maskCardLike } from '../card/card-like.ts';
import type { Clock } from '../ports/clock.ts';
import { branchOf, headerOf, type SipMessage } from './sip-message.ts';

export interface LadderRow {
  /** Since the ladder was begun. */
  readonly atMs: number;
  /** `note`: something between the messages, such as keys as RTP. */
  readonly kind: 'sent' | 'received' | 'note';
  readonly text: string;
  readonly method: string;
}

/**
 * The story of a call as its SIP messages. Keeps a start line and a few harmless facts of each; bodies, and with them keys in INFO,
 * are never kept.
 */
export class Ladder {
  readonly rows: LadderRow[] = [];
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #seen = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add(kind: 'sent' | 'received', message: SipMessage): void {
    const key = [kind, message.status, branchOf(message), headerOf(message, 'CSeq')].join(' ');
    const again = this.#seen.has(key) ? ' (again)' : '';
    this.#seen.add(key);
    this.#push(kind, maskCardLike(summaryOf(message)) + again, message.method);
  }

  /** @param text - must hold no key. */
  note(text: string): void {
    this.#push('note', maskCardLike(text), '');
  }

  #push(kind: LadderRow['kind'], text: string, method: string): void {
    this.rows.push({ atMs: this.#clock.now() - this.#startedMs, kind, text, method });
  }
}

function summaryOf(message: SipMessage): string {
  const [first = '', second = '', ...rest] = message.startLine.split(' ');
  const what =
    message.status === 0 ? `${first} ${second}` : `${second} ${rest.join(' ')} (${message.method})`;
  const hasSdp = /^application\/sdp/i.test(headerOf(message, 'Content-Type') ?? '');
  const result = headerOf(message, 'X-Pay-Result');
  return [what, ...(hasSdp ? ['SDP'] : []), ...(result ? [`X-Pay-Result: ${result}`] : [])].join(', ');
}

const kWidth = 74;
const kTimeWidth = 9;

/** The rows in two columns, each row with its time in seconds. A run of INFO and its answers becomes one row. */
export function drawLadder(rows: readonly LadderRow[], [left, right]: readonly [string, string]): string {
  const indent = ' '.repeat(kTimeWidth + 1);
  const head = `${indent}${left}${right.padStart(kWidth + 2 - left.length)}`;
  const lines = gathered(rows).map(
    (row) => `${(row.atMs / 1000).toFixed(3).padStart(kTimeWidth)} │${drawRow(row)}│`,
  );
  return [head, ...lines].join('\n');
}

function drawRow({ kind, text }: LadderRow): string {
  const short = text.length > kWidth - 8 ? `${text.slice(0, kWidth - 9)}…` : text;
  if (kind === 'note') return centred(`· ${short} ·`, ' ');
  const line = centred(` ${short} `, '─');
  return kind === 'sent' ? `${line.slice(0, -1)}▶` : `◀${line.slice(1)}`;
}

function centred(text: string, fill: string): string {
  const before = Math.floor((kWidth - text.length) / 2);
  return text.padStart(text.length + before, fill).padEnd(kWidth, fill);
}

function gathered(rows: readonly LadderRow[]): LadderRow[] {
  const result: LadderRow[] = [];
  let run: { readonly first: LadderRow; requests: number } | undefined;
  const endRun = () => {
    if (run)
      result.push({
        ...run.first,
        text: run.requests > 1 ? `${run.requests} × INFO and 200` : 'INFO and 200',
      });
    run = undefined;
  };
  for (const row of rows) {
    if (row.method === 'INFO') {
      run ??= { first: row, requests: 0 };
      if (row.kind === 'sent' && !row.text.endsWith('(again)')) run.requests++;
    } else {
      endRun();
      result.push(row);
    }
  }
  endRun();
  return result;
}
