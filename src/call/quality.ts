import type { MediaStats } from '../ports/media.ts';

/** What a codec costs listeners, and how much more each lost packet does (ITU-T G.113 appendix I, with concealment). */
export interface Impairment {
  readonly equipment: number;
  readonly lossRobustness: number;
}

const kG711: Impairment = { equipment: 0, lossRobustness: 25.1 };
const kBestRating = 93.2; // ITU-T G.107 section 7.7: all defaults
const kFrameMs = 20;
const kHeardAtMs = 177.3; // delay beyond this disturbs the conversation itself

/** How a leg sounded to us, as one number and the figures it comes from. */
export interface Quality {
  /** Estimated mean opinion score, 1 (bad) to 4.4: ITU-T G.107 in its short form. */
  readonly mos: number;
  /** Share of the peer's packets that did not come, 0 to 1. */
  readonly lossShare: number;
}

/** @returns null for a leg that sent nothing. */
export function qualityOf(stats: MediaStats, { equipment, lossRobustness } = kG711): Quality | null {
  const expected = stats.packetsReceived + stats.packetsLost;
  if (expected === 0) return null;
  const lossShare = stats.packetsLost / expected;
  const lossPercent = 100 * lossShare;
  // Twice the jitter is what a buffer waits for.
  const delayMs = stats.roundTripMs / 2 + 2 * stats.jitterMs + kFrameMs;
  const delay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - kHeardAtMs);
  const loss = equipment + ((95 - equipment) * lossPercent) / (lossPercent + lossRobustness);
  return { mos: scoreOf(kBestRating - delay - loss), lossShare };
}

/** ITU-T G.107 annex B. */
function scoreOf(rating: number): number {
  if (rating <= 0) return 1;
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}
