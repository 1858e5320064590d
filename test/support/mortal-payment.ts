/**
 * A process of its own that pays once: `mortal-payment.ts DATA-FOLDER ADAPTER BANK-URL [COPY]`, one {@link Errand} as a line on its standard input.
 * At the n-th turn of its event loop's work (every continuation of an await, every callback) between entry and verdict it is killed, or its disk
 * fills up. Says what came of it in lines of JSON, and leaves a copy of its store in the folder COPY, for a disk that only it sees.
 */
import { createHook } from 'node:async_hooks';
import { appendFileSync, copyFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { JournaledPayments } from '../../src/payment/journaled-payments.ts';
import { idempotencyKeyOf } from '../../src/payment/payment-ref.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { openStore } from '../../src/store/store.ts';
import { FakeLog } from './fake-log.ts';
import { kAdapters, openAdapter } from './gateway-adapters.ts';
import { cardOf, requestOf } from './payment-request.ts';
import { sessionOf } from './records.ts';

export interface Errand {
  readonly paymentRef: string;
  readonly pan: string;
  readonly fate: 'die' | 'fill the disk';
  /** 0: before anything; null: never. */
  readonly atTurn: number | null;
}

export type Said =
  | { readonly kind: 'verdict'; readonly verdict: string }
  /** It lived to tell. */
  | { readonly kind: 'end'; readonly turns: number; readonly refusedWrites: number };

/** So many of its seconds pass in one of the machine's. */
const kHaste = 20;
const kBallastBytes = 16_384;

const clock = {
  now: () => kSystemClock.now() * kHaste,
  date: () => new Date(),
  schedule: (delayMs: number, task: () => void) => kSystemClock.schedule(delayMs / kHaste, task),
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

async function run({ paymentRef, pan, fate, atTurn }: Errand): Promise<void> {
  let turns = 0;
  const hook = createHook({
    before() {
      if (++turns === atTurn) meetFate(fate);
    },
  });
  const idempotencyKey = idempotencyKeyOf(paymentRef, 1);
  const progress = { onFlushed: () => undefined, onUnknown: () => undefined };
  const card = cardOf({ pan });
  store.open(sessionOf({ sessionId: paymentRef, paymentRef, gateway: gateway.name }));
  if (atTurn === 0) meetFate(fate);
  hook.enable();
  const { kind } = await payments.submit(
    paymentRef,
    requestOf({ paymentRef, idempotencyKey }),
    card,
    progress,
  );
  say({ kind: 'verdict', verdict: kind });
  hook.disable();
  card.wipe();
  rmSync(ballast, { force: true });
  await new Promise((resolve) => void clock.schedule(3_000, () => resolve(undefined))); // what was not written is, now
  await payments.stop();
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
