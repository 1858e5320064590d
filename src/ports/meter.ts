import type { Money } from '../money/money.ts';
import type { Carrier } from './media.ts';
import type { Topology } from './payment-sessions.ts';
import type { RecordingSink } from './recording.ts';
import type { OutcomeGroup } from './store.ts';

export interface LegQuality {
  /** Estimated mean opinion score. */
  readonly mos: number;
  /** Share of the packets that did not come. */
  readonly lossShare: number;
  readonly jitterMs: number;
  /** 0: the peer never told. */
  readonly roundTripMs: number;
}

export const kRecordingOutcomes = ['started', 'failed', 'interrupted', 'ended'] as const;
export type RecordingOutcome = (typeof kRecordingOutcomes)[number];

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
  /** @param merchant - null where nobody was named. */
  sessionEnded(
    outcome: OutcomeGroup,
    result: string,
    durationMs: number,
    mode: Topology,
    merchant: string | null,
  ): void;
  charged(amount: Money, merchant: string | null): void;
  attemptEnded(outcome: string, declineClass: string | null, gateway: string): void;
  hungUp(stage: string, mode: Topology): void;
  /** What came of giving a caller to an application that identifies. */
  identified(result: string): void;
  fieldError(field: string, reason: string): void;
  keyPressed(carrier: Carrier): void;
  /** A recording began, could not begin, lost some of its time, or is complete. */
  recorded(sink: RecordingSink['kind'], outcome: RecordingOutcome): void;
  /** How a leg sounded, when it has ended. */
  legHeard(quality: LegQuality): void;
}
