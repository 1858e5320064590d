import { z } from 'zod';
import { type Money, parseMajor } from '../money/money.ts';
import { kPaymentTypes } from '../ports/payment-gateway.ts';
import { kTopologies, type SessionAction, type SessionRequest } from '../ports/payment-sessions.ts';

const kText = z.string().regex(/^[\x20-\x7e\u00a0-\uffff]{1,64}$/, 'expects 1 to 64 printable characters');
const kAmount = z
  .string()
  .regex(/^\d{1,10}(\.\d{1,4})?$/, 'expects an amount in major units such as "50.25"');
const kFields = ['pan', 'expiry', 'start', 'issue', 'cvv', 'postal', 'amount'] as const;

export const kSessionBody = z
  .strictObject({
    topology: z.enum(kTopologies),
    customerId: kText.optional(),
    merchantId: kText.optional(),
    reference: kText.optional(),
    amount: kAmount.optional(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'expects three letters of ISO 4217 such as "USD"')
      .optional(),
    operation: z.enum(kPaymentTypes).optional().describe('Left out: as the configuration says'),
    identified: z.union([z.boolean(), z.enum(['true', 'false', 'unknown'])]).default('unknown'),
    agentId: kText
      .optional()
      .describe(
        'The agent whose session it is besides who asks for it, as keys and tokens of agents name them',
      ),
    start: z
      .enum(['action', 'joined'])
      .default('action')
      .describe('When the payment begins: by the action, or when customer and agent are there'),
  })
  .meta({ id: 'SessionRequest' });

export const kActionBody = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('start'), amount: kAmount.optional() }),
    z.strictObject({ action: z.literal('amount'), amount: kAmount }),
    z.strictObject({ action: z.literal('capture'), field: z.enum(kFields) }),
    z.strictObject({ action: z.literal('re-enter'), field: z.enum(kFields) }),
    z.strictObject({
      action: z.literal('dial'),
      role: z.enum(['customer', 'agent']),
      to: z.string().regex(/^sips?:[^\s<>"?,]{1,500}$/, 'expects a SIP URI without display name and headers'),
      trunk: kText.nullable().default(null),
    }),
    z.strictObject({ action: z.enum(['pause', 'park', 'resume', 'cancel']) }),
  ])
  .meta({ id: 'SessionAction' });

export const kIdentificationBody = z
  .strictObject({ result: z.enum(['verified', 'failed']) })
  .meta({ id: 'Identification' });

/** A body that was understood, or what is wrong with it, as a sentence for whoever sent it. */
export type Read<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'wrong'; readonly detail: string };

/** @param currency - the one payments are made in: limits hold in no other. */
export function readSession(body: z.output<typeof kSessionBody>, currency: string): Read<SessionRequest> {
  const { amount, currency: asked = currency, identified, ...same } = body;
  if (asked !== currency) return { kind: 'wrong', detail: `currency: payments are made in ${currency}` };
  const money = amount === undefined ? null : positive(amount, currency);
  if (money === undefined) return { kind: 'wrong', detail: kWrongAmount(currency) };
  return {
    kind: 'read',
    value: {
      topology: same.topology,
      customerId: same.customerId ?? null,
      merchantId: same.merchantId ?? null,
      reference: same.reference ?? null,
      amount: money,
      ...(same.operation === undefined ? {} : { operation: same.operation }),
      identified: String(identified) as SessionRequest['identified'],
      start: same.start,
    },
  };
}

/** @returns the actions in the order they are to be done: an amount comes before the start it was sent with. */
export function readActions(
  asked: z.output<typeof kActionBody>,
  currency: string,
): Read<readonly SessionAction[]> {
  if (asked.action !== 'start' && asked.action !== 'amount') return { kind: 'read', value: [asked] };
  const start: readonly SessionAction[] = asked.action === 'start' ? [{ action: 'start' }] : [];
  if (asked.amount === undefined) return { kind: 'read', value: start };
  const amount = positive(asked.amount, currency);
  if (!amount) return { kind: 'wrong', detail: kWrongAmount(currency) };
  return { kind: 'read', value: [{ action: 'amount', amount }, ...start] };
}

const kWrongAmount = (currency: string) =>
  `amount: expects more than zero, with no more decimals than ${currency} has`;

function positive(text: string, currency: string): Money | undefined {
  const amount = parseMajor(text, currency);
  return amount && amount.minor > 0 ? amount : undefined;
}
