import type { FastifyInstance } from 'fastify';
import type { Health } from '../telemetry/health.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What load balancers and Prometheus ask for; without a key. */
export function addMonitoring(
  server: FastifyInstance,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  health: Pick<Health, 'report'>,
): void {
  server.get('/livez', () => ({ live: true }));
  server.get('/readyz', async (_, reply) => {
    const report = await health.report();
    return reply.code(report.ready ? 200 : 503).send(report);
  });
  server.get('/metrics', async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
