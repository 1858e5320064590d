import type { Figures } from './figures.ts';

/** RFC 4180, one line per period; amounts in minor units, one column per currency that occurs. */
export function csvOf(all: readonly Figures[]): string {
  const currencies = [...new Set(all.flatMap(({ charged }) => Object.keys(charged)))].sort();
  const head = [
    'period',
    'entered',
    'successful',
    'unsuccessful',
    'active',
    ...['declined', 'abandoned', 'failed', 'unknown'],
    'attempted',
    'attempted_sessions',
    ...['hang_ups_before', 'hang_ups_in_flight', 'hang_ups_after'],
    'agents_lost',
    ...['success', 'declined', 'abandoned', 'failed', 'unknown'].map((outcome) => `average_ms_${outcome}`),
    ...currencies.map((currency) => `charged_minor_${currency}`),
  ];
  const lines = all.map((figures) => cellsOf(figures, currencies).join(','));
  return [head.join(','), ...lines, ''].join('\r\n');
}

function cellsOf(figures: Figures, currencies: readonly string[]): (string | number)[] {
  const { outcomes, hangUps, averageDurationMs: average, charged } = figures;
  return [
    figures.period,
    figures.entered,
    figures.successful,
    figures.unsuccessful,
    figures.active,
    ...[outcomes.declined, outcomes.abandoned, outcomes.failed, outcomes.unknown],
    figures.attempted,
    figures.attemptedSessions,
    ...[hangUps.before, hangUps.inFlight, hangUps.after],
    figures.agentsLost,
    ...[average.success, average.declined, average.abandoned, average.failed, average.unknown].map(
      (value) => value ?? '',
    ),
    ...currencies.map((currency) => charged[currency] ?? 0),
  ];
}
