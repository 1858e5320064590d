import type { FastifyInstance } from 'fastify';
import type { Clock } from '../ports/clock.ts';
import type { Delivery, Outbox } from '../ports/webhooks.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';

/** What the API may do with webhooks. */
export interface WebhookDesk {
  readonly names: readonly string[];
  readonly outbox: Pick<Outbox, 'deliveries' | 'replay'>;
  /** To be called when something was put back. */
  hurry(): void;
}

const kMostListed = 200;

type Named = { Params: { name: string } };
type One = { Params: { name: string; id: string } };

/** `GET /v1/webhooks/{name}/deliveries`, `POST …/deliveries/{id}/replay`. */
export function addWebhooks(
  server: FastifyInstance,
  keys: ApiKeys,
  { names, outbox, hurry }: WebhookDesk,
  clock: Pick<Clock, 'date'>,
): void {
  const withKey = { onRequest: requireKey(keys) };
  server.get('/v1/webhooks', withKey, async () => ({ webhooks: names.map((name) => ({ name })) }));

  server.get<Named>('/v1/webhooks/:name/deliveries', withKey, async ({ params: { name } }, reply) => {
    if (!names.includes(name)) return sendProblem(reply, 404);
    return { deliveries: outbox.deliveries(name, kMostListed).map(view) };
  });

  server.post<One>('/v1/webhooks/:name/deliveries/:id/replay', withKey, async ({ params }, reply) => {
    const isThere =
      names.includes(params.name) &&
      /^\d{1,15}$/.test(params.id) &&
      outbox.replay(params.name, Number(params.id), clock.date().toISOString());
    if (!isThere) return sendProblem(reply, 404);
    hurry();
    return reply.code(202).send({ id: Number(params.id), state: 'waiting' });
  });
}

/** The body was masked when it was made. */
function view({ body, webhook: _, ...delivery }: Delivery) {
  return { ...delivery, body: JSON.parse(body) as unknown };
}
