import { join } from 'node:path';
import { SimulatorGateway } from '../../src/gateway/simulator.ts';
import { SimulatorBank } from '../../src/gateway/simulator-bank.ts';
import { FollowUps } from '../../src/payment/follow-ups.ts';
import type { FollowUpPlan, FollowUpRequest } from '../../src/ports/follow-ups.ts';
import type { FollowUp, FollowUpResult, PaymentType } from '../../src/ports/payment-gateway.ts';
import type { FollowUpJournal, FollowUpRecord } from '../../src/ports/store.ts';
import type { SyncFile } from '../../src/store/group-sync.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { cardOf, requestOf } from './payment-request.ts';
import { attemptOf, sessionOf } from './records.ts';

export const kRef = 'R4K7Z2M9QX3TB8VA';

export type Fault = 'none' | 'request lost' | 'answer lost' | 'not sent' | 'adapter breaks';

/** The simulated bank behind a line with faults, one per request in turn. Without keys a resend is a new change. */
export class FaultyGateway extends SimulatorGateway {
  readonly faults: Fault[] = [];
  readonly hasKeys: boolean;
  isDown = false;
  changeKeysKnownForMs: number | undefined;
  /** A request waits for it before it reaches the bank. */
  held: Promise<void> = Promise.resolve();
  #sent = 0;

  constructor(clock: FakeClock, log: FakeLog, hasKeys = true) {
    super(clock, log, new SimulatorBank(clock));
    this.hasKeys = hasKeys;
  }

  override async followUp(order: FollowUp): Promise<FollowUpResult> {
    const fault = this.isDown ? 'request lost' : (this.faults.shift() ?? 'none');
    if (fault === 'not sent') return { kind: 'not_sent', reason: 'ECONNREFUSED' };
    if (fault === 'request lost') return { kind: 'unknown', reason: 'ECONNRESET' };
    await this.held;
    const key = this.hasKeys ? order.key : `${order.key}#${++this.#sent}`;
    const result = await super.followUp({ ...order, key });
    if (fault === 'adapter breaks') throw new Error('adapter broke');
    return fault === 'answer lost' ? { kind: 'unknown', reason: 'ECONNRESET' } : result;
  }

  override async findFollowUp(order: FollowUp) {
    if (this.hasKeys) return this.followUp(order);
    if (this.isDown) return { kind: 'unknown', reason: 'down' } as const;
    const [entry] = this.bank.ledger();
    const found = entry?.changes.find(({ key }) => key.startsWith(`${order.key}#`));
    return found
      ? ({ kind: 'done', transactionId: found.transactionId } as const)
      : ({ kind: 'not_found' } as const);
  }
}

/** A payment of 10.50 EUR at the bank and in a real store. */
export class FollowUpRig {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly gateway: FaultyGateway;
  readonly store: Store;
  /** States it told of, in order. */
  readonly changed: string[] = [];
  followUps: FollowUps;
  #requests = 0;

  constructor(directory: string, hasKeys = true) {
    this.gateway = new FaultyGateway(this.clock, this.log, hasKeys);
    const sync: SyncFile = (_fd, done) => done(null); // the clock of the test does not wait for a disk
    this.store = openStore({ file: join(directory, 'hushpay.sqlite'), log: this.log, sync });
    this.followUps = this.makeFollowUps();
  }

  makeFollowUps(journal: FollowUpJournal = this.store.followUps): FollowUps {
    const onChanged = (record: FollowUpRecord) => void this.changed.push(record.state);
    return new FollowUps({ gateway: this.gateway, journal, clock: this.clock, log: this.log, onChanged });
  }

  /** @param name - of the gateway, as the journal has it. */
  async pay(
    operation: PaymentType = 'sale',
    approvedMinor?: number,
    name: string = this.gateway.name,
  ): Promise<void> {
    const request = requestOf({ operation, idempotencyKey: `${kRef}01` });
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    const paid = await this.gateway.submit(request, cardOf({ pan: '4242424242424242' }), context);
    if (paid.kind !== 'approved') throw new Error(paid.kind);
    this.store.open(sessionOf({ gateway: name }));
    await this.store.begin(attemptOf({ gateway: name, operation, sentAt: this.clock.date().toISOString() }));
    await this.store.settle(
      { sessionId: 'S1', attempt: 1 },
      {
        state: 'APPROVED',
        transactionId: paid.transactionId,
        declineClass: null,
        declineCode: null,
        doneAt: this.clock.date().toISOString(),
        ...(approvedMinor === undefined ? {} : { approvedMinor }),
      },
    );
  }

  request(kind: FollowUpRequest['kind'], amount: string | null = null, requestKey?: string) {
    const key = requestKey ?? `request-${++this.#requests}`;
    const by = { actor: 'api:ann', note: 'asked by letter' };
    return this.followUps.request({ paymentRef: kRef, kind, amount, requestKey: key, ...by });
  }

  get states(): readonly string[] {
    return this.store.followUps.book(kRef).followUps.map(({ state }) => state);
  }

  get key(): string {
    return this.store.followUps.book(kRef).followUps[0]?.key ?? '';
  }

  get net(): number {
    return this.gateway.bank.netMinor(kRef);
  }

  async close(): Promise<void> {
    await this.followUps.stop();
    this.store.close();
  }
}

export function stateOf(plan: FollowUpPlan): string {
  return plan.kind === 'planned' ? plan.record.state : plan.kind;
}
