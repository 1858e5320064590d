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
  /** … without the time callers were away to be identified. */
  readonly averageActiveMs: Readonly<Record<Outcome, number | null>>;
  /** Minor units by currency; `net`: what is left behind voids and refunds. */
  readonly charged: Readonly<Record<string, number>>;
  readonly net: Readonly<Record<string, number>>;
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
    readonly p50Ms: number | null;
    readonly p95Ms: number | null;
  }[];
  readonly errors: readonly {
    readonly field: string;
    readonly error: string;
    readonly count: number;
    readonly sessions: number;
  }[];
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
    readonly averageMs: number | null;
    readonly p95Ms: number | null;
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

/** What of a report comes as CSV. */
export type ReportTable = 'periods' | 'parts' | 'results' | 'durations';
export type JourneyTable = 'steps' | 'errors';

/** @param csv - the table that is wanted as CSV; left out: all of it, as JSON. */
export function reportPath(range: Range, filter: Filter, csv?: ReportTable): string {
  const query = scopeQuery(range, filter);
  query.set('by', range.by);
  if (range.compare) query.set('compare', range.compare);
  if (range.split) query.set('split', range.split);
  return `/v1/reports/payments?${withTable(query, csv)}`;
}

/** @param csv - as of {@link reportPath}. */
export function journeysPath(range: Range, filter: Filter, csv?: JourneyTable): string {
  return `/v1/reports/journeys?${withTable(scopeQuery(range, filter), csv)}`;
}

function withTable(query: URLSearchParams, table: string | undefined): URLSearchParams {
  if (table === undefined) return query;
  query.set('format', 'csv');
  query.set('table', table);
  return query;
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
