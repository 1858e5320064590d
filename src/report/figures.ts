import type { HangUpStage, MoneySums, QuarterHour, Sums } from '../ports/reports.ts';
import type { OutcomeGroup } from '../ports/store.ts';
import { nameOf, type Period } from './period.ts';

const kUnsuccessful: readonly OutcomeGroup[] = ['declined', 'abandoned', 'failed', 'unknown'];
const kOutcomes: readonly OutcomeGroup[] = ['success', ...kUnsuccessful];
const kStages: readonly HangUpStage[] = ['before', 'inFlight', 'after'];

/** The figures supervisors read, of the sessions that began in one period. `entered` = `successful` + `unsuccessful` + `active`, always. */
export interface Figures extends MoneySums {
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
  /** … without the time callers were away to be identified. */
  readonly averageActiveMs: Readonly<Record<OutcomeGroup, number | null>>;
  /** What is left of `charged`. */
  readonly net: Sums;
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
  const average = (length: 'durationMs' | 'activeMs') =>
    recordOf(kOutcomes, (outcome) =>
      mean(
        sum(({ outcomes }) => outcomes[outcome][length]),
        sessions[outcome],
      ),
    );
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
    averageDurationMs: average('durationMs'),
    averageActiveMs: average('activeMs'),
    ...moneyOf(group),
  };
}

function mean(sum: number, count: number): number | null {
  return count === 0 ? null : Math.round(sum / count);
}

function moneyOf(group: readonly QuarterHour[]): MoneySums & Pick<Figures, 'net'> {
  const sums = (what: keyof MoneySums) => sumsOf(group.map((quarter) => quarter[what]));
  const [charged, voided, refunded] = [sums('charged'), sums('voided'), sums('refunded')];
  const net = sumsOf([charged, negative(voided), negative(refunded)]);
  return { charged, voided, refunded, reserved: sums('reserved'), net };
}

function sumsOf(all: readonly Sums[]): Sums {
  const sums = new Map<string, number>();
  for (const each of all) {
    for (const [currency, minor] of Object.entries(each)) {
      sums.set(currency, (sums.get(currency) ?? 0) + minor);
    }
  }
  return Object.fromEntries(sums);
}

function negative(sums: Sums): Sums {
  return Object.fromEntries(Object.entries(sums).map(([currency, minor]) => [currency, -minor]));
}

function recordOf<K extends string, V>(keys: readonly K[], value: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<K, V>;
}
