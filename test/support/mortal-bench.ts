import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { HttpGateway } from '../../src/gateway/http-gateway.ts';
import type { LedgerEntry } from '../../src/gateway/simulator-bank.ts';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { FollowUps } from '../../src/payment/follow-ups.ts';
import { JournaledPayments } from '../../src/payment/journaled-payments.ts';
import type { FollowUpKind, PaymentGateway } from '../../src/ports/payment-gateway.ts';
import type { AttemptRecord } from '../../src/ports/store.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { type Adapter, openAdapter } from './gateway-adapters.ts';
import type { Errand, Said } from './mortal-payment.ts';

const kChild = fileURLToPath(new URL('mortal-payment.ts', import.meta.url));
const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const kMostMs = 26 * 3_600_000;
const kFinalChange = /^(DONE|ACCEPTED|REFUSED|NOT_SENT|NOT_DONE)$/;
/** What they do not show of a change may yet come: one that never arrived is left to a person. */
const kNeverDeny = ['cybersource', 'worldpay'];

const kOwnDisk = '/mnt';
/** In namespaces of its own a process may mount what it likes, and only it sees it. */
const kWithOwnDisk = [
  ...['unshare', '--map-root-user', '--mount', 'sh', '-c'],
  ...[`mount -t tmpfs -o size=2m tmpfs ${kOwnDisk} && exec "$@"`, 'sh'],
];

/** Whether this machine lets a process have a disk of its own. */
export function canMount(): boolean {
  const [command = '', ...args] = kWithOwnDisk;
  return spawnSync(command, [...args, 'true']).status === 0;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** What became of one payment of a process that may have died over it. */
export interface Fate {
  readonly died: boolean;
  /** How often its event loop had something to do for the payment; null if it did not live to tell. */
  readonly turns: number | null;
  readonly verdict: string | null;
  /** Writes its disk would not take. */
  readonly refusedWrites: number;
  /** Of the row in the end; null: nothing was journaled, and nothing sent. */
  readonly state: string | null;
}

/** A bank that outlives processes, and a data folder on a real disk that they leave to each other. */
export class MortalBench {
  readonly #adapter: Adapter;
  readonly #folder: string;
  readonly #server: SimulatorServer;
  readonly #command: readonly string[];
  #payments = 0;
  #next: Child | undefined;

  private constructor(adapter: Adapter, folder: string, server: SimulatorServer, hasOwnDisk: boolean) {
    this.#adapter = adapter;
    this.#folder = folder;
    this.#server = server;
    const command = [process.execPath, kChild, hasOwnDisk ? kOwnDisk : folder, adapter.name, server.url];
    this.#command = hasOwnDisk ? [...kWithOwnDisk, ...command, folder] : command;
  }

  /** @param hasOwnDisk - each process has a small disk of its own, in memory, and begins afresh on it. */
  static async open(adapter: Adapter, folder: string, hasOwnDisk = false): Promise<MortalBench> {
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: kSystemClock });
    return new MortalBench(adapter, folder, server, hasOwnDisk);
  }

  /** How many turns it takes when nothing happens. */
  async measure(pan: string, work: Errand['work'] = 'sale'): Promise<number> {
    const { turns, verdict } = await this.run({ work, pan, fate: 'die', atTurn: null });
    if (turns === null || turns < 20) throw new Error(`no ${work} was measured: ${turns} turns, ${verdict}`);
    return turns;
  }

  /** Has a process pay, then another one put right what it left, and holds the books against each other. */
  async run(errand: Omit<Errand, 'paymentRef'>): Promise<Fate> {
    const paymentRef = `M${String(++this.#payments).padStart(15, '0')}`;
    const child = this.#next ?? this.#spawn();
    const lines = createInterface({ input: child.stdout });
    const said = await heard(child, lines, { ...errand, paymentRef });
    this.#next = this.#spawn(); // loads while we judge
    const verdict = said.find((each) => each.kind === 'verdict')?.verdict ?? null;
    const end = said.find((each) => each.kind === 'end');
    const state = await this.#putRight(paymentRef, errand.work, verdict);
    const { turns = null, refusedWrites = 0 } = end ?? {};
    return { died: end === undefined, turns, verdict, refusedWrites, state };
  }

  async close(): Promise<void> {
    this.#next?.kill('SIGKILL');
    await this.#server.close();
  }

  #spawn(): Child {
    const [command = '', ...args] = this.#command;
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, 'compiled') };
    return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  }

  /** As the next process does it, a day passing in no time. */
  async #putRight(paymentRef: string, work: Errand['work'], verdict: string | null): Promise<string | null> {
    const log = new FakeLog();
    const store = openStore({ file: join(this.#folder, 'hushpay.sqlite'), log });
    const clock = new FakeClock(new Date());
    const gateway = openAdapter(this.#adapter, this.#server.url, clock, log, null);
    try {
      store.endOrphans(clock.date().toISOString());
      await resolved(store, clock, gateway);
      expect(store.find(paymentRef)?.result ?? 'never opened', 'the session has ended').not.toBeNull();
      expect(store.audit.verify()).toMatchObject({ ok: true });
      return work === 'sale'
        ? this.#judgeSale(store, paymentRef, verdict)
        : this.#judgeChange(store, paymentRef, work, verdict);
    } finally {
      await gateway.close();
      store.close();
    }
  }

  #judgeSale(store: Store, paymentRef: string, verdict: string | null): string | null {
    const [row, ...more] = store.attempts(paymentRef);
    const booked = this.#booked(paymentRef);
    const standing = booked.filter(isCharge).length;
    expect(more, 'one attempt').toEqual([]);
    if (!row) {
      expect(booked, 'sent without an intent').toEqual([]);
      return null;
    }
    expect(isOpen(row), `${row.state} is final`).toBe(false);
    const { lookUp, reversal } = this.#adapter.dialect(new FakeClock(), 'host').capabilities;
    const isForPerson = row.state === 'MANUAL' && (lookUp === 'none' || reversal === 'none');
    if (!isForPerson) expect(standing, `charges, ${row.state}`).toBe(row.state === 'APPROVED' ? 1 : 0);
    expect(isForPerson || row.state !== 'MANUAL', 'left to a person').toBe(true);
    expect(standing).toBeLessThanOrEqual(1);
    if (verdict === 'approved') expect(row.state, 'what the caller was told').toBe('APPROVED');
    if (verdict === 'declined' || verdict === 'unavailable') expect(standing).toBe(0);
    return row.state;
  }

  #judgeChange(store: Store, paymentRef: string, kind: FollowUpKind, verdict: string | null): string | null {
    const [row, ...more] = store.followUps.book(paymentRef).followUps;
    const [entry] = this.#booked(paymentRef);
    const made = entry?.changes ?? [];
    const isMade = kind === 'void' ? entry?.state === 'reversed' : made.length > 0;
    expect([more.length, Math.max(made.length, 1)], 'one change').toEqual([0, 1]);
    expect(store.attempts(paymentRef), 'what was paid before').toMatchObject([{ state: 'APPROVED' }]);
    if (!row) {
      expect(isMade, 'sent without an intent').toBe(false);
      return null;
    }
    const isForPerson = row.state === 'MANUAL' && !isMade && kNeverDeny.includes(this.#adapter.name);
    if (!isForPerson) expect(row.state, 'is final, and nobody has to look').toMatch(kFinalChange);
    const isDone = row.state === 'DONE' || row.state === 'ACCEPTED';
    expect(isMade, row.state).toBe(isDone);
    if (verdict === 'DONE' || verdict === 'ACCEPTED') expect(isDone, 'what was told').toBe(true);
    if (verdict === 'not written') expect(isDone, 'nothing was sent').toBe(false);
    return row.state;
  }

  #booked(paymentRef: string): readonly LedgerEntry[] {
    return this.#server.ledger().filter((entry) => entry.paymentRef === paymentRef);
  }
}

async function heard(child: Child, lines: Interface, errand: Errand): Promise<Said[]> {
  const said: Said[] = [];
  const ended = once(child, 'close');
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(errand)}\n`);
  for await (const line of lines) if (line.startsWith('{')) said.push(JSON.parse(line) as Said);
  await ended;
  return said;
}

/** Time passes when no request is under way. */
async function resolved(store: Store, clock: FakeClock, gateway: HttpGateway): Promise<void> {
  let busy = 0;
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    busy++;
    return work.finally(() => busy--);
  };
  const watched: PaymentGateway = {
    name: gateway.name,
    idempotency: gateway.idempotency,
    submit: (...call) => counted(gateway.submit(...call)),
    query: (ref) => counted(gateway.query(ref)),
    reverse: (ref) => counted(gateway.reverse(ref)),
    followUp: (order) => counted(gateway.followUp(order)),
    findFollowUp: (order) => counted(gateway.findFollowUp(order)),
    check: () => gateway.check(),
    close: () => gateway.close(),
  };
  const log = new FakeLog();
  const payments = new JournaledPayments({ gateway: watched, journal: store, clock, log, policy: kPolicy });
  const followUps = new FollowUps({ gateway: watched, journal: store.followUps, clock, log });
  payments.start();
  followUps.start();
  while (store.countOpen().length > 0 && clock.now() < kMostMs) {
    await settle(); // whoever has heard something may ask again
    if (busy === 0) await clock.advance(clock.untilNextMs ?? 1_000);
  }
  await Promise.all([payments.stop(), followUps.stop()]);
}

function isOpen({ state }: AttemptRecord): boolean {
  return state === 'SUBMITTING' || state === 'UNKNOWN';
}

function isCharge({ state }: LedgerEntry): boolean {
  return state === 'approved' || state === 'pending';
}
