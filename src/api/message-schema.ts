import { z } from 'zod';
import type { MessageType } from '../ports/webhooks.ts';
import { kEventDetails } from './event-schema.ts';
import { kSegment } from './report-schema.ts';
import { kOperation, kSessionRow, kWhen } from './session-schema.ts';

const kSummary = kSessionRow
  .pick({
    ...{ customerId: true, merchantId: true, reference: true, paymentRef: true, topology: true },
    ...{ currency: true, amountRequested: true, amountCharged: true, result: true, outcome: true },
    ...{ gateway: true, transactionId: true, brand: true, last4: true, attempts: true, declines: true },
    ...{ callerPresent: true, agentLost: true, startedAt: true, endedAt: true, durationMs: true },
  })
  .extend({ operation: kOperation, token: z.string().nullable() });

function message<T extends MessageType>(type: T, more: z.ZodObject) {
  return z.object({
    event: z.int().describe('Rises over all events'),
    type: z.literal(type),
    at: kWhen,
    sessionId: z.string(),
    ...more.shape,
  });
}

const { attempt, secure_mode, ended, resolved, changed } = kEventDetails;

/** What integrations are sent, by type. */
export const kMessages: Readonly<Record<MessageType, z.ZodObject>> = {
  'payment.started': message('payment.started', kSummary),
  'payment.attempted': message('payment.attempted', kSummary.extend(attempt.shape)),
  'payment.secure_mode': message('payment.secure_mode', kSummary.extend(secure_mode.shape)),
  'payment.completed': message('payment.completed', kSummary),
  'payment.resolved': message('payment.resolved', kSummary.extend(resolved.shape)),
  'payment.changed': message('payment.changed', kSummary.extend(changed.shape)),
  'segment.started': message('segment.started', z.object({ segment: kSegment })),
  'segment.ended': message('segment.ended', ended.extend({ segment: kSegment })),
};

const kHeaders: Readonly<Record<string, string>> = {
  'Hushpay-Event': 'The type',
  'Hushpay-Delivery': 'Number of the delivery, the same at every try',
  'Hushpay-Signature':
    '`t=<seconds>,v1=<hex>`: HMAC-SHA256 with the secret over the seconds, a dot and the body',
};

/** The section `webhooks` of the document. @param schemaOf - writes a schema. */
export function webhooksOf(schemaOf: (schema: z.ZodType) => object): object {
  return Object.fromEntries(
    Object.entries(kMessages).map(([type, schema]) => [
      type,
      {
        post: {
          operationId: `on${type.replace(/(^|[._])(\w)/g, (_, _dot, letter: string) => letter.toUpperCase())}`,
          tags: ['Webhooks'],
          summary: 'Sent to the webhooks of the configuration that ask for it',
          security: [],
          parameters: Object.entries(kHeaders).map(([name, description]) => ({
            name,
            in: 'header',
            required: true,
            description,
            schema: { type: 'string' },
          })),
          requestBody: { required: true, content: { 'application/json': { schema: schemaOf(schema) } } },
          responses: { '2XX': { description: 'Taken; anything else, or nothing, and it is sent again' } },
        },
      },
    ]),
  );
}
