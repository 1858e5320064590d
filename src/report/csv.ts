import type { Journeys, ReportRows } from '../ports/reports.ts';
import { type Figures, figuresOf } from './figures.ts';

type Cell = string | number | null;
type Line = Readonly<Record<string, Cell>>;

const kMoney = ['charged', 'voided', 'refunded', 'net', 'reserved'] as const;
/** Text a spreadsheet would take for a formula. */
const kFormula = /^[=+\-@\t\r]/;

/** What of a report is a table of its own. */
export const kReportTables = ['periods', 'parts', 'results', 'stages', 'durations', 'clamp'] as const;
export const kJourneyTables = ['steps', 'errors'] as const;

/** RFC 4180. Amounts in minor units, one column per currency that occurs. @param periods - of the same rows. */
export function reportCsv(
  table: (typeof kReportTables)[number],
  rows: ReportRows,
  periods: readonly Figures[],
): string {
  switch (table) {
    case 'periods':
      return csvOf(periods);
    case 'parts':
      return csvOf(
        (rows.parts ?? []).map(({ part, quarterHours }) => figuresOf(part, quarterHours)),
        'part',
      );
    case 'results':
      return linesOf(rows.results, ['result', 'outcome', 'sessions', 'averageMs', 'p50Ms', 'p95Ms']);
    case 'stages':
      return linesOf(rows.stages, ['stage', 'outcome', 'sessions']);
    case 'durations':
      return linesOf(
        Object.entries(rows.durations).map(([outcome, spread]) => ({ outcome, ...spread })),
        ['outcome', 'p50Ms', 'p95Ms'],
      );
    case 'clamp':
      return linesOf([rows.clamp], Object.keys(rows.clamp) as (keyof typeof rows.clamp)[]);
  }
}

export function journeysCsv(
  table: (typeof kJourneyTables)[number],
  { steps, errors }: Pick<Journeys, 'steps' | 'errors'>,
): string {
  return table === 'steps'
    ? linesOf(steps, ['stage', 'sessions', 'visits', 'lost', 'averageMs', 'p50Ms', 'p95Ms'])
    : linesOf(errors, ['field', 'error', 'count', 'sessions']);
}

/** One line per period. @param first - what the first column is called. */
export function csvOf(all: readonly Figures[], first = 'period'): string {
  const currencies = [
    ...new Set(all.flatMap((figures) => kMoney.flatMap((what) => Object.keys(figures[what])))),
  ];
  const lines = all.map((figures) => lineOf(figures, first, currencies.sort()));
  const head = Object.keys(lineOf(figuresOf('', []), first, currencies));
  return linesOf(lines, head);
}

function lineOf(figures: Figures, first: string, currencies: readonly string[]): Line {
  const { outcomes, hangUps, averageDurationMs, averageActiveMs } = figures;
  return {
    [first]: figures.period,
    entered: figures.entered,
    successful: figures.successful,
    unsuccessful: figures.unsuccessful,
    active: figures.active,
    declined: outcomes.declined,
    abandoned: outcomes.abandoned,
    failed: outcomes.failed,
    unknown: outcomes.unknown,
    attempted: figures.attempted,
    attempted_sessions: figures.attemptedSessions,
    hang_ups_before: hangUps.before,
    hang_ups_in_flight: hangUps.inFlight,
    hang_ups_after: hangUps.after,
    agents_lost: figures.agentsLost,
    ...named('average_ms', averageDurationMs),
    ...named('average_active_ms', averageActiveMs),
    ...Object.assign(
      {},
      ...kMoney.map((what) =>
        named(
          `${what}_minor`,
          Object.fromEntries(currencies.map((currency) => [currency, figures[what][currency] ?? 0])),
        ),
      ),
    ),
  };
}

function named(name: string, cells: Line): Line {
  return Object.fromEntries(Object.entries(cells).map(([key, cell]) => [`${name}_${key}`, cell]));
}

/** `averageMs` of a row is the column `average_ms`. */
function linesOf<K extends string>(rows: readonly Readonly<Record<K, Cell>>[], keys: readonly K[]): string {
  const head = keys.map((key) =>
    key.replace(/(?<=[a-z\d])[A-Z](?=[a-z])/g, (letter) => `_${letter.toLowerCase()}`),
  );
  return [head, ...rows.map((row) => keys.map((key) => cellOf(row[key])))]
    .map((cells) => `${cells.join(',')}\r\n`)
    .join('');
}

function cellOf(cell: Cell): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell);
  const text = kFormula.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
