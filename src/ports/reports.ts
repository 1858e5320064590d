import type { OutcomeGroup } from './store.ts';

/** Which sessions a report counts: those that began from `fromMs` until before `toMs` (epoch, UTC). */
export interface ReportScope {
  readonly fromMs: number;
  readonly toMs: number;
  /** Left out: all. */
  readonly merchantId?: string;
  readonly topology?: string;
}

export interface Durations {
  readonly sessions: number;
  /** Sum over the sessions that have one. */
  readonly durationMs: number;
}

/**
 * Sessions that began in the same quarter of an hour. `entered` = all outcomes together + `active`, always. An unknown outcome that was resolved
 * counts as what it turned out to be.
 */
export interface QuarterHour {
  /** Epoch, UTC, a multiple of 900 000. */
  readonly startMs: number;
  readonly entered: number;
  readonly active: number;
  readonly outcomes: Readonly<Record<OutcomeGroup, Durations>>;
  /** Submissions to the gateway, and the sessions that made one. */
  readonly attempted: number;
  readonly attemptedSessions: number;
  /** Callers who hung up: before a card was sent, while it was, after the verdict. */
  readonly hangUps: Readonly<Record<HangUpStage, number>>;
  /** Sessions whose agent hung up while they were paid. */
  readonly agentsLost: number;
  /** Minor units by currency. */
  readonly charged: Readonly<Record<string, number>>;
}

export type HangUpStage = 'before' | 'inFlight' | 'after';

/** How long the sessions of a scope took, by outcome. */
export type DurationSpread = Readonly<
  Partial<Record<OutcomeGroup, { readonly p50Ms: number; readonly p95Ms: number }>>
>;

export interface StageCount {
  /** State of the conversation the sessions ended in, such as `PAN_ENTRY`. */
  readonly stage: string;
  readonly outcome: OutcomeGroup;
  readonly sessions: number;
}

export interface ResultCount {
  readonly result: string;
  readonly outcome: OutcomeGroup;
  readonly sessions: number;
}

/** Everything a report is made of. */
export interface ReportRows {
  readonly quarterHours: readonly QuarterHour[];
  readonly durations: DurationSpread;
  readonly stages: readonly StageCount[];
  readonly results: readonly ResultCount[];
}

/** Reads the rows of reports, away from what takes calls. @throws AppError STORE_FAILED */
export interface Reports {
  read(scope: ReportScope): Promise<ReportRows>;
}
