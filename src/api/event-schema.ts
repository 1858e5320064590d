import { z } from 'zod';
import { kFollowUpKinds } from '../ports/payment-gateway.ts';
import { kRoles } from '../ports/payment-sessions.ts';
import { kChangeStates } from './follow-ups.ts';
import { kAttemptStates, kMajor, kWhen } from './session-schema.ts';

const kText = z.string().nullable();
const kLeg = { role: z.enum(kRoles), callId: z.string().describe('Tells legs of one role apart') };

/** What events of each type say besides whose and when they are. */
export const kEventDetails = {
  prepared: z.object({}),
  started: z.object({}),
  dialling: z.object({ role: z.enum(kRoles) }),
  not_reached: z.object({ role: z.enum(kRoles), status: z.int().describe('Of SIP') }),
  joined: z.object(kLeg),
  left: z.object(kLeg),
  measured: z
    .object(kLeg)
    .catchall(z.union([z.string(), z.number()]))
    .describe('Figures of a leg that is over, and its codec'),
  stage: z.object({ stage: z.string().describe('State of the conversation, such as `PAN_ENTRY`') }),
  digits: z.object({ field: kText, count: z.int().describe('Keys of the entry: how many, never which') }),
  field_error: z.object({ field: z.string(), error: z.string() }),
  secure_mode: z.object({ on: z.boolean() }),
  clamp: z.object({
    state: z
      .enum(['on', 'failed', 'off'])
      .describe('`failed`: it cannot be said of all, so nothing is asked'),
  }),
  recording: z.object({
    state: z
      .enum(['started', 'failed', 'interrupted', 'resumed', 'ended'])
      .describe('`interrupted`: it cannot be kept for now, and what is said meanwhile is silent in it'),
    sink: z.string(),
    name: kText,
  }),
  attempt: z.object({ outcome: z.string(), declineClass: kText }),
  action: z.object({ action: z.string() }),
  ended: z.object({ result: z.string() }),
  resolved: z.object({ resolution: kAttemptStates }),
  changed: z.object({
    change: z.enum(kFollowUpKinds),
    key: z.string(),
    state: kChangeStates,
    amount: kMajor,
    currency: z.string(),
  }),
} as const;

const kOf = { sessionId: z.string(), at: kWhen };
const [first, ...others] = Object.entries(kEventDetails).map(([type, detail]) =>
  z.object({ event: z.literal(type), data: detail.extend(kOf) }),
);
const kReset = z.object({ event: z.literal('reset'), data: z.object({}) });

/** An event of a stream: its name, and its data as JSON. */
export const kEvent = z
  .discriminatedUnion('event', [kReset, ...(first ? [first, ...others] : [])])
  .describe('`reset`: what was missed is too much, or of another database: read what you show afresh')
  .meta({ id: 'Event' });
