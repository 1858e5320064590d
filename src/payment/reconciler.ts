import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway, PaymentRef, SubmitResult } from '../ports/payment-gateway.ts';
import type {
  AttemptJournal,
  AttemptRecord,
  AttemptState,
  Lease,
  OpenAttemptRecord,
} from '../ports/store.ts';
import { GatewayLane } from './gateway-lane.ts';
import type { JournalWriter, Settlement } from './journal-writer.ts';
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

const kRequestMs = 60_000;
/** Longer than a look takes: a request to look it up and one to take it back. */
const kLeaseMs = 3 * kRequestMs;
/** Attempts looked at side by side: a gateway that comes back is not run over. */
const kAtOnce = 8;

/** An attempt whose outcome nobody knows. Holds no card: none is needed to look it up or take it back. */
export type OpenAttempt = PaymentRef & Pick<AttemptRecord, 'sessionId'>;

/** How an open attempt ended. */
export interface Resolution {
  readonly attempt: OpenAttempt;
  readonly state: Extract<AttemptState, 'APPROVED' | 'REVERSED' | 'NOT_CHARGED' | 'MANUAL'>;
}

type Look = SubmitResult | { readonly kind: 'not_found' };
type ResolvedAs = Settlement & Pick<Resolution, 'state'>;

export interface ReconcilerParts {
  readonly gateway: PaymentGateway;
  readonly journal: AttemptJournal;
  readonly writer: JournalWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: { readonly lateApproval: 'reverse' | 'keep' };
  onResolved(resolution: Resolution): void;
}

/** What is known of an attempt as it is handed over. */
export interface Known {
  /** A reversal was asked for and may have worked without our hearing of it. */
  readonly reversalAsked: boolean;
  /** The gateway has said that it is charged: no later word of it says that it never was. */
  readonly wasApproved: boolean;
}

interface Watched {
  readonly attempt: OpenAttempt;
  readonly lane: GatewayLane;
  readonly times: LookTimes;
  /** It went by a gateway that is not configured: another one knows nothing of it, and asking there would settle it wrongly. */
  readonly isForeign: boolean;
  /** How old it was when it was last looked at. */
  lookedAtAgeMs: number;
  reversalAsked: Known['reversalAsked'];
  wasApproved: Known['wasApproved'];
  cancel: Cancel;
}

/**
 * Brings attempts of unknown outcome to an end: looks them up, takes them back, and hands to a person what a day did not settle. Lives
 * as long as the process; what it has not finished is in the journal for the next one.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #watched = new Map<string, Watched>();
  readonly #due = new Set<Watched>();
  readonly #running = new Map<Watched, Promise<void>>();
  #cancelRescan: Cancel = () => undefined;
  #stopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Takes over what earlier processes left open. */
  start(): void {
    this.#adopt(0);
    this.#scheduleRescan();
  }

  /** Resolves when the requests under way have ended; none starts after the call. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRescan();
    for (const { cancel } of this.#watched.values()) cancel();
    this.#due.clear();
    await Promise.all(this.#running.values());
  }

  /**
   * Looks at every open attempt now, as when the gateway answers again after an outage. Those of the last minute keep their time: a
   * request of theirs may still be on its way, and nothing that is not found is believed before.
   */
  hurry(): void {
    const beforeMs = this.#parts.clock.now() - kFirstLookAfterMs;
    for (const watched of this.#watched.values()) {
      if (watched.times.sinceMs <= beforeMs && !watched.isForeign) this.#enqueue(watched);
    }
  }

  /** Resolves when nothing is being looked at, nor waits for its turn to be. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running.values());
  }

  /** @param lane - the payment's, so that a request still under way is waited for. */
  watch(attempt: OpenAttempt, lane: GatewayLane, known: Known): void {
    this.#add({ attempt, lane, ...known, times: looksFrom(this.#parts.clock.now()), isForeign: false });
  }

  #scheduleRescan(): void {
    this.#cancelRescan = this.#parts.clock.schedule(kRescanMs, () => {
      this.#adopt(kOrphanAfterMs);
      this.#scheduleRescan();
    });
  }

  #adopt(minAgeMs: number): void {
    const { journal, writer, clock, log, gateway } = this.#parts;
    for (const attempt of openAttempts(journal, log)) {
      // A date that was set ahead must not make a request look old that is still on its way, nor one set back hide it.
      const dateAgeMs = clock.date().getTime() - Date.parse(attempt.sentAt);
      const ageMs = attempt.knownAgeMs ?? Math.max(0, dateAgeMs);
      const isOurs = this.#watched.has(attempt.idempotencyKey) || writer.owes(attempt);
      if (isOurs || ageMs < minAgeMs) continue;
      const isForeign = attempt.gateway !== gateway.name;
      if (isForeign) this.#reportForeign(attempt);
      const times = looksOfOld(clock.now(), ageMs);
      this.#add({
        attempt,
        lane: new GatewayLane(clock, log),
        reversalAsked: attempt.state === 'UNKNOWN',
        wasApproved: attempt.transactionId !== null,
        times: isForeign ? endOf(times) : times,
        isForeign,
      });
    }
  }

  #reportForeign({ sessionId, paymentRef, gateway }: AttemptRecord): void {
    this.#parts.log.error(
      { sessionId, paymentRef, gateway },
      'an open payment belongs to a gateway that is not configured; configure it again to resolve it, or settle it by hand when its day is over',
    );
  }

  #add(watched: Omit<Watched, 'lookedAtAgeMs' | 'cancel'>): void {
    const added = { ...watched, lookedAtAgeMs: 0, cancel: () => undefined };
    this.#watched.set(watched.attempt.idempotencyKey, added);
    this.#schedule(added);
  }

  #schedule(watched: Watched): void {
    this.#wait(watched, waitForNext(watched.times, watched.lookedAtAgeMs, this.#parts.clock.now()));
  }

  #wait(watched: Watched, waitMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.#parts;
    watched.cancel = clock.schedule(waitMs, () => this.#enqueue(watched));
  }

  #enqueue(watched: Watched): void {
    if (this.#stopped || this.#running.has(watched)) return;
    watched.cancel();
    this.#due.add(watched);
    this.#runDue();
  }

  #runDue(): void {
    for (const watched of this.#due) {
      if (this.#running.size >= kAtOnce) return;
      this.#due.delete(watched);
      const look = this.#look(watched).finally(() => {
        this.#running.delete(watched);
        this.#runDue();
      });
      this.#running.set(watched, look);
    }
  }

  async #look(watched: Watched): Promise<void> {
    const lease = this.#lease(watched);
    if (lease === 'busy') return this.#wait(watched, kRescanMs);
    if (lease === 'closed') {
      this.#watched.delete(watched.attempt.idempotencyKey); // another process, or a person, was faster
      return;
    }
    watched.lookedAtAgeMs = this.#parts.clock.now() - watched.times.sinceMs;
    const isLast = watched.lookedAtAgeMs >= lastLookOf(watched.times);
    const settlement = watched.isForeign ? undefined : await this.#settlement(watched, isLast);
    if (settlement) this.#resolve(watched, settlement);
    else if (isLast && !this.#stopped) this.#resolve(watched, { state: 'MANUAL' });
    else this.#schedule(watched);
  }

  /** Without one nobody is asked: what came of it could not be written. */
  #lease({ attempt }: Watched): Lease {
    const { journal, writer, clock, log } = this.#parts;
    if (writer.owes(attempt)) return 'busy'; // its intent to reverse is not written yet
    try {
      const now = clock.date();
      const until = new Date(now.getTime() + kLeaseMs);
      return journal.lease(attempt, now.toISOString(), until.toISOString());
    } catch (error) {
      log.error({ err: error, sessionId: attempt.sessionId }, 'an open payment could not be leased');
      return 'busy';
    }
  }

  /** Undefined: still open. */
  async #settlement(watched: Watched, isLast: boolean): Promise<ResolvedAs | undefined> {
    const { gateway, policy } = this.#parts;
    const { attempt, lane } = watched;
    const found = await lane.ask<Look>(kRequestMs, () => gateway.query(attempt));
    const look = found.kind === 'heard' ? found.value : undefined;
    if (look?.kind === 'declined' && look.takenBack)
      return { state: 'REVERSED', transactionId: look.transactionId };
    if (look?.kind === 'declined' && !watched.wasApproved) {
      return { state: 'NOT_CHARGED', declineClass: look.class, declineCode: look.code };
    }
    if (this.#stopped) return undefined;
    // Once a reversal was asked for, an approval may be gone any moment: it is not kept then. A known approval is here to be taken back.
    if (policy.lateApproval === 'keep' && !watched.reversalAsked && !watched.wasApproved) {
      if (look?.kind === 'approved') return { state: 'APPROVED', transactionId: look.transactionId };
      if (look?.kind !== 'not_found' && !isLast) return undefined;
    }
    const transactionId = idOf(look);
    if (transactionId !== null) await this.#noteApproval(watched, transactionId);
    if (this.#parts.writer.owes(attempt)) return undefined;
    const reversal = await lane.ask(kRequestMs, () => gateway.reverse(attempt));
    const answer = reversal.kind === 'heard' ? reversal.value : 'silence';
    if (answer === 'reversed') return { state: 'REVERSED', transactionId };
    if (answer === 'nothing_to_reverse') {
      if (!watched.wasApproved) return { state: 'NOT_CHARGED' };
      // Approved once, and nothing left of it: taken back by a reversal whose answer was lost. Never without one, nor where it is not found.
      return transactionId !== null && watched.reversalAsked
        ? { state: 'REVERSED', transactionId }
        : undefined;
    }
    watched.reversalAsked = true;
    return isLast && look?.kind === 'not_found' && !watched.wasApproved
      ? { state: 'NOT_CHARGED' }
      : undefined;
  }

  /** So that it is known after a restart, too. */
  async #noteApproval(watched: Watched, transactionId: string): Promise<void> {
    if (watched.wasApproved) return;
    watched.wasApproved = true;
    await this.#parts.writer.settle(watched.attempt, { state: 'UNKNOWN', transactionId });
  }

  #resolve(watched: Watched, settlement: ResolvedAs): void {
    const { attempt } = watched;
    const { sessionId, paymentRef } = attempt;
    const { state } = settlement;
    this.#watched.delete(attempt.idempotencyKey);
    void this.#parts.writer.settle(attempt, settlement);
    if (state === 'MANUAL') {
      this.#parts.log.error(
        { sessionId, paymentRef },
        'an open payment was not resolved in a day; a person must look it up',
      );
    } else this.#parts.log.info({ sessionId, paymentRef, state }, 'an open payment was resolved');
    this.#parts.onResolved({ attempt, state });
  }
}

function idOf(look: Look | undefined): string | null {
  return look?.kind === 'approved' || look?.kind === 'partial' ? look.transactionId : null;
}

function openAttempts(journal: AttemptJournal, log: Log): readonly OpenAttemptRecord[] {
  try {
    return journal.unresolved();
  } catch (error) {
    log.error({ err: error }, 'open payments could not be read');
    return [];
  }
}
