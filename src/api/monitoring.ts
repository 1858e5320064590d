import { z } from 'zod';
import type { Health } from '../telemetry/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Routes } from './routes.ts';

const kCheck = z.union([
  z.object({ ok: z.literal(true), detail: z.string().optional() }),
  z.object({ ok: z.literal(false), reason: z.string() }),
]);
export const kHealthReport = z
  .object({ ready: z.boolean().describe('Calls can be taken'), checks: z.record(z.string(), kCheck) })
  .meta({ id: 'Health' });

/** What load balancers and Prometheus ask for; without a key. */
export function addMonitoring(
  routes: Routes,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  health: Pick<Health, 'report'>,
): void {
  const common = { tag: 'Monitoring', allow: 'everybody' } as const;
  routes.get(
    '/livez',
    {
      ...common,
      name: 'getLiveness',
      summary: 'Whether the process lives',
      answers: { 200: { what: 'It does', json: z.object({ live: z.literal(true) }) } },
    },
    () => ({ live: true }),
  );
  routes.get(
    '/readyz',
    {
      ...common,
      name: 'getReadiness',
      summary: 'Whether calls can be taken, and if not, why',
      answers: {
        200: { what: 'They can', json: kHealthReport },
        503: { what: 'They cannot', json: kHealthReport },
      },
    },
    async ({ reply }) => {
      const report = await health.report();
      return reply.code(report.ready ? 200 : 503).send(report);
    },
  );
  routes.get(
    '/metrics',
    {
      ...common,
      name: 'getMetrics',
      summary: 'Figures for Prometheus',
      answers: { 200: { what: 'Its text format', type: 'text/plain' } },
    },
    async ({ reply }) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}
