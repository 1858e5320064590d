import { join } from 'node:path';
import type { Topology } from '../../src/ports/payment-sessions.ts';
import type { OutcomeGroup, SessionRecord } from '../../src/ports/store.ts';
import { kStoreFile, openStore } from '../../src/store/store.ts';
import { FakeLog } from './fake-log.ts';

const kHourMs = 3_600_000;
const kBrands = ['visa', 'mastercard', 'amex'] as const;
const kTopologies: readonly Topology[] = ['conference', 'conference', 'inline', 'ivr', 'secure_transfer'];
const kEnds: readonly (readonly [result: string, outcome: OutcomeGroup, stage: string])[] = [
  ...Array.from({ length: 14 }, () => ['APPROVED', 'success', 'REFERENCE'] as const),
  ['DECLINED_LEFT', 'declined', 'RETRY_MENU'],
  ['DECLINED_MAX', 'declined', 'MAX_DECLINES'],
  ['HANGUP_BEFORE_AUTH', 'abandoned', 'PAN_ENTRY'],
  ['HANGUP_BEFORE_AUTH', 'abandoned', 'CVV_ENTRY'],
  ['CALLER_CANCELLED', 'abandoned', 'EXPIRY_ENTRY'],
  ['MAX_INPUT', 'failed', 'PAN_ENTRY'],
];

/** Numbers that look like chance and are the same each time. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Fills the records of a server with sessions nobody had, so that its pages have something to show: more in the afternoon, most of
 * them successful.
 * @param untilMs - epoch; the last of them began before.
 * @returns how many.
 */
export function makeUpSessions(dataDir: string, untilMs: number, days: number): number {
  const store = openStore({ file: join(dataDir, kStoreFile), log: new FakeLog() });
  const chance = chances(7);
  let made = 0;
  try {
    for (let startMs = untilMs - days * 24 * kHourMs; startMs < untilMs - kHourMs / 6; ) {
      const hour = new Date(startMs).getHours();
      const perHour = hour < 7 || hour > 20 ? 1 : 5 + 5 * Math.sin(((hour - 6) / 14) * Math.PI);
      store.open(record(++made, startMs, chance));
      startMs += (kHourMs / perHour) * (0.4 + 1.2 * chance());
    }
  } finally {
    store.close();
  }
  return made;
}

function record(number: number, startMs: number, chance: () => number): SessionRecord {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T;
  const [result, outcome, stageReached] = pick(kEnds);
  const topology = pick(kTopologies);
  const isApproved = outcome === 'success';
  const durationMs = Math.round((isApproved ? 62_000 : 38_000) + 45_000 * chance());
  const amount = 1000 + Math.round(chance() * 24_000);
  const isSent = isApproved || outcome === 'declined';
  return {
    sessionId: `made-up-${number}`,
    callId: `made-up-call-${number}`,
    profile: 'pureconnect-ivr',
    topology,
    locale: 'en-US',
    customerId: `C-${1000 + (number % 900)}`,
    merchantId: number % 3 === 0 ? 'north' : 'south',
    reference: `INV-${4000 + number}`,
    from: '…0100',
    to: 'pay',
    trunk: 'lab',
    currency: 'USD',
    amountRequested: amount,
    amountCharged: isApproved ? amount : null,
    exponent: 2,
    paymentRef: `MADEUP${String(number).padStart(10, '0')}`,
    result,
    outcome,
    gateway: 'rest',
    transactionId: isApproved ? `T${70_000 + number}` : null,
    authCode: isApproved ? `A${1000 + number}` : null,
    brand: isSent ? pick(kBrands) : null,
    last4: isSent ? String(1000 + Math.floor(chance() * 8999)) : null,
    attempts: isSent ? 1 : 0,
    declines: outcome === 'declined' ? 1 : 0,
    lastDeclineClass: outcome === 'declined' ? 'soft' : null,
    lastDeclineCode: null,
    stageReached,
    agentLost: false,
    callerPresent: result !== 'HANGUP_BEFORE_AUTH',
    announced: isApproved,
    startedAt: new Date(startMs).toISOString(),
    endedAt: new Date(startMs + durationMs).toISOString(),
    durationMs,
    media: null,
  };
}
