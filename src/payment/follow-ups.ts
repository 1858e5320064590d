import type { Cancel, Clock } from '../ports/clock.ts';
import type { FollowUpPlan, FollowUpRequest } from '../ports/follow-ups.ts';
import type { Log } from '../ports/log.ts';
import type { FollowUp, FollowUpResult, PaymentGateway } from '../ports/payment-gateway.ts';
import type { FollowUpJournal, FollowUpRecord, FollowUpState, OpenFollowUpRecord } from '../ports/store.ts';
import { orderOf, planFollowUp } from './follow-up-plan.ts';
import { GatewayLane } from './gateway-lane.ts';
import {
  endOf,
  kFirstLookAfterMs,
  kOrphanAfterMs,
  kRescanMs,
  type LookTimes,
  lastLookOf,
  looksFrom,
  looksOfOld,
  waitForNext,
} from './look-times.ts';

const kRequestMs = 30_000;
/** The last look comes so long before a gateway forgets the key, and none within half of it: clocks differ, requests wait. */
const kKeyMarginMs = 2 * 3_600_000;

export interface FollowUpParts {
  readonly gateway: PaymentGateway;
  readonly journal: FollowUpJournal;
  readonly clock: Clock;
  readonly log: Log;
  /** A change has come to this state, and the disk has it. Must not throw. */
  readonly onChanged?: (record: FollowUpRecord) => void;
}

type Found = FollowUpResult | { readonly kind: 'not_found' };
type Verdict = Parameters<FollowUpJournal['settle']>[1];

interface Watched {
  readonly record: FollowUpRecord;
  readonly times: LookTimes;
  /** When it was first sent, on the clock; minus infinity if nobody knows. */
  readonly sentMs: number;
  /** It went by a gateway that is not configured: there is nobody to ask. */
  readonly isForeign: boolean;
  isBusy: boolean;
  cancel: Cancel;
}

/**
 * Captures, voids and refunds: on the disk before the first byte leaves, never sent again but under the same key, looked up for a day when no
 * answer came, and then left to a person. Made and started by main; stopped before the store is closed.
 */
export class FollowUps {
  readonly #parts: FollowUpParts;
  readonly #watched = new Map<string, Watched>();
  readonly #running = new Set<Promise<unknown>>();
  /** Keys of what this process is sending: nobody looks it up before it is over, whatever the date says. */
  readonly #sending = new Set<string>();
  #cancelRescan: Cancel = () => undefined;
  #stopped = false;

  constructor(parts: FollowUpParts) {
    this.#parts = parts;
  }

  /** Takes over what an earlier process left open. */
  start(): void {
    this.#adopt(0);
    this.#scheduleRescan();
  }

  /** Resolves when no request is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRescan();
    for (const { cancel } of this.#watched.values()) cancel();
    await Promise.all(this.#running);
  }

  /** Looks at all that is open and older than a minute, now. */
  async resolveNow(): Promise<void> {
    const beforeMs = this.#parts.clock.now() - kFirstLookAfterMs;
    const due = [...this.#watched.values()].filter(
      ({ times, isForeign }) => times.sinceMs <= beforeMs && !isForeign,
    );
    await Promise.all(due.map((watched) => this.#look(watched)));
  }

  /** @returns the record as it stands when the gateway has answered or its time is up. @throws AppError STORE_FAILED; nothing was sent then. */
  async request(request: FollowUpRequest): Promise<FollowUpPlan> {
    const { gateway, journal, clock } = this.#parts;
    if (!gateway.followUp || !gateway.operations?.has(request.kind))
      return { kind: 'not_possible', reason: `gateway ${gateway.name} has no ${request.kind}` };
    const sentAt = clock.date().toISOString();
    let key = '';
    try {
      const plan = await journal.begin(request.paymentRef, (book) => {
        const planned = planFollowUp(book, request, gateway.name, sentAt);
        if (planned.kind !== 'planned' || !planned.isNew) return planned;
        key = planned.record.key;
        this.#sending.add(key);
        return planned;
      });
      if (plan.kind !== 'planned' || !plan.isNew) return plan;
      const sent = this.#send(plan.record);
      this.#running.add(sent);
      const record = await sent;
      this.#running.delete(sent);
      return { ...plan, record };
    } finally {
      this.#sending.delete(key);
    }
  }

  async #send(record: FollowUpRecord): Promise<FollowUpRecord> {
    const sentMs = this.#parts.clock.now();
    const result = await this.#ask(record, (gateway, order) => gateway.followUp?.(order));
    const verdict = verdictOf(result);
    const isWritten = await this.#settle(record, { ...verdict, doneAt: this.#doneAt(verdict.state) });
    if (verdict.state === 'UNKNOWN' || !isWritten)
      this.#watch(record, looksFrom(sentMs, this.#mostMs), sentMs, false);
    return { ...record, ...verdict };
  }

  /** Whatever goes wrong is unknown: once it is written that something may have been sent, only an answer says otherwise. */
  async #ask(
    record: FollowUpRecord,
    how: (gateway: PaymentGateway, order: FollowUp) => Promise<Found> | undefined,
  ): Promise<Found> {
    const { gateway, journal, clock, log } = this.#parts;
    const heard = await new GatewayLane(clock, log).ask(kRequestMs, async () => {
      const order = orderOf(journal.book(record.paymentRef), record);
      return (order && (await how(gateway, order))) ?? kNobody;
    });
    return heard.kind === 'heard' ? heard.value : kNobody;
  }

  /** @returns false if the disk did not take it: the row stands open, and is looked up as if no answer had come. */
  async #settle(record: FollowUpRecord, verdict: Verdict): Promise<boolean> {
    const { journal, log, onChanged } = this.#parts;
    const { key, kind, paymentRef } = record;
    const { state, reason } = verdict;
    try {
      await journal.settle(key, verdict);
      const level = state === 'MANUAL' ? 'error' : 'info';
      log[level]({ paymentRef, key, kind, state, reason }, 'a change of a payment');
      onChanged?.({ ...record, ...verdict });
      return true;
    } catch (error) {
      log.error(
        { paymentRef, key, state, err: error },
        'what became of a change of a payment was not written',
      );
      return false;
    }
  }

  #doneAt(state: FollowUpState): string | null {
    return state === 'UNKNOWN' ? null : this.#parts.clock.date().toISOString();
  }

  #scheduleRescan(): void {
    this.#cancelRescan = this.#parts.clock.schedule(kRescanMs, () => {
      this.#adopt(kOrphanAfterMs);
      if (!this.#stopped) this.#scheduleRescan();
    });
  }

  #adopt(minAgeMs: number): void {
    const { clock, gateway } = this.#parts;
    for (const record of this.#unresolved()) {
      // Nor must a date that was set back hide what a dead process left.
      const dateAgeMs = clock.date().getTime() - Date.parse(record.sentAt);
      const ageMs = record.knownAgeMs ?? Math.max(0, dateAgeMs);
      const isOurs = this.#watched.has(record.key) || this.#sending.has(record.key);
      if (isOurs || ageMs < minAgeMs) continue;
      const isForeign = record.gateway !== gateway.name;
      if (isForeign) this.#reportForeign(record);
      const times = looksOfOld(clock.now(), ageMs, this.#mostMs);
      const isDated = record.knownAgeMs !== null || dateAgeMs >= 0;
      const sentMs = isDated ? clock.now() - ageMs : Number.NEGATIVE_INFINITY;
      this.#watch(record, isForeign ? endOf(times) : times, sentMs, isForeign);
    }
  }

  #reportForeign({ paymentRef, key, kind, gateway }: FollowUpRecord): void {
    this.#parts.log.error(
      { paymentRef, key, kind, gateway },
      'an open change of a payment belongs to a gateway that is not configured; configure it again to resolve it, or settle it by hand when its day is over',
    );
  }

  #unresolved(): readonly OpenFollowUpRecord[] {
    try {
      return this.#parts.journal.unresolved();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'open changes of payments could not be read');
      return [];
    }
  }

  /** Until when a look may send again. */
  get #mostMs(): number {
    return (this.#parts.gateway.changeKeysKnownForMs ?? Number.POSITIVE_INFINITY) - kKeyMarginMs;
  }

  #watch(record: FollowUpRecord, times: LookTimes, sentMs: number, isForeign: boolean): void {
    const watched: Watched = { record, times, sentMs, isForeign, isBusy: false, cancel: () => undefined };
    this.#watched.set(record.key, watched);
    this.#schedule(watched, 0, 0);
  }

  #schedule(watched: Watched, lookedAtAgeMs: number, atLeastMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#parts;
    const waitMs = Math.max(atLeastMs, waitForNext(watched.times, lookedAtAgeMs, clock.now()));
    watched.cancel = clock.schedule(waitMs, () => {
      const look = this.#look(watched).finally(() => this.#running.delete(look));
      this.#running.add(look);
    });
  }

  async #look(watched: Watched): Promise<void> {
    if (this.#stopped || watched.isBusy) return;
    watched.isBusy = true;
    watched.cancel();
    const { record, times, sentMs, isForeign } = watched;
    const nowMs = this.#parts.clock.now();
    const ageMs = nowMs - times.sinceMs;
    const isForgotten = nowMs - sentMs > this.#mostMs + kKeyMarginMs / 2;
    const found =
      isForeign || isForgotten
        ? kNobody
        : await this.#ask(record, (gateway, order) => gateway.findFollowUp?.(order));
    // Not to have reached the gateway now says nothing of the time before.
    const verdict = verdictOf(found.kind === 'not_sent' ? kNobody : found);
    const isLast = ageMs >= lastLookOf(times) || (isForgotten && !isForeign);
    const state = verdict.state === 'UNKNOWN' && isLast ? 'MANUAL' : verdict.state;
    const isSettled =
      state !== 'UNKNOWN' && (await this.#settle(record, { ...verdict, state, doneAt: this.#doneAt(state) }));
    watched.isBusy = false;
    if (isSettled) this.#watched.delete(record.key);
    else this.#schedule(watched, ageMs, kRescanMs); // also when the disk did not take it
  }
}

const kNobody = { kind: 'unknown', reason: 'no answer' } as const;

function verdictOf(found: Found): Omit<Verdict, 'doneAt'> {
  switch (found.kind) {
    case 'done':
      return { state: 'DONE', transactionId: found.transactionId, reason: null };
    case 'accepted':
      return { state: 'ACCEPTED', transactionId: found.transactionId, reason: null };
    case 'refused':
      return { state: 'REFUSED', transactionId: null, reason: found.reason };
    case 'not_sent':
      return { state: 'NOT_SENT', transactionId: null, reason: found.reason };
    case 'not_found':
      return { state: 'NOT_DONE', transactionId: null, reason: 'the gateway never processed it' };
    case 'unknown':
      return { state: 'UNKNOWN', transactionId: null, reason: found.reason };
  }
}
