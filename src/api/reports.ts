import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { kReaders } from '../ports/api-roles.ts';
import type { Clock } from '../ports/clock.ts';
import type { ReportRows, ReportScope, Reports } from '../ports/reports.ts';
import { journeysCsv, kJourneyTables, kReportTables, reportCsv } from '../report/csv.ts';
import { figuresBy, figuresOf } from '../report/figures.ts';
import type { Caller } from './caller.ts';
import { sendProblem } from './problem.ts';
import { kJourneys, kPeriod, kReport, kScopeQuery } from './report-schema.ts';
import { scopeBefore, scopeOf } from './report-scope.ts';
import type { Routes } from './routes.ts';

const kFormat = z.enum(['json', 'csv']).default('json');
const kQuery = z.strictObject({
  ...kScopeQuery,
  by: kPeriod.default('day'),
  compare: z.enum(['none', 'before']).default('none'),
  split: z.enum(['merchant', 'topology']).optional().describe('Gives the figures of each, too'),
  format: kFormat,
  table: z.enum(kReportTables).default('periods').describe('Which part of the report, as CSV'),
});
const kJourneysQuery = z.strictObject({
  ...kScopeQuery,
  format: kFormat,
  table: z.enum(kJourneyTables).default('steps').describe('Which part of the report, as CSV'),
});

type Query = z.output<typeof kQuery>;

/** The figures of sessions that began in a range, as JSON or CSV; under the name they had first, too. */
export function addReports(routes: Routes, reports: Reports, clock: Pick<Clock, 'date'>): void {
  for (const [path, name] of [
    ['/v1/reports/kpi', 'getKpi'],
    ['/v1/reports/payments', 'getPaymentReport'],
  ] as const) {
    routes.get(
      path,
      {
        name,
        tag: 'Reports',
        summary: 'Figures of sessions, by quarter of an hour to month, and of the period before',
        allow: kReaders,
        query: kQuery,
        answers: {
          200: { what: 'As JSON, or with `format=csv` as RFC 4180', json: kReport, type: 'text/csv' },
        },
      },
      ({ query, caller, reply }) => report(reports, query, caller, clock.date().getTime(), reply),
    );
  }
  routes.get(
    '/v1/reports/journeys',
    {
      name: 'getJourneys',
      tag: 'Reports',
      summary: 'Where callers give up, how long each step takes them, and what they enter wrong',
      allow: kReaders,
      query: kJourneysQuery,
      answers: {
        200: {
          what: 'Steps and errors, or with `format=csv` one of them',
          json: kJourneys,
          type: 'text/csv',
        },
      },
    },
    async ({ query, caller, reply }) => {
      const scope = scopeOf(query, caller, clock.date().getTime());
      if ('status' in scope) return sendProblem(reply, scope.status, scope.detail);
      const journeys = await reports.journeys(scope);
      if (query.format === 'csv') return sendCsv(reply, journeysCsv(query.table, journeys));
      return { ...rangeOf(scope), ...journeys };
    },
  );
}

async function report(reports: Reports, query: Query, caller: Caller, nowMs: number, reply: FastifyReply) {
  const scope = scopeOf(query, caller, nowMs);
  if ('status' in scope) return sendProblem(reply, scope.status, scope.detail);
  if (query.format === 'csv' && query.table === 'parts' && !query.split)
    return sendProblem(reply, 400, 'split: expected merchant or topology, for the table parts');
  const rows = await reports.read({ ...scope, ...(query.split && { split: query.split }) });
  if (query.format === 'csv') {
    return sendCsv(reply, reportCsv(query.table, rows, figuresBy(rows.quarterHours, query.by, query.zone)));
  }
  const before = query.compare === 'before' ? await reports.read(scopeBefore(scope, query.zone)) : undefined;
  return view(query, scope, rows, before);
}

function sendCsv(reply: FastifyReply, csv: string): FastifyReply {
  return reply.type('text/csv; charset=utf-8; header=present').send(csv);
}

function view({ by, zone }: Query, scope: ReportScope, rows: ReportRows, before?: ReportRows) {
  return {
    ...rangeOf(scope),
    zone,
    by,
    total: figuresOf('total', rows.quarterHours),
    ...(before && { before: figuresOf('before', before.quarterHours) }),
    ...(rows.parts && {
      parts: rows.parts.map(({ part, quarterHours }) => ({ part, total: figuresOf(part, quarterHours) })),
    }),
    clamp: rows.clamp,
    durations: rows.durations,
    periods: figuresBy(rows.quarterHours, by, zone),
    results: rows.results,
    stages: rows.stages,
  };
}

function rangeOf({ fromMs, toMs }: ReportScope) {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
}
