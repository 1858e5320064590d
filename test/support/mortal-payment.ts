/**
 * A process of its own that pays once, or changes what it has paid: `mortal-payment.ts DATA-FOLDER ADAPTER BANK-URL [COPY]`, one {@link Errand} as a
 * line on its standard input. At the n-th turn of its event loop's work (every continuation of an await, every callback) between entry and verdict, or
 * between the request of a change and its answer, it is killed, or its disk fills up. Says what came of it in lines of JSON, and leaves a copy of its store in the folder COPY, for a disk that only it sees.
 */
import { createHook } from 'node:async_hooks';
import { appendFileSync, copyFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FollowUps } from '../../src/payment/follow-ups.ts';
import { JournaledPayments } from '../../src/payment/journaled-payments.ts';
import { idempotencyKeyOf } from '../../src/payment/payment-ref.ts';
import type { FollowUpKind, PaymentType } from '../../src/ports/payment-gateway.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { FakeLog } from './fake-log.ts';
import { kAdapters, openAdapter } from './gateway-adapters.ts';
import { cardOf, requestOf } from './payment-request.ts';
import { sessionOf } from './records.ts';

export interface Errand {
  readonly paymentRef: string;
  /** What it dies over; a change is of a payment made before. */
  readonly work: 'sale' | FollowUpKind;
  readonly pan: string;
  readonly fate: 'die' | 'fill the disk';
  /** 0: before anything; null: never. */
  readonly atTurn: number | null;
}

export type Said =
  | { readonly kind: 'verdict'; readonly verdict: string }
  /** It lived to tell. */
  | { readonly kind: 'end'; readonly turns: number; readonly refusedWrites: number };

/** So many of its seconds pass in one of the machine's while it is at risk; a payment that is only to be changed takes its time. */
const kHaste = 20;
let haste = 1;
const kBallastBytes = 16_384;

const clock = {
  now: () => kSystemClock.now() * haste,
  date: () => new Date(),
  schedule: (delayMs: number, task: () => void) => kSystemClock.schedule(delayMs / haste, task),
};
const [folder = '', adapterName = '', url = '', copy] = process.argv.slice(2);
const ballast = join(folder, 'ballast');
const log = new FakeLog();
const adapter = kAdapters.find(({ name }) => name === adapterName);
if (!adapter) throw new Error(`no adapter ${adapterName}`);
const store = openStore({ file: join(folder, 'hushpay.sqlite'), log, isCheckpointed: true });
const gateway = openAdapter(adapter, url, clock, log, null);
const policy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const payments = new JournaledPayments({ gateway, journal: store, clock, log, policy });
const followUps = new FollowUps({ gateway, journal: store.followUps, clock, log });
let turns = 0;

/** Written at once: nobody reads what a dead process had in its buffers. */
function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`);
}

function meetFate(fate: Errand['fate']): void {
  if (fate === 'die') process.kill(process.pid, 'SIGKILL');
  try {
    for (;;) appendFileSync(ballast, Buffer.alloc(kBallastBytes));
  } catch {
    // Full.
  }
}

async function atRisk(errand: Errand, work: () => Promise<string>): Promise<void> {
  const { fate, atTurn } = errand;
  const hook = createHook({
    before() {
      if (++turns === atTurn) meetFate(fate);
    },
  });
  haste = kHaste;
  if (atTurn === 0) meetFate(fate);
  hook.enable();
  const verdict = await work();
  say({ kind: 'verdict', verdict });
  hook.disable();
}

async function pay(paymentRef: string, pan: string, operation: PaymentType): Promise<string> {
  const idempotencyKey = idempotencyKeyOf(paymentRef, 1);
  const request = requestOf({ paymentRef, idempotencyKey, operation });
  const progress = { onFlushed: () => undefined, onUnknown: () => undefined };
  const card = cardOf({ pan });
  const { kind } = await payments.submit(paymentRef, request, card, progress);
  card.wipe();
  return kind;
}

async function change(paymentRef: string, kind: FollowUpKind): Promise<string> {
  const by = { actor: 'test', note: 'test' };
  try {
    const plan = await followUps.request({ paymentRef, kind, amount: null, requestKey: paymentRef, ...by });
    return plan.kind === 'planned' ? plan.record.state : `${plan.kind}: ${Reflect.get(plan, 'reason')}`;
  } catch {
    return 'not written';
  }
}

async function run(errand: Errand): Promise<void> {
  const { paymentRef, work, pan } = errand;
  store.open(sessionOf({ sessionId: paymentRef, paymentRef, gateway: gateway.name }));
  if (work === 'sale') await atRisk(errand, () => pay(paymentRef, pan, 'sale'));
  else {
    await pay(paymentRef, pan, work === 'refund' ? 'sale' : 'authorize');
    await atRisk(errand, () => change(paymentRef, work));
  }
  rmSync(ballast, { force: true });
  await new Promise((resolve) => void clock.schedule(3_000, () => resolve(undefined))); // what was not written is, now
  await Promise.all([payments.stop(), followUps.stop()]);
  const refusedWrites = log.lines.filter(({ message }) => /not written/.test(message)).length;
  say({ kind: 'end', turns, refusedWrites });
}

const lines = createInterface({ input: process.stdin });
writeSync(1, 'ready\n');
for await (const line of lines) {
  await run(JSON.parse(line) as Errand);
  break;
}
store.close();
if (copy !== undefined) {
  for (const name of ['hushpay.sqlite', 'audit.key']) copyFileSync(join(folder, name), join(copy, name));
}
process.exit(0);
