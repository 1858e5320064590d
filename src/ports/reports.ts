import type { OutcomeGroup } from './store.ts';

/** Which sessions a report counts: those that began from `fromMs` until before `toMs` (epoch, UTC). */
export interface ReportScope {
  readonly fromMs: number;
  readonly toMs: number;
  /** Left out: all, and none. */
  readonly merchants?: readonly string[];
  readonly topology?: string;
  /** Gives the figures of each of these, too. */
  readonly split?: 'merchant' | 'topology';
}

/** The sessions of one merchant or topology. */
export interface ReportPart {
  /** Its name; empty: sessions of nobody. */
  readonly part: string;
  readonly quarterHours: readonly QuarterHour[];
}

/** What the clamp did, over the sessions in which somebody was not to hear keys. */
export interface ClampFigures {
  readonly sessions: number;
  readonly tonePresses: number;
  readonly eventPresses: number;
  readonly otherPresses: number;
  /** Alarms that no key followed. */
  readonly guardEvents: number;
  readonly armedMs: number;
  readonly clampedMs: number;
  readonly missingMs: number;
  /** Strongest trace of any press; -99: there was none; null: no session. */
  readonly worstResidualDbm0: number | null;
}

export const kNoClamp: ClampFigures = {
  ...{ sessions: 0, tonePresses: 0, eventPresses: 0, otherPresses: 0, guardEvents: 0 },
  ...{ armedMs: 0, clampedMs: 0, missingMs: 0, worstResidualDbm0: null },
};

/** What became of callers in one step of the conversation. */
export interface StepFigures {
  /** State of the conversation, such as `PAN_ENTRY`. */
  readonly stage: string;
  /** That came to it, and how often all of them together. */
  readonly sessions: number;
  readonly visits: number;
  /** That ended in it, and not with a payment. */
  readonly lost: number;
  /** Over the visits that have ended; null if none has. */
  readonly averageMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface FieldErrors {
  readonly field: string;
  readonly error: string;
  readonly count: number;
  readonly sessions: number;
}

export interface Journeys {
  /** In the order callers come through them. */
  readonly steps: readonly StepFigures[];
  /** The most frequent first. */
  readonly errors: readonly FieldErrors[];
}

export interface Durations {
  readonly sessions: number;
  /** Sums over the sessions that have one; `active`: without the time callers were away to be identified. */
  readonly durationMs: number;
  readonly activeMs: number;
}

/** Minor units by currency. */
export type Sums = Readonly<Record<string, number>>;

/** What became of money in some sessions, as far as it is known; nothing of it is taken for done that is open. */
export interface MoneySums {
  /** Sales, and what was captured of authorizations. */
  readonly charged: Sums;
  /** Of that: taken back before it was settled, and given back later. */
  readonly voided: Sums;
  readonly refunded: Sums;
  /** Authorized, and neither captured nor voided. */
  readonly reserved: Sums;
}

/**
 * Sessions that began in the same quarter of an hour. `entered` = all outcomes together + `active`, always. An unknown outcome that was resolved
 * counts as what it turned out to be.
 */
export interface QuarterHour extends MoneySums {
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
  /** How long they took. */
  readonly averageMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** Everything a report is made of. */
export interface ReportRows {
  readonly quarterHours: readonly QuarterHour[];
  /** Where the scope says `split`. */
  readonly parts?: readonly ReportPart[];
  readonly clamp: ClampFigures;
  readonly durations: DurationSpread;
  readonly stages: readonly StageCount[];
  readonly results: readonly ResultCount[];
}

/** Reads the rows of reports, away from what takes calls. @throws AppError STORE_FAILED */
export interface Reports {
  read(scope: ReportScope): Promise<ReportRows>;
  journeys(scope: ReportScope): Promise<Journeys>;
}
