import type Database from 'better-sqlite3';
import {
  type ClampFigures,
  type FieldErrors,
  type HangUpStage,
  type Journeys,
  kNoClamp,
  type MoneySums,
  type QuarterHour,
  type ReportPart,
  type ReportRows,
  type ReportScope,
  type ResultCount,
  type StageCount,
  type StepFigures,
  type Sums,
} from '../ports/reports.ts';
import type { OutcomeGroup } from '../ports/store.ts';
import { kPaid, kScoped, type ScopeRow, scopeRow } from './report-scope.ts';

const kQuarterMs = 900_000;

interface GroupRow {
  /** Merchant or topology; '' where nothing is split, and for sessions of nobody. */
  readonly part: string;
  readonly quarter: number;
  readonly outcome: OutcomeGroup | null;
  readonly hang_up: HangUpStage | null;
  readonly currency: string;
  readonly sessions: number;
  readonly duration_ms: number;
  readonly active_ms: number;
  readonly submissions: number;
  readonly attempted_sessions: number;
  readonly charged: number;
  readonly voided: number;
  readonly refunded: number;
  readonly reserved: number;
  readonly agents_lost: number;
}

type EndedRow = [outcome: OutcomeGroup, result: string, durationMs: number | null];

/** Recomputes reports from the rows of sessions and attempts; keeps nothing. Its connection only reads. */
export class ReportReader {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database.Database) {
    this.#statements = prepare(database);
  }

  read(asked: ReportScope): ReportRows {
    const scope = scopeRow(asked);
    const groups = this.#statements.groups.all(scope);
    return {
      quarterHours: quarterHours(groups),
      ...(asked.split && { parts: partsOf(groups) }),
      clamp: this.#statements.clamp.get(scope) ?? kNoClamp,
      stages: this.#statements.stages.all(scope),
      ...spreadsOf(this.#statements.ended.iterate(scope)),
    };
  }

  /** What callers went through, from the events of the sessions. */
  journeys(asked: ReportScope): Journeys {
    const scope = scopeRow(asked);
    return { steps: this.#statements.steps.all(scope), errors: this.#statements.errors.all(scope) };
  }
}

/** How long sessions took, by outcome and by result. */
function spreadsOf(rows: Iterable<EndedRow>): Pick<ReportRows, 'durations' | 'results'> {
  const byOutcome = new Map<OutcomeGroup, number[]>();
  const byResult = new Map<
    string,
    { outcome: OutcomeGroup; result: string; sessions: number; all: number[] }
  >();
  for (const [outcome, result, durationMs] of rows) {
    const name = `${outcome} ${result}`;
    const group = byResult.get(name) ?? { outcome, result, sessions: 0, all: [] };
    byResult.set(name, group);
    group.sessions++;
    if (durationMs === null) continue;
    group.all.push(durationMs);
    const those = byOutcome.get(outcome);
    if (those) those.push(durationMs);
    else byOutcome.set(outcome, [durationMs]);
  }
  const results = [...byResult.values()].map(({ all, ...group }) => ({ ...group, ...spreadOf(all) }));
  return {
    durations: Object.fromEntries(
      [...byOutcome].map(([outcome, all]) => {
        const { p50Ms, p95Ms } = spreadOf(all);
        return [outcome, { p50Ms: p50Ms ?? 0, p95Ms: p95Ms ?? 0 }];
      }),
    ),
    results: results.sort(
      (one, other) => other.sessions - one.sessions || (one.result < other.result ? -1 : 1),
    ),
  };
}

function spreadOf(all: readonly number[]): Pick<ResultCount, 'averageMs' | 'p50Ms' | 'p95Ms'> {
  if (all.length === 0) return { averageMs: null, p50Ms: null, p95Ms: null };
  const sorted = Float64Array.from(all).sort();
  const at = (share: number) => sorted[Math.min(all.length - 1, Math.floor(all.length * share))] ?? null;
  return {
    averageMs: Math.round(sorted.reduce((sum, ms) => sum + ms, 0) / all.length),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
  };
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
    charged: sumsBy(group, 'charged'),
    voided: sumsBy(group, 'voided'),
    refunded: sumsBy(group, 'refunded'),
    reserved: sumsBy(group, 'reserved'),
  }));
}

function partsOf(rows: readonly GroupRow[]): ReportPart[] {
  return [...Map.groupBy(rows, ({ part }) => part)].map(([part, group]) => ({
    part,
    quarterHours: quarterHours(group),
  }));
}

function byOutcome(group: readonly GroupRow[]): QuarterHour['outcomes'] {
  const of = (wanted: OutcomeGroup) => {
    const those = group.filter(({ outcome }) => outcome === wanted);
    return {
      sessions: total(those, 'sessions'),
      durationMs: total(those, 'duration_ms'),
      activeMs: total(those, 'active_ms'),
    };
  };
  return {
    success: of('success'),
    declined: of('declined'),
    abandoned: of('abandoned'),
    failed: of('failed'),
    unknown: of('unknown'),
  };
}

function sumsBy(group: readonly GroupRow[], what: keyof MoneySums): Sums {
  const sums = Map.groupBy(
    group.filter((row) => row[what] > 0),
    ({ currency }) => currency,
  );
  return Object.fromEntries([...sums].map(([currency, rows]) => [currency, total(rows, what)]));
}

type Count = Exclude<keyof GroupRow, 'part' | 'quarter' | 'outcome' | 'hang_up' | 'currency'>;

function total(rows: readonly GroupRow[], count: Count): number {
  return rows.reduce((sum, row) => sum + row[count], 0);
}

/** Numbers rows of a group by a length of time, those without one last. */
function rank(group: string, ms: string): string {
  const among = `PARTITION BY ${group}`;
  return `row_number() OVER (${among} ORDER BY ${ms} NULLS LAST) - 1 AS nth, count(${ms}) OVER (${among}) AS timed`;
}

/** Mean, middle and tail of `ms` in rows that are {@link rank}ed. */
const kSpread = `cast(round(avg(ms)) AS INTEGER) AS averageMs, ${nth(0.5)} AS p50Ms, ${nth(0.95)} AS p95Ms`;

function nth(share: number): string {
  return `cast(round(max(CASE WHEN nth = min(timed - 1, cast(timed * ${share} AS INTEGER)) THEN ms END)) AS INTEGER)`;
}

/** Of the clamp's figures in the records of legs. */
function sumOf(name: string): string {
  const alias = `${name[0]?.toLowerCase()}${name.slice(1)}`;
  return `coalesce(sum(media ->> 'clamp${name}'), 0) AS ${alias}`;
}

function prepare(database: Database.Database) {
  return {
    groups: database.prepare<[ScopeRow], GroupRow>(`${kPaid}
      SELECT part, quarter, outcome, hang_up, currency, count(*) AS sessions, coalesce(sum(duration_ms), 0) AS duration_ms,
        coalesce(sum(active_ms), 0) AS active_ms, sum(submissions) AS submissions, sum(submissions > 0) AS attempted_sessions,
        coalesce(sum(charged), 0) AS charged, coalesce(sum(voided), 0) AS voided, coalesce(sum(refunded), 0) AS refunded,
        coalesce(sum(reserved), 0) AS reserved, sum(agent_lost) AS agents_lost
      FROM paid GROUP BY part, quarter, outcome, hang_up, currency ORDER BY quarter, part`),
    stages: database.prepare<[ScopeRow], StageCount>(`${kScoped}
      SELECT stage_reached AS stage, outcome, count(*) AS sessions FROM scoped
      WHERE outcome IS NOT NULL GROUP BY stage, outcome ORDER BY sessions DESC, stage`),
    clamp: database.prepare<[ScopeRow], ClampFigures>(`${kScoped}
      SELECT count(*) AS sessions, ${sumOf('TonePresses')}, ${sumOf('EventPresses')}, ${sumOf('OtherPresses')},
        ${sumOf('GuardEvents')}, ${sumOf('ArmedMs')}, ${sumOf('ClampedMs')}, ${sumOf('MissingMs')},
        max(media ->> 'clampWorstResidualDbm0') AS worstResidualDbm0
      FROM scoped WHERE media ->> 'clampArmedMs' > 0`),
    steps: database.prepare<[ScopeRow], StepFigures>(`${kScoped},
      happened AS (
        SELECT session_id, event.type, detail ->> 'stage' AS stage, at, scoped.outcome, stage_reached,
          lead(at) OVER (PARTITION BY session_id ORDER BY id) AS until,
          row_number() OVER (PARTITION BY session_id ORDER BY id) AS place
        FROM scoped JOIN event USING (session_id) WHERE event.type IN ('stage', 'ended')
      ),
      lasted AS (
        SELECT *, (julianday(until) - julianday(at)) * 86400000 AS ms FROM happened
        WHERE type = 'stage' AND stage NOT IN ('END', 'FAIL')
      ),
      ranked AS (SELECT *, ${rank('stage', 'ms')} FROM lasted)
      SELECT stage, count(DISTINCT session_id) AS sessions, count(*) AS visits,
        count(DISTINCT CASE WHEN outcome <> 'success' AND stage = stage_reached THEN session_id END) AS lost,
        ${kSpread}
      FROM ranked GROUP BY stage ORDER BY avg(place), stage`),
    errors: database.prepare<[ScopeRow], FieldErrors>(`${kScoped}
      SELECT detail ->> 'field' AS field, detail ->> 'error' AS error, count(*) AS count,
        count(DISTINCT session_id) AS sessions
      FROM scoped JOIN event USING (session_id) WHERE event.type = 'field_error'
      GROUP BY field, error ORDER BY count DESC, field, error`),
    ended: database
      .prepare<[ScopeRow], EndedRow>(`${kScoped}
      SELECT outcome, result, duration_ms FROM scoped WHERE outcome IS NOT NULL`)
      .raw(),
  };
}
