import { z } from 'zod';
import { kPaymentTypes } from '../ports/payment-gateway.ts';
import { kRoles, kTopologies } from '../ports/payment-sessions.ts';

export const kSessionId = /^[\w-]{1,64}$/;
export const kSessionParams = z.object({ id: z.string().regex(kSessionId) });

export const kWhen = z.iso.datetime().describe('RFC 3339, UTC');
/** Amounts go in and out as text in major units, so that no client makes a float of them. */
export const kMajor = z.string().describe('Amount in major units such as `50.25`');
const kText = z.string().nullable();

export const kAttemptStates = z.enum([
  ...(['SUBMITTING', 'APPROVED', 'DECLINED', 'NOT_SENT', 'REJECTED_CONFIG'] as const),
  ...(['UNKNOWN', 'REVERSED', 'NOT_CHARGED', 'MANUAL'] as const),
]);
export const kOutcome = z.enum(['success', 'declined', 'abandoned', 'failed', 'unknown']);

export const kOperation = z.enum(kPaymentTypes).describe('Left out: a sale');

export const kSubmission = z
  .object({
    attempt: z.int().describe('From 1'),
    merchantId: kText,
    paymentRef: z.string(),
    idempotencyKey: z.string(),
    state: kAttemptStates,
    operation: kOperation.optional(),
    amount: kMajor,
    amountApproved: kMajor.optional().describe('Where only a part was approved and kept'),
    currency: z.string(),
    brand: z.string(),
    last4: z.string(),
    gateway: z.string(),
    transactionId: kText,
    declineClass: kText,
    declineCode: kText,
    sentAt: kWhen,
    doneAt: kWhen.nullable(),
  })
  .meta({ id: 'Submission' });

const kAgents = z
  .array(z.string())
  .describe('Whose it is among agents: their ids, their SIP users, `api:` and the name of who asked for it');

/** The row of a session, as it is listed. */
export const kSessionRow = z
  .object({
    id: z.string(),
    callId: z.string(),
    profile: z.string(),
    topology: z.enum(kTopologies),
    clampedBy: z.enum(['hushpay', 'remote']).nullable().describe('Who keeps the keys from the agent'),
    locale: z.string(),
    customerId: kText,
    merchantId: kText,
    reference: kText,
    from: z.string(),
    to: z.string(),
    trunk: z.string(),
    currency: z.string(),
    operation: kOperation.optional(),
    token: z.string().optional().describe('What stands for the card at the gateway'),
    agents: kAgents.optional(),
    amountRequested: kMajor.nullable(),
    amountCharged: kMajor.nullable(),
    paymentRef: z.string(),
    result: kText.describe('A result code; null while the session runs'),
    outcome: kOutcome.nullable(),
    gateway: z.string(),
    transactionId: kText,
    authCode: kText,
    brand: kText,
    last4: kText,
    attempts: z.int(),
    declines: z.int(),
    lastDeclineClass: kText,
    lastDeclineCode: kText,
    stageReached: z.string().describe('State of the conversation it ended in'),
    callerPresent: z.boolean(),
    recording: z.string().optional().describe('File the call is recorded in, below the folder of recordings'),
    agentLost: z.boolean().describe('The agent hung up while it was paid'),
    announced: z.boolean().describe('The caller heard the verdict to its end'),
    startedAt: kWhen,
    endedAt: kWhen.nullable(),
    durationMs: z.int().nullable(),
    activeMs: z.int().optional().describe('… without the time it took elsewhere to identify the caller'),
    media: z
      .record(z.string(), z.number())
      .nullable()
      .describe('Figures of the customer’s leg, and `clamp…` of what was kept from others'),
  })
  .meta({ id: 'SessionRow' });

/** What goes on in a session whose call is up or awaited; of this there is only what is known. */
const kLive = z.object({
  state: z.enum(['prepared', 'paying', 'ended']),
  asked: z
    .object({ customerId: kText, reference: kText, amount: kMajor.nullable(), currency: kText })
    .describe('What it was prepared with'),
  agents: kAgents,
  parties: z.array(z.object({ role: z.enum(kRoles) })),
  agentHears: z.enum(['nothing', 'all but keys', 'everything']),
  parked: z.boolean(),
  paused: z.boolean(),
  stage: z.string(),
  field: kText.describe('What is being entered'),
  error: kText.describe('What was wrong with the entry before'),
  digitCount: z.int().nullable().describe('Of the running entry: how many, never which'),
  amount: z
    .object({ minor: z.int(), currency: z.string(), exponent: z.int() })
    .nullable()
    .describe('What will be charged'),
  secure: z.boolean().describe('Keys are kept from everybody'),
});

export const kSessionEvent = z
  .looseObject({ seq: z.int(), at: kWhen, type: z.string() })
  .meta({ id: 'SessionEvent' });

export const kSession = z
  .object({
    ...kSessionRow.partial().shape,
    id: z.string(),
    ...kLive.partial().shape,
    resolution: kAttemptStates.nullable().optional().describe('What an unknown outcome turned out to be'),
    events: z.array(kSessionEvent).optional().describe('The newest, while the call is up'),
    submissions: z.array(kSubmission),
  })
  .meta({ id: 'Session' });

export const kCall = z
  .object({ ...kSessionRow.partial().shape, id: z.string(), ...kLive.partial().shape })
  .meta({ id: 'Call' });

export const kPrepared = z
  .object({
    id: z.string(),
    payUri: z.string().describe('Where the customer’s leg is sent when the payment is to begin with it'),
    roomUri: kText.describe('Where all legs are sent; null for topologies of one leg'),
  })
  .meta({ id: 'PreparedSession' });
