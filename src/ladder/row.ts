/** One line of a ladder: a message between the two columns, or a remark. */
export interface LadderRow {
  /** Since the ladder was begun. */
  readonly atMs: number;
  /** `sent`: from the left column to the right. `note`: something between the messages, such as keys as RTP. */
  readonly kind: 'sent' | 'received' | 'note';
  /** Holds no body, no call data and no card number. */
  readonly text: string;
  readonly method: string;
}

/** Left and right. */
export type Columns = readonly [string, string];

/** A run of INFO and its answers becomes one row: forty key presses tell no more than their number. */
export function gathered(rows: readonly LadderRow[]): LadderRow[] {
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

/** @param atMs - since the ladder was begun. @returns seconds. */
export function timeText(atMs: number): string {
  return (atMs / 1000).toFixed(3);
}

export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
