import type { CodecName, MediaStats } from '../ports/media.ts';

/** What a codec costs listeners (Ie), and how well it bears random loss (Bpl), as ITU-T G.107 has them. */
interface Impairment {
  readonly equipment: number;
  readonly lossRobustness: number;
}

/** ITU-T G.113 appendix I: G.711, its losses concealed. */
const kG711: Impairment = { equipment: 0, lossRobustness: 25.1 };
/**
 * On the scale of narrowband telephony, because that is what we pass on. G.722 at 64 kbit/s costs nothing there; its loss hurts for longer
 * than G.711's, as its decoder has to find its step again. G.113 has no figure for that, so the one of the best codec with a memory that it
 * has, GSM-EFR, stands in. Nor has it any for Opus: those are of M. Alahmadi's evaluation of narrowband Opus (2021), at the highest rate
 * that has, 11 kbit/s, and random loss.
 */
const kImpairments: Readonly<Record<CodecName, Impairment>> = {
  PCMU: kG711,
  PCMA: kG711,
  'L16/8000': kG711,
  'L16/16000': kG711,
  G722: { equipment: 0, lossRobustness: 10 },
  opus: { equipment: 2, lossRobustness: 16 },
};
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
export function qualityOf(stats: MediaStats): Quality | null {
  const { equipment, lossRobustness } = stats.codec ? kImpairments[stats.codec] : kG711;
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
