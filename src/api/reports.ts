import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import type { ReportRows, Reports } from '../ports/reports.ts';
import { csvOf } from '../report/csv.ts';
import { figuresBy, figuresOf } from '../report/figures.ts';
import { dayOf, instantOf, isZone, kPeriods, type Period } from '../report/period.ts';
import { problemIn } from './body-problem.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';

const kLongestMs = 2 * 366 * 24 * 3_600_000;

const kQuery = z.strictObject({
  from: z.string().optional(),
  to: z.string().optional(),
  zone: z.string().default('UTC').refine(isZone, 'expected an IANA time zone such as Europe/Berlin'),
  by: z.enum(kPeriods as [Period, ...Period[]]).default('day'),
  merchant: z.string().max(64).optional(),
  topology: z.string().max(32).optional(),
  compare: z.enum(['none', 'before']).default('none'),
  format: z.enum(['json', 'csv']).default('json'),
});

interface Asked {
  readonly zone: string;
  readonly by: Period;
  readonly merchant?: string | undefined;
  readonly topology?: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
}

/** `GET /v1/reports/payments`: the figures of sessions that began in a range, today if none is given; as JSON or CSV. */
export function addReports(
  server: FastifyInstance,
  keys: ApiKeys,
  reports: Reports,
  clock: Pick<Clock, 'date'>,
): void {
  server.get('/v1/reports/payments', { onRequest: requireKey(keys) }, async ({ query }, reply) => {
    const checked = kQuery.safeParse(query);
    if (!checked.success) return sendProblem(reply, 400, problemIn(checked.error, 'query'));
    const { format, compare, ...rest } = checked.data;
    const asked = rangeOf(rest, clock.date().getTime());
    if (typeof asked === 'string') return sendProblem(reply, 400, asked);
    const rows = await read(reports, asked);
    if (format === 'csv') {
      const csv = csvOf(figuresBy(rows.quarterHours, asked.by, asked.zone));
      return reply.type('text/csv; charset=utf-8; header=present').send(csv);
    }
    const before = compare === 'before' ? await read(reports, periodBefore(asked)) : undefined;
    return view(asked, rows, before);
  });
}

function view(asked: Asked, rows: ReportRows, before: ReportRows | undefined) {
  const { fromMs, toMs, by, zone } = asked;
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    zone,
    by,
    total: figuresOf('total', rows.quarterHours),
    ...(before && { before: figuresOf('before', before.quarterHours) }),
    durations: rows.durations,
    periods: figuresBy(rows.quarterHours, by, zone),
    results: rows.results,
    stages: rows.stages,
  };
}

function read(reports: Reports, { fromMs, toMs, merchant, topology }: Asked): Promise<ReportRows> {
  return reports.read({
    fromMs,
    toMs,
    ...(merchant !== undefined && { merchantId: merchant }),
    ...(topology !== undefined && { topology }),
  });
}

/** @returns what is wrong, if it is no range. */
function rangeOf(
  query: Pick<z.output<typeof kQuery>, 'from' | 'to' | 'zone' | 'by' | 'merchant' | 'topology'>,
  nowMs: number,
): Asked | string {
  const { from, to, ...rest } = query;
  const fromMs = from === undefined ? dayOf(nowMs, rest.zone) : instantOf(from, rest.zone);
  const toMs = to === undefined ? nowMs : instantOf(to, rest.zone);
  const kExpected = 'expected a date such as 2026-10-25, or an instant with its offset';
  if (fromMs === undefined) return `from: ${from}: ${kExpected}`;
  if (toMs === undefined) return `to: ${to}: ${kExpected}`;
  if (toMs < fromMs) return 'to: expected no earlier than from';
  if (toMs - fromMs > kLongestMs) return 'from, to: expected at most two years';
  return { ...rest, fromMs, toMs };
}

/** As long, and ending where it begins. */
function periodBefore(asked: Asked): Asked {
  const { fromMs, toMs } = asked;
  return { ...asked, fromMs: 2 * fromMs - toMs, toMs: fromMs };
}
