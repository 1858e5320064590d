import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as passed } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { CardSecret, type SecretField } from '../src/card/card-secret.ts';
import { SimulatorGateway } from '../src/gateway/simulator.ts';
import { money } from '../src/money/money.ts';
import { JournaledPayments } from '../src/payment/journaled-payments.ts';
import { idempotencyKeyOf, newPaymentRef } from '../src/payment/payment-ref.ts';
import type { PaymentRequest } from '../src/ports/payment-gateway.ts';
import type { AttemptJournal, SessionRecord } from '../src/ports/store.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { createLog } from '../src/telemetry/log.ts';
import { percentile, rounded } from './figures.ts';

const kSessions = 500;
/** A conversation takes about so long; in it one payment is made. */
const kConversationMs = 20_000;
const kRounds = 2;
const kSaturated = 4000;
const kFloorWrites = 1000;
const kCard = { pan: '4242424242424242', expiry: '0335', cvv: '123' }; // a published test card
const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;

type Step = 'open' | 'begin' | 'settle' | 'close';

/**
 * The money path without a telephone: session row, durable intent, simulated bank, durable verdict, session row. First 500 sessions at
 * their ease, as on the phone; then as many payments as go; beside them a bare SQLite file that makes two durable writes a payment.
 */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-bench-money-'));
  try {
    const store = openStore({ file: join(folder, 'hushpay.sqlite'), log: quietLog() });
    const atEase = await measured(store, (lab) => conversations(lab));
    const saturated = await measured(store, (lab) => flatOut(lab));
    const floor = bareWrites(join(folder, 'bare.sqlite'));
    const audit = store.audit.verify();
    store.close();
    const figures = {
      sessionsAtOnce: kSessions,
      atEase,
      saturated,
      bareSqliteTwoWritesMs: floor,
      paymentToBareWrites: rounded(saturated.elapsedMs / saturated.approved / floor.mean),
      auditWhole: audit.ok,
    };
    process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Lab {
  readonly store: Store;
  readonly payments: JournaledPayments;
  readonly times: Record<Step, number[]>;
  approved: number;
}

async function measured(store: Store, work: (lab: Lab) => Promise<void>) {
  const times: Lab['times'] = { open: [], begin: [], settle: [], close: [] };
  const log = quietLog();
  const gateway = new SimulatorGateway(kSystemClock, log);
  const journal = timed(store, times);
  const payments = new JournaledPayments({ gateway, journal, clock: kSystemClock, log, policy: kPolicy });
  const lab: Lab = { store, payments, times, approved: 0 };
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const startMs = performance.now();
  loop.enable();
  await work(lab);
  loop.disable();
  const elapsedMs = performance.now() - startMs;
  await payments.stop();
  await gateway.close();
  return {
    approved: lab.approved,
    elapsedMs: rounded(elapsedMs),
    paymentsPerSecond: rounded((1000 * lab.approved) / elapsedMs),
    journalMs: Object.fromEntries(Object.entries(times).map(([step, all]) => [step, spread(all)])),
    eventLoopMs: { p50: ms(loop.percentile(50)), p99: ms(loop.percentile(99)), max: ms(loop.max) },
  };
}

/** Each session pays once in its conversation, and is followed by the next caller. */
async function conversations(lab: Lab): Promise<void> {
  const session = async (index: number) => {
    await passed((index / kSessions) * kConversationMs);
    for (let round = 0; round < kRounds; round++) {
      await pay(lab);
      if (round + 1 < kRounds) await passed(kConversationMs);
    }
  };
  await Promise.all(Array.from({ length: kSessions }, (_, index) => session(index)));
}

async function flatOut(lab: Lab): Promise<void> {
  let left = kSaturated;
  const session = async () => {
    while (left-- > 0) {
      await pay(lab);
      await passed(0);
    }
  };
  await Promise.all(Array.from({ length: kSessions }, session));
}

async function pay(lab: Lab): Promise<void> {
  const sessionId = crypto.randomUUID();
  const paymentRef = newPaymentRef();
  const record = recordOf(sessionId, paymentRef);
  const card = keyedCard();
  lab.times.open.push(timeOf(() => lab.store.open(record)));
  const verdict = await lab.payments.submit(sessionId, requestOf(paymentRef), card, {
    onFlushed: () => undefined,
    onUnknown: () => undefined,
  });
  card.wipe();
  if (verdict.kind === 'approved') lab.approved++;
  const ended = {
    ...record,
    result: 'APPROVED',
    outcome: 'success',
    endedAt: new Date().toISOString(),
  } as const;
  lab.times.close.push(timeOf(() => lab.store.update(ended)));
}

function timed(store: Store, times: Lab['times']): AttemptJournal {
  return {
    begin: (attempt) => void times.begin.push(timeOf(() => store.begin(attempt))),
    settle: (key, verdict) => void times.settle.push(timeOf(() => store.settle(key, verdict))),
    unresolved: () => store.unresolved(),
  };
}

/** What two durable writes cost on this disk, whoever makes them. */
function bareWrites(file: string) {
  const database = new Database(file);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('CREATE TABLE payment (id INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT');
  const begin = database.prepare("INSERT INTO payment VALUES (?, 'begun')");
  const settle = database.prepare("UPDATE payment SET state = 'settled' WHERE id = ?");
  const times = Array.from({ length: kFloorWrites }, (_, id) =>
    timeOf(() => {
      begin.run(id);
      settle.run(id);
    }),
  );
  database.close();
  return { ...spread(times), mean: rounded(times.reduce((sum, time) => sum + time, 0) / times.length) };
}

function timeOf(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function spread(times: readonly number[]) {
  const sorted = times.toSorted((one, other) => one - other);
  return { p50: rounded(percentile(sorted, 0.5)), p99: rounded(percentile(sorted, 0.99)) };
}

function ms(ns: number): number {
  return rounded(ns / 1e6);
}

function quietLog() {
  return createLog({ level: 'error' });
}

function keyedCard(): CardSecret {
  const card = new CardSecret();
  for (const [field, keys] of Object.entries(kCard)) {
    for (const key of keys) card.append(field as SecretField, Number(key));
  }
  return card;
}

function requestOf(paymentRef: string): PaymentRequest {
  return {
    paymentRef,
    attempt: 1,
    idempotencyKey: idempotencyKeyOf(paymentRef, 1),
    amount: money(1050, 'EUR'),
    merchantId: null,
    customerId: 'C-1',
    reference: null,
    brand: 'visa',
    call: { id: 'bench', from: 'anonymous', to: 'pay', mode: 'ivr' },
  };
}

function recordOf(sessionId: string, paymentRef: string): SessionRecord {
  return {
    sessionId,
    callId: sessionId,
    profile: 'pureconnect-ivr',
    topology: 'ivr',
    locale: 'en-GB',
    customerId: 'C-1',
    merchantId: null,
    reference: null,
    from: 'anonymous',
    to: 'pay',
    trunk: 'bench',
    currency: 'EUR',
    amountRequested: 1050,
    amountCharged: null,
    exponent: 2,
    paymentRef,
    result: null,
    outcome: null,
    gateway: 'simulator',
    transactionId: null,
    authCode: null,
    brand: null,
    last4: null,
    attempts: 0,
    declines: 0,
    lastDeclineClass: null,
    lastDeclineCode: null,
    stageReached: 'GREET',
    callerPresent: true,
    agentLost: false,
    announced: false,
    startedAt: new Date().toISOString(),
    endedAt: null,
    durationMs: null,
    media: null,
  };
}
