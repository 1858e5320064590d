/** Rounds for people: three places that matter. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** @param sorted - ascending. @param share - 0.95 for the 95th percentile. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The upper one of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
