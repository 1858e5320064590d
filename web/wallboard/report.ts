/** `GET /v1/reports/payments`, as far as the wallboard shows it. */
export interface Figures {
  readonly period: string;
  readonly entered: number;
  readonly successful: number;
  readonly unsuccessful: number;
  readonly active: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly attempted: number;
  readonly attemptedSessions: number;
  readonly hangUps: {
    readonly before: number;
    readonly inFlight: number;
    readonly after: number;
    readonly all: number;
  };
  readonly averageDurationMs: Readonly<Record<Outcome, number | null>>;
  readonly charged: Readonly<Record<string, number>>;
}

export const kOutcomes = ['success', 'declined', 'abandoned', 'failed', 'unknown'] as const;
export type Outcome = (typeof kOutcomes)[number];

export interface Report {
  readonly from: string;
  readonly to: string;
  readonly total: Figures;
  readonly before?: Figures;
  readonly durations: Readonly<Partial<Record<Outcome, { readonly p50Ms: number; readonly p95Ms: number }>>>;
  readonly periods: readonly Figures[];
  readonly results: readonly {
    readonly result: string;
    readonly outcome: string;
    readonly sessions: number;
  }[];
  readonly stages: readonly { readonly stage: string; readonly outcome: string; readonly sessions: number }[];
}

export type Grouping = 'quarter' | 'hour' | 'day' | 'week' | 'month';

/** Which sessions are counted. */
export interface Filter {
  /** Empty: all. */
  readonly merchant: string;
  readonly topology: string;
}

export interface Range {
  /** A date of the zone, or an instant. */
  readonly from: string;
  readonly to?: string;
  readonly by: Grouping;
  readonly compare?: 'before';
}

/** The zone of the reader, in which days begin. */
export const kZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function reportPath(range: Range, filter: Filter, format?: 'csv'): string {
  const query = new URLSearchParams({ zone: kZone, by: range.by, from: range.from });
  if (range.to !== undefined) query.set('to', range.to);
  if (range.compare) query.set('compare', range.compare);
  if (filter.merchant !== '') query.set('merchant', filter.merchant);
  if (filter.topology !== '') query.set('topology', filter.topology);
  if (format) query.set('format', format);
  return `/v1/reports/payments?${query}`;
}

/** `2026-11-22` as the reader's calendar has it. */
export function dateOf(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** So many days later, whatever clocks do meanwhile. */
export function daysLater(time: Date, days: number): Date {
  const later = new Date(time);
  later.setDate(later.getDate() + days);
  return later;
}
