import { type Columns, gathered, type LadderRow, shortened, timeText } from './row.ts';

const kWidth = 74;
const kTimeWidth = 9;

/** The rows in two columns, each row with its time in seconds. A run of INFO and its answers becomes one row. */
export function drawLadder(rows: readonly LadderRow[], [left, right]: Columns): string {
  const indent = ' '.repeat(kTimeWidth + 1);
  const head = `${indent}${left}${right.padStart(kWidth + 2 - left.length)}`;
  const lines = gathered(rows).map((row) => `${timeText(row.atMs).padStart(kTimeWidth)} │${drawRow(row)}│`);
  return [head, ...lines].join('\n');
}

function drawRow({ kind, text }: LadderRow): string {
  const short = shortened(text, kWidth - 8);
  if (kind === 'note') return centred(`· ${short} ·`, ' ');
  const line = centred(` ${short} `, '─');
  return kind === 'sent' ? `${line.slice(0, -1)}▶` : `◀${line.slice(1)}`;
}

function centred(text: string, fill: string): string {
  const before = Math.floor((kWidth - text.length) / 2);
  return text.padStart(text.length + before, fill).padEnd(kWidth, fill);
}
