type Row = readonly [pan: string, ...rest: readonly unknown[]];
type Rest<R extends Row> = R extends readonly [unknown, ...infer Others] ? Others : never;

/**
 * A table of cards for `it.each`. A title is printed when its test is slow or fails, so a number has no place in it.
 * @param rows - each with its card number first.
 * @returns each with what a title may show of the number first, and the number itself last.
 */
export function cardTable<const R extends Row>(
  rows: readonly R[],
): [title: string, ...Rest<R>, pan: string][] {
  return rows.map(([pan, ...rest]) => [shown(pan), ...(rest as Rest<R>), pan]);
}

/** No more of a card than a receipt has. */
function shown(pan: string): string {
  return pan.length < 10 ? pan : `${pan.slice(0, 4)}…${pan.slice(-4)} (${pan.length} digits)`;
}
