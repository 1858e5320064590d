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

/** What the clamp did in the sessions of a range. */
export interface ClampFigures {
  readonly sessions: number;
  readonly tonePresses: number;
  readonly eventPresses: number;
  readonly otherPresses: number;
  readonly guardEvents: number;
  readonly armedMs: number;
  /** -99: no trace at all; null: no session. */
  readonly worstResidualDbm0: number | null;
}

/** `GET /v1/reports/journeys` */
export interface Journeys {
  readonly steps: readonly {
    readonly stage: string;
    readonly sessions: number;
    readonly lost: number;
    readonly averageMs: number | null;
  }[];
  readonly errors: readonly { readonly field: string; readonly error: string; readonly count: number }[];
}

export interface Report {
  readonly from: string;
  readonly to: string;
  readonly total: Figures;
  readonly before?: Figures;
  readonly durations: Readonly<Partial<Record<Outcome, { readonly p50Ms: number; readonly p95Ms: number }>>>;
  readonly periods: readonly Figures[];
  readonly parts?: readonly { readonly part: string; readonly total: Figures }[];
  readonly clamp: ClampFigures;
  readonly results: readonly {
    readonly result: string;
    readonly outcome: string;
    readonly sessions: number;
  }[];
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
  readonly split?: 'merchant' | 'topology';
}

/** The zone of the reader, in which days begin. */
export const kZone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function reportPath(range: Range, filter: Filter, format?: 'csv'): string {
  const query = scopeQuery(range, filter);
  query.set('by', range.by);
  if (range.compare) query.set('compare', range.compare);
  if (range.split) query.set('split', range.split);
  if (format) query.set('format', format);
  return `/v1/reports/payments?${query}`;
}

export function journeysPath(range: Range, filter: Filter): string {
  return `/v1/reports/journeys?${scopeQuery(range, filter)}`;
}

function scopeQuery({ from, to }: Range, { merchant, topology }: Filter): URLSearchParams {
  const query = new URLSearchParams({ zone: kZone, from });
  if (to !== undefined) query.set('to', to);
  if (merchant !== '') query.set('merchant', merchant);
  if (topology !== '') query.set('topology', topology);
  return query;
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
