import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import type { ReportRows, ReportScope, Reports } from '../ports/reports.ts';
import { figuresOf } from '../report/figures.ts';
import { dayOf } from '../report/period.ts';
import type { Health } from '../telemetry/health.ts';
import { type Caller, merchantsOf, sees, seesSession } from './caller.ts';
import { kHealthReport } from './monitoring.ts';
import { sendProblem } from './problem.ts';
import { kClampFigures, kFigures, kScopeQuery } from './report-schema.ts';
import type { Routes } from './routes.ts';
import { kWhen } from './session-schema.ts';
import { callView, ownersIn, type SessionSources } from './session-view.ts';

export interface LiveParts {
  readonly sources: SessionSources & { readonly sessions: { ids(): readonly string[] } };
  readonly reports: Reports;
  readonly health: Pick<Health, 'report'>;
  readonly clock: Pick<Clock, 'date'>;
}

const kMinute = 60_000;
/** Walls that look at the same figures share one reading of them. */
const kFreshMs = 1_000;

const kQuery = z.strictObject({
  zone: kScopeQuery.zone,
  merchant: kScopeQuery.merchant,
  topology: kScopeQuery.topology,
});

const kStep = z.object({ stage: z.string(), topology: z.string(), sessions: z.int() });
const kLive = z
  .object({
    at: kWhen,
    zone: z.string(),
    today: kFigures.describe('Of sessions that began since midnight in the zone'),
    lastHour: kFigures,
    last5Minutes: kFigures,
    sessions: z.int().describe('Whose call is up now'),
    secure: z.int().describe('Of them: with keys kept from everybody'),
    steps: z.array(kStep).describe('Where they are now'),
    clamp: kClampFigures.describe('Since midnight'),
    health: kHealthReport,
  })
  .meta({ id: 'Live' });

type Query = z.output<typeof kQuery>;

/** What a wallboard shows now: the six figures, sessions by step, gateways and clamp. */
export function addLive(routes: Routes, parts: LiveParts): void {
  const { sources, health, clock } = parts;
  const recent = new RecentReports(parts.reports, clock);
  routes.get(
    '/v1/live',
    {
      name: 'getLive',
      tag: 'Reports',
      summary: 'What a wallboard shows now',
      allow: ['supervisor', 'operator', 'integrator'],
      query: kQuery,
      answers: { 200: { what: 'The figures', json: kLive } },
    },
    async ({ query, caller, reply }) => {
      const { merchant, zone, topology } = query;
      if (merchant !== undefined && !sees(caller, merchant))
        return sendProblem(reply, 403, 'merchant: none of yours');
      const now = clock.date();
      const whose = {
        ...merchantsOf(caller),
        ...(merchant !== undefined && { merchants: [merchant] }),
        ...(topology !== undefined && { topology }),
      };
      const since = (fromMs: number) => recent.read({ fromMs, toMs: now.getTime() + 1, ...whose });
      const [today, lastHour, last5Minutes, report] = await Promise.all([
        since(dayOf(now.getTime(), zone)),
        since(now.getTime() - 60 * kMinute),
        since(now.getTime() - 5 * kMinute),
        health.report(),
      ]);
      return {
        at: now.toISOString(),
        zone,
        today: figuresOf('today', today.quarterHours),
        lastHour: figuresOf('lastHour', lastHour.quarterHours),
        last5Minutes: figuresOf('last5Minutes', last5Minutes.quarterHours),
        ...stepsOf(sources, query, caller),
        clamp: today.clamp,
        health: { ...report, checks: seenChecks(report.checks, caller) },
      };
    },
  );
}

/** What the running sessions say of themselves. */
function stepsOf(sources: LiveParts['sources'], { merchant, topology }: Query, caller: Caller) {
  const running = sources.sessions.ids().flatMap((id) => {
    const owners = ownersIn(sources, id);
    const isSeen = seesSession(caller, owners) && (merchant === undefined || owners.merchantId === merchant);
    const view = isSeen ? (callView(sources, id) as LiveView | undefined) : undefined;
    return view && (topology === undefined || view.topology === topology) ? [view] : [];
  });
  const groups = Map.groupBy(running, ({ stage = 'PREPARED', topology: mode = 'ivr' }) => `${stage} ${mode}`);
  const steps = [...groups].map(([name, group]) => {
    const [stage = '', mode = ''] = name.split(' ');
    return { stage, topology: mode, sessions: group.length };
  });
  return { sessions: running.length, secure: running.filter(({ secure }) => secure).length, steps };
}

interface LiveView {
  readonly stage?: string;
  readonly topology?: string;
  readonly secure?: boolean;
}

/** The gateway of somebody else’s merchant has its name in it. */
function seenChecks<T>(checks: Readonly<Record<string, T>>, caller: Caller): Record<string, T> {
  return Object.fromEntries(
    Object.entries(checks).filter(([name]) => {
      const merchant = /^gateway (.+)$/.exec(name)?.[1];
      return merchant === undefined || sees(caller, merchant);
    }),
  );
}

/** Reports that were read less than a second ago are not read again. */
class RecentReports {
  readonly #reports: Reports;
  readonly #clock: Pick<Clock, 'date'>;
  readonly #kept = new Map<string, { readonly atMs: number; readonly rows: Promise<ReportRows> }>();

  constructor(reports: Reports, clock: Pick<Clock, 'date'>) {
    this.#reports = reports;
    this.#clock = clock;
  }

  read(scope: ReportScope): Promise<ReportRows> {
    const nowMs = this.#clock.date().getTime();
    for (const [name, { atMs }] of this.#kept)
      if (nowMs - atMs >= kFreshMs || nowMs < atMs) this.#kept.delete(name);
    const { toMs, fromMs, ...whose } = scope;
    // Midnight stays where it is; a length of time moves on with now.
    const name = JSON.stringify([Math.round((toMs - fromMs) / kMinute), whose]);
    const kept = this.#kept.get(name);
    if (kept) return kept.rows;
    const rows = this.#reports.read(scope);
    this.#kept.set(name, { atMs: nowMs, rows });
    rows.catch(() => this.#kept.delete(name));
    return rows;
  }
}
