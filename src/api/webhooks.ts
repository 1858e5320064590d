import { z } from 'zod';
import type { Clock } from '../ports/clock.ts';
import { type Delivery, kMessageTypes, type Outbox } from '../ports/webhooks.ts';
import { type Caller, sees } from './caller.ts';
import { kNext, kPageQuery, pageOf } from './paging.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kWhen } from './session-schema.ts';

/** What the API may do with webhooks. */
export interface WebhookDesk {
  readonly webhooks: readonly { readonly name: string; readonly merchant: string | null }[];
  readonly outbox: Pick<Outbox, 'deliveries' | 'replay'>;
  /** To be called when something was put back. */
  hurry(): void;
}

const kWebhook = z.object({ name: z.string(), merchant: z.string().nullable() }).meta({ id: 'Webhook' });

const kDelivery = z
  .object({
    id: z.int(),
    type: z.enum(kMessageTypes),
    sessionId: z.string(),
    state: z.enum(['waiting', 'delivered', 'failed']),
    tries: z.int(),
    lastAnswer: z.string().nullable().describe('HTTP status of the last try, or what went wrong'),
    createdAt: kWhen,
    nextAt: kWhen.nullable(),
    doneAt: kWhen.nullable(),
    body: z.looseObject({}).describe('The message as it is sent'),
  })
  .meta({ id: 'Delivery' });

const kNameParams = z.object({ name: z.string().max(32) });
const kReplayed = z.object({ id: z.int(), state: z.literal('waiting') }).meta({ id: 'Replay' });

export function addWebhooks(
  routes: Routes,
  { webhooks, outbox, hurry }: WebhookDesk,
  clock: Pick<Clock, 'date'>,
): void {
  const common = { tag: 'Webhooks', allow: ['integrator', 'operator'] } as const;
  const isSeen = (name: string, caller: Caller) =>
    webhooks.some((each) => each.name === name && sees(caller, each.merchant));

  routes.get(
    '/v1/webhooks',
    {
      ...common,
      name: 'listWebhooks',
      summary: 'The webhooks of the configuration',
      answers: { 200: { what: 'All of them', json: z.object({ webhooks: z.array(kWebhook) }) } },
    },
    ({ caller }) => ({
      webhooks: webhooks
        .filter(({ merchant }) => sees(caller, merchant))
        .map(({ name, merchant }) => ({ name, merchant })),
    }),
  );

  routes.get(
    '/v1/webhooks/{name}/deliveries',
    {
      ...common,
      name: 'listDeliveries',
      summary: 'What was told, or is to be, newest first',
      params: kNameParams,
      query: z.strictObject(kPageQuery),
      answers: { 200: { what: 'A page', json: z.object({ deliveries: z.array(kDelivery), next: kNext }) } },
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { name }, query: { limit, cursor }, caller, reply }) => {
      if (!isSeen(name, caller)) return sendProblem(reply, 404);
      const found = outbox.deliveries(name, limit + 1, cursor && Number(cursor.id));
      const { rows, next } = pageOf(found, limit, ({ createdAt: at, id }) => ({ at, id: String(id) }));
      return { deliveries: rows.map(view), next };
    },
  );

  routes.post(
    '/v1/webhooks/{name}/deliveries/{id}/replay',
    {
      ...common,
      name: 'replayDelivery',
      summary: 'Sends a message again, from the first try',
      params: kNameParams.extend({ id: z.string().regex(/^\d{1,15}$/) }),
      answers: { 202: { what: 'It waits for its turn', json: kReplayed } },
      problems: ['API_NOT_FOUND'],
    },
    ({ params: { name, id }, caller, reply }) => {
      const isThere = isSeen(name, caller) && outbox.replay(name, Number(id), clock.date().toISOString());
      if (!isThere) return sendProblem(reply, 404);
      hurry();
      return reply.code(202).send({ id: Number(id), state: 'waiting' });
    },
  );
}

/** The body was masked when it was made. */
function view({ body, webhook: _, ...delivery }: Delivery) {
  return { ...delivery, body: JSON.parse(body) as unknown };
}
