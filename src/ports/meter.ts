import type { Money } from '../money/money.ts';
import type { Carrier } from './media.ts';
import type { Topology } from './payment-sessions.ts';
import type { OutcomeGroup } from './store.ts';

/** Counts what happens to payment sessions. No value ever tells one caller from another. */
export interface Meter {
  /** An INVITE of a trunk came in; each is followed by one callEnded. */
  callStarted(trunk: string): void;
  callEnded(): void;
  /** It was not answered; counted besides. */
  callRefused(why: string): void;
  sessionEntered(mode: Topology): void;
  /** null = outside: a session begins with (null, first) and ends with (last, null). */
  stageChanged(from: string | null, to: string | null, mode: Topology): void;
  sessionEnded(outcome: OutcomeGroup, result: string, durationMs: number, mode: Topology): void;
  charged(amount: Money): void;
  attemptEnded(outcome: string, declineClass: string | null): void;
  hungUp(stage: string, mode: Topology): void;
  fieldError(field: string, reason: string): void;
  keyPressed(carrier: Carrier): void;
  /** How a leg sounded, when it has ended: estimated mean opinion score, and the share of packets that did not come. */
  legHeard(mos: number, lossShare: number): void;
}
