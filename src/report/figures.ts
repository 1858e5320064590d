import type { HangUpStage, QuarterHour } from '../ports/reports.ts';
import type { OutcomeGroup } from '../ports/store.ts';
import { nameOf, type Period } from './period.ts';

const kUnsuccessful: readonly OutcomeGroup[] = ['declined', 'abandoned', 'failed', 'unknown'];
const kOutcomes: readonly OutcomeGroup[] = ['success', ...kUnsuccessful];
const kStages: readonly HangUpStage[] = ['before', 'inFlight', 'after'];

/** The figures supervisors read, of the sessions that began in one period. `entered` = `successful` + `unsuccessful` + `active`, always. */
export interface Figures {
  /** As {@link nameOf} writes it. */
  readonly period: string;
  readonly entered: number;
  readonly successful: number;
  readonly unsuccessful: number;
  readonly active: number;
  readonly outcomes: Readonly<Record<OutcomeGroup, number>>;
  /** Submissions to the gateway, and the sessions that made one. */
  readonly attempted: number;
  readonly attemptedSessions: number;
  readonly hangUps: Readonly<Record<HangUpStage, number>> & { readonly all: number };
  /** Sessions whose agent hung up while they were paid. */
  readonly agentsLost: number;
  /** Mean, null where no session had this outcome. */
  readonly averageDurationMs: Readonly<Record<OutcomeGroup, number | null>>;
  /** Minor units by currency. */
  readonly charged: Readonly<Record<string, number>>;
}

/** Puts quarters of an hour together by what clocks in a zone show; in order. */
export function figuresBy(quarters: readonly QuarterHour[], period: Period, zone: string): Figures[] {
  const groups = Map.groupBy(quarters, ({ startMs }) => nameOf(startMs, period, zone));
  return [...groups].map(([name, group]) => figuresOf(name, group));
}

export function figuresOf(period: string, group: readonly QuarterHour[]): Figures {
  const sum = (count: (quarter: QuarterHour) => number) =>
    group.reduce((total, quarter) => total + count(quarter), 0);
  const sessions = recordOf(kOutcomes, (outcome) => sum(({ outcomes }) => outcomes[outcome].sessions));
  const hangUps = recordOf(kStages, (stage) => sum(({ hangUps }) => hangUps[stage]));
  return {
    period,
    entered: sum(({ entered }) => entered),
    successful: sessions.success,
    unsuccessful: kUnsuccessful.reduce((total, outcome) => total + sessions[outcome], 0),
    active: sum(({ active }) => active),
    outcomes: sessions,
    attempted: sum(({ attempted }) => attempted),
    attemptedSessions: sum(({ attemptedSessions }) => attemptedSessions),
    hangUps: { ...hangUps, all: hangUps.before + hangUps.inFlight + hangUps.after },
    agentsLost: sum(({ agentsLost }) => agentsLost),
    averageDurationMs: recordOf(kOutcomes, (outcome) =>
      mean(
        sum(({ outcomes }) => outcomes[outcome].durationMs),
        sessions[outcome],
      ),
    ),
    charged: chargedOf(group),
  };
}

function mean(sum: number, count: number): number | null {
  return count === 0 ? null : Math.round(sum / count);
}

function chargedOf(group: readonly QuarterHour[]): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const { charged } of group) {
    for (const [currency, minor] of Object.entries(charged)) {
      sums.set(currency, (sums.get(currency) ?? 0) + minor);
    }
  }
  return Object.fromEntries(sums);
}

function recordOf<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}
