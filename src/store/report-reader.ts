import type Database from 'better-sqlite3';
import type {
  DurationSpread,
  HangUpStage,
  QuarterHour,
  ReportRows,
  ReportScope,
  ResultCount,
  StageCount,
} from '../ports/reports.ts';
import type { OutcomeGroup } from '../ports/store.ts';

const kOutcomes: readonly OutcomeGroup[] = ['success', 'declined', 'abandoned', 'failed', 'unknown'];
const kQuarterMs = 900_000;

/**
 * The sessions of a scope, each with the outcome it has by now: what an unknown one turned out to be lies in the state of its last attempt.
 * `stage` tells when a caller who is not there any more left.
 */
const kScoped = `
  WITH last AS (SELECT session_id, state, amount_minor, max(attempt), count(*) AS submissions FROM attempt GROUP BY session_id),
  scoped AS (
    SELECT session.session_id, topology, merchant_id, result, stage_reached, duration_ms, currency, agent_lost,
      unixepoch(started_at) / 900 AS quarter,
      coalesce(submissions, 0) AS submissions,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN 'success'
           WHEN outcome = 'unknown' AND state IN ('REVERSED', 'NOT_CHARGED') THEN 'failed'
           ELSE outcome END AS outcome,
      CASE WHEN outcome = 'unknown' AND state = 'APPROVED' THEN last.amount_minor ELSE amount_charged END AS charged,
      CASE WHEN caller_present = 1 OR result IS NULL OR result = 'SYSTEM_ERROR' THEN NULL
           WHEN stage_reached IN ('SUBMIT', 'WAIT', 'RESOLVE', 'REVERSING') THEN 'inFlight'
           WHEN stage_reached IN ('APPROVED', 'REFERENCE', 'DECLINED', 'RETRY_MENU', 'MAX_DECLINES', 'RETURN') THEN 'after'
           ELSE 'before' END AS hang_up
    FROM session LEFT JOIN last USING (session_id)
    WHERE started_at >= @from AND started_at < @to
      AND (@merchant IS NULL OR merchant_id = @merchant)
      AND (@topology IS NULL OR topology = @topology)
  )`;

interface Parameters {
  readonly from: string;
  readonly to: string;
  readonly merchant: string | null;
  readonly topology: string | null;
}

interface GroupRow {
  readonly quarter: number;
  readonly outcome: OutcomeGroup | null;
  readonly hang_up: HangUpStage | null;
  readonly currency: string;
  readonly sessions: number;
  readonly duration_ms: number;
  readonly submissions: number;
  readonly attempted_sessions: number;
  readonly charged: number;
  readonly agents_lost: number;
}

/** Recomputes reports from the rows of sessions and attempts; keeps nothing. Its connection only reads. */
export class ReportReader {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database) {
    this.#statements = prepare(database);
  }

  read({ fromMs, toMs, merchantId, topology }: ReportScope): ReportRows {
    const scope: Parameters = {
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      merchant: merchantId ?? null,
      topology: topology ?? null,
    };
    return {
      quarterHours: quarterHours(this.#statements.groups.all(scope)),
      durations: this.#durations(scope),
      stages: this.#statements.stages.all(scope),
      results: this.#statements.results.all(scope),
    };
  }

  #durations(scope: Parameters): DurationSpread {
    const spreads = kOutcomes.flatMap((outcome) => {
      const all = this.#statements.durations.all({ ...scope, outcome });
      return all.length === 0 ? [] : [[outcome, { p50Ms: at(all, 0.5), p95Ms: at(all, 0.95) }]];
    });
    return Object.fromEntries(spreads);
  }
}

/** @param sorted - ascending, not empty. */
function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function quarterHours(rows: readonly GroupRow[]): QuarterHour[] {
  return [...Map.groupBy(rows, ({ quarter }) => quarter)].map(([quarter, group]) => ({
    startMs: quarter * kQuarterMs,
    entered: total(group, 'sessions'),
    active: total(
      group.filter(({ outcome }) => outcome === null),
      'sessions',
    ),
    outcomes: byOutcome(group),
    attempted: total(group, 'submissions'),
    attemptedSessions: total(group, 'attempted_sessions'),
    hangUps: {
      before: total(
        group.filter(({ hang_up }) => hang_up === 'before'),
        'sessions',
      ),
      inFlight: total(
        group.filter(({ hang_up }) => hang_up === 'inFlight'),
        'sessions',
      ),
      after: total(
        group.filter(({ hang_up }) => hang_up === 'after'),
        'sessions',
      ),
    },
    agentsLost: total(group, 'agents_lost'),
    charged: chargedBy(group),
  }));
}

function byOutcome(group: readonly GroupRow[]): QuarterHour['outcomes'] {
  const of = (wanted: OutcomeGroup) => {
    const those = group.filter(({ outcome }) => outcome === wanted);
    return { sessions: total(those, 'sessions'), durationMs: total(those, 'duration_ms') };
  };
  return {
    success: of('success'),
    declined: of('declined'),
    abandoned: of('abandoned'),
    failed: of('failed'),
    unknown: of('unknown'),
  };
}

function chargedBy(group: readonly GroupRow[]): Readonly<Record<string, number>> {
  const paid = group.filter(({ charged }) => charged > 0);
  const sums = Map.groupBy(paid, ({ currency }) => currency);
  return Object.fromEntries([...sums].map(([currency, rows]) => [currency, total(rows, 'charged')]));
}

type Count = 'sessions' | 'duration_ms' | 'submissions' | 'attempted_sessions' | 'charged' | 'agents_lost';

function total(rows: readonly GroupRow[], count: Count): number {
  return rows.reduce((sum, row) => sum + row[count], 0);
}

function prepare(database: Database.Database) {
  return {
    groups: database.prepare<[Parameters], GroupRow>(`${kScoped}
      SELECT quarter, outcome, hang_up, currency, count(*) AS sessions, coalesce(sum(duration_ms), 0) AS duration_ms,
        sum(submissions) AS submissions, sum(submissions > 0) AS attempted_sessions, coalesce(sum(charged), 0) AS charged,
        sum(agent_lost) AS agents_lost
      FROM scoped GROUP BY quarter, outcome, hang_up, currency ORDER BY quarter`),
    stages: database.prepare<[Parameters], StageCount>(`${kScoped}
      SELECT stage_reached AS stage, outcome, count(*) AS sessions FROM scoped
      WHERE outcome IS NOT NULL GROUP BY stage, outcome ORDER BY sessions DESC, stage`),
    results: database.prepare<[Parameters], ResultCount>(`${kScoped}
      SELECT result, outcome, count(*) AS sessions FROM scoped
      WHERE outcome IS NOT NULL GROUP BY result, outcome ORDER BY sessions DESC, result`),
    durations: database
      .prepare<[Parameters & { outcome: OutcomeGroup }], number>(`${kScoped}
      SELECT duration_ms FROM scoped WHERE outcome = @outcome AND duration_ms IS NOT NULL ORDER BY duration_ms`)
      .pluck(),
  };
}
