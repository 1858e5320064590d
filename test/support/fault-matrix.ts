import { expect } from 'vitest';
import type { HttpGateway } from '../../src/gateway/http-gateway.ts';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { JournaledPayments } from '../../src/payment/journaled-payments.ts';
import { idempotencyKeyOf } from '../../src/payment/payment-ref.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { PaymentGateway, PaymentRequest } from '../../src/ports/payment-gateway.ts';
import type { AttemptRecord } from '../../src/ports/store.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { FakeStore } from './fake-store.ts';
import { type Fault, FaultyLine } from './faulty-line.ts';
import { type Adapter, openAdapter } from './gateway-adapters.ts';
import { cardOf, requestOf } from './payment-request.ts';
import { type SelfSigned, selfSigned } from './self-signed.ts';
import { type ClockTrouble, clockTrouble, mortal, troubled } from './troubled-clock.ts';

const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;
const kSession = 'S1';
const kStepMs = 1_000;
const kQuietTurns = 60;
const kIdleTurns = 2; // between the disk and the gateway, say
const kStallMs = 45_000; // late, but before the first look of the reconciler
const kMostMs = 26 * 3_600_000; // the reconciler gives up after a day
const kHourMs = 3_600_000;
const kCards = [
  ...[
    '4242424242424242',
    '5555555555554444',
    '378282246310005',
    '4242424242424242',
    '4242424242424242',
    '4242424242424242',
  ],
  ...[
    '4000000000009995',
    '4000000000000127',
    '4000000000000838',
    '4000000000000846',
    '4000000000000820',
    '4000000000000119',
  ],
];

/** One payment, and what goes wrong meanwhile. */
export interface Trouble {
  readonly fault: Fault | null;
  readonly pan: string;
  /** The process dies this long after the submission, and another one takes over. */
  readonly dieAtMs: number | null;
  /** The disk is full for 20 s from here. */
  readonly diskFullAtMs: number | null;
  readonly clock: ClockTrouble | null;
}

export const kNoTrouble: Trouble = {
  fault: null,
  pan: '4242424242424242',
  dieAtMs: null,
  diskFullAtMs: null,
  clock: null,
};

/** What became of it, for the summary. */
export interface Outcome {
  readonly states: readonly string[];
  readonly charges: number;
  readonly elapsedMs: number;
}

/** The bank, a line to it that can be disturbed, and payments through one adapter. */
export class FaultBench {
  readonly #adapter: Adapter;
  readonly #clock = new FakeClock();
  readonly #server: SimulatorServer;
  readonly #line: FaultyLine;
  readonly #tls: SelfSigned | null;
  #payments = 0;
  #measured = { up: 0, down: 0 };

  private constructor(
    adapter: Adapter,
    server: SimulatorServer,
    line: FaultyLine,
    tls: SelfSigned | null,
    clock: FakeClock,
  ) {
    this.#adapter = adapter;
    this.#server = server;
    this.#line = line;
    this.#tls = tls;
    this.#clock = clock;
  }

  static async open(adapter: Adapter, secure: boolean): Promise<FaultBench> {
    const clock = new FakeClock();
    const tls = secure ? selfSigned() : null;
    const server = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock, ...(tls ? { tls } : {}) });
    const line = await FaultyLine.open(Number(new URL(server.url).port));
    return new FaultBench(adapter, server, line, tls, clock);
  }

  /** Bytes of an undisturbed sale, either way. */
  async measure(): Promise<{ up: number; down: number }> {
    await this.run(kNoTrouble);
    const { up, down } = this.#measured;
    if (up < 200 || down < 50) throw new Error(`no sale was measured: ${up} bytes up, ${down} down`);
    return { up, down };
  }

  /** Plays the payment to its end and holds the books against each other. */
  async run(trouble: Trouble): Promise<Outcome> {
    const paymentRef = `P${String(++this.#payments).padStart(15, '0')}`;
    const run = new Run(this.#clock, this.#line, this.#server, trouble, (clock) => this.#open(clock));
    try {
      return await run.play(paymentRef, this.#adapter);
    } finally {
      await run.close();
      this.#measured = { ...this.#line.passed };
      this.#line.set(null);
    }
  }

  async close(): Promise<void> {
    await this.#line.close();
    await this.#server.close();
  }

  /** The adapter of a new process: it remembers nothing. */
  #open(clock: Clock): HttpGateway {
    const url = `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#line.port}`;
    return openAdapter(
      this.#adapter,
      url,
      clock,
      new FakeLog(),
      this.#tls ? Buffer.from(this.#tls.cert) : null,
    );
  }
}

class Run {
  readonly #clock: FakeClock;
  readonly #line: FaultyLine;
  readonly #server: SimulatorServer;
  readonly #trouble: Trouble;
  readonly #open: (clock: Clock) => HttpGateway;
  readonly #store: FakeStore;
  readonly #startedMs: number;
  readonly #gateways: HttpGateway[] = [];
  readonly #processes: JournaledPayments[] = [];
  #busy = 0;
  #died = false;
  #mostCharges = 0;

  constructor(
    clock: FakeClock,
    line: FaultyLine,
    server: SimulatorServer,
    trouble: Trouble,
    open: (clock: Clock) => HttpGateway,
  ) {
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#store = new FakeStore(() => clock.now());
    this.#line = line;
    this.#server = server;
    this.#trouble = trouble;
    this.#open = open;
  }

  async play(paymentRef: string, adapter: Adapter): Promise<Outcome> {
    const startedMs = this.#clock.now();
    this.#schedule();
    this.#line.set(this.#trouble.fault);
    const first = this.#process();
    const verdicts: string[] = [];
    for (const [index, pan] of [this.#trouble.pan, '4242424242424242'].entries()) {
      const attempt = index + 1;
      const request = requestOf({
        paymentRef,
        attempt,
        idempotencyKey: idempotencyKeyOf(paymentRef, attempt),
      });
      const kind = await this.#submit(first, request, pan);
      if (kind === undefined) break; // nobody is there to hear it
      verdicts.push(kind);
      if (kind === 'approved' || kind === 'unresolved') break;
    }
    await this.#pump(paymentRef, () => this.#rows().every(isFinal));
    this.#judge(paymentRef, adapter, verdicts);
    return {
      states: this.#rows().map(({ state }) => state),
      charges: this.#server.bank.netCharges(paymentRef),
      elapsedMs: this.#clock.now() - startedMs,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.close()));
    for (const payments of this.#processes) void payments.stop();
  }

  #schedule(): void {
    const { dieAtMs, diskFullAtMs } = this.#trouble;
    if (dieAtMs !== null) {
      this.#clock.schedule(dieAtMs, () => {
        this.#died = true;
        this.#store.broken = false;
        this.#process();
      });
    }
    if (diskFullAtMs === null) return;
    this.#clock.schedule(diskFullAtMs, () => {
      this.#store.broken = true;
    });
    this.#clock.schedule(diskFullAtMs + 20_000, () => {
      this.#store.broken = false;
    });
  }

  /** A process; the first one hears and writes nothing any more once it is dead. */
  #process(): JournaledPayments {
    const isFirst = this.#processes.length === 0;
    const isDead = () => isFirst && this.#died;
    const clock = troubled(mortal(this.#clock, isDead), this.#startedMs, this.#trouble.clock);
    const gateway = this.#open(clock);
    this.#gateways.push(gateway);
    const payments = new JournaledPayments({
      gateway: this.#watched(gateway, isDead),
      journal: this.#store,
      clock,
      log: new FakeLog(),
      policy: kPolicy,
    });
    this.#processes.push(payments);
    payments.start();
    return payments;
  }

  #watched(gateway: HttpGateway, isDead: () => boolean): PaymentGateway {
    const counted = async <T>(work: () => Promise<T>): Promise<T> => {
      let result: T;
      this.#busy++;
      try {
        result = await work();
      } finally {
        this.#busy--;
      }
      return isDead() ? new Promise<never>(() => undefined) : result;
    };
    return {
      name: gateway.name,
      idempotency: gateway.idempotency,
      submit: (...call) => counted(() => gateway.submit(...call)),
      query: (ref) => counted(() => gateway.query(ref)),
      reverse: (ref) => counted(() => gateway.reverse(ref)),
      check: () => gateway.check(),
      close: () => gateway.close(),
    };
  }

  async #submit(
    payments: JournaledPayments,
    request: PaymentRequest,
    pan: string,
  ): Promise<string | undefined> {
    let kind: string | undefined;
    const card = cardOf({ pan });
    const progress = { onFlushed: () => undefined, onUnknown: () => undefined };
    void payments.submit(kSession, request, card, progress).then((verdict) => {
      kind = verdict.kind;
    });
    await this.#pump(request.paymentRef, () => kind !== undefined || this.#died);
    card.wipe();
    return this.#died ? undefined : kind;
  }

  /** Lets bytes move while there are any, and time pass when there are none. */
  async #pump(paymentRef: string, isDone: () => boolean): Promise<void> {
    const endMs = this.#clock.now() + kMostMs;
    let stalledMs = 0;
    while (!isDone() && this.#clock.now() < endMs) {
      if (await this.#moves(this.#busy > 0 ? kQuietTurns : kIdleTurns)) continue;
      // With a request under way time passes in steps; without one nothing happens before the next task.
      const stepMs = this.#busy > 0 ? kStepMs : (this.#clock.untilNextMs ?? kStepMs);
      await this.#clock.advance(stepMs);
      if (this.#line.stalled) stalledMs += stepMs;
      if (stalledMs >= kStallMs) this.#line.release();
      this.#mostCharges = Math.max(this.#mostCharges, this.#server.bank.netCharges(paymentRef));
    }
    // What is still on its way arrives before anybody looks at the books.
    this.#line.release();
    while (await this.#moves(kQuietTurns));
  }

  /** @returns whether any byte moved during some turns of the event loop. */
  async #moves(turns: number): Promise<boolean> {
    const before = this.#line.activity;
    const busy = this.#busy;
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#line.activity !== before || this.#busy !== busy) return true;
    }
    return false;
  }

  #rows(): readonly AttemptRecord[] {
    return this.#store.attempts(kSession);
  }

  #judge(paymentRef: string, adapter: Adapter, verdicts: readonly string[]): void {
    expect(this.#mostCharges, 'charges at once').toBeLessThanOrEqual(1);
    expect(this.#server.bank.netCharges(paymentRef), 'charges in the end').toBeLessThanOrEqual(1);
    const { lookUp, reversal } = adapter.dialect(this.#clock, 'host').capabilities;
    for (const row of this.#rows()) {
      const standing = this.#server.bank
        .ledger()
        .filter((entry) => entry.paymentRef === paymentRef && entry.attempt === row.attempt)
        .filter(({ state }) => state === 'approved' || state === 'pending').length;
      // A person decides; only where the gateway cannot be asked.
      const { clock } = this.#trouble;
      // Where look-ups go by date, one that was set a day ahead finds nothing.
      const isAnotherDay = clock?.kind === 'set ahead' && clock.byMs > 24 * kHourMs;
      const needsPerson =
        row.state === 'MANUAL' && (lookUp === 'none' || reversal === 'none' || isAnotherDay);
      expect(isFinal(row), `${row.state} is final`).toBe(true);
      if (!needsPerson)
        expect(standing, `charges of attempt ${row.attempt}, ${row.state}`).toBe(
          row.state === 'APPROVED' ? 1 : 0,
        );
      expect(row.state === 'MANUAL' && !needsPerson, 'left to a person').toBe(false);
    }
    const approved = verdicts.filter((kind) => kind === 'approved').length;
    if (!this.#died) expect(this.#rows().filter(({ state }) => state === 'APPROVED').length).toBe(approved);
  }
}

function isFinal({ state }: AttemptRecord): boolean {
  return state !== 'SUBMITTING' && state !== 'UNKNOWN';
}

/** The same troubles for the same seed (mulberry32). */
export function troubles(
  seed: number,
  bytes: { readonly up: number; readonly down: number },
  secure: boolean,
): () => Trouble {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  // Without TLS nobody can see that bytes were changed; with it, every change is a broken connection.
  const kinds: readonly Fault['kind'][] = secure
    ? ['cut', 'reset', 'stall', 'duplicate', 'corrupt']
    : ['cut', 'reset', 'stall'];
  return () => {
    const direction = random() < 0.5 ? 'up' : 'down';
    const atByte = Math.floor(random() * bytes[direction] * 1.2);
    const kind = !secure && direction === 'down' && random() < 0.25 ? 'duplicate' : (pick(kinds) ?? 'cut');
    return {
      fault: { kind, direction, atByte, times: random() < 0.7 ? 1 : 3 },
      pan: pick(kCards) ?? '4242424242424242',
      dieAtMs: random() < 0.2 ? Math.floor(random() * 60_000) : null,
      diskFullAtMs: random() < 0.1 ? Math.floor(random() * 60_000) : null,
      clock: random() < 0.2 ? clockTrouble(random, pick) : null,
    };
  };
}
