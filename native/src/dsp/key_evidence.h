#pragma once

#include "dsp/tone_fit.h"

namespace hushpay {

/// Two tones, one of either group, that may be a key.
struct TonePair {
  ToneFit low;
  ToneFit high;
  float share = 0;  // of the energy above 560 Hz that is in these two sines
  int blocks = 0;   // over which they were fitted
};

/// What is known of the blocks around a pair; levels as shares of its own, of the louder filter.
struct Surroundings {
  float before = 0;  // 8 ms before the first block that holds it
  float after = 0;   // 12 ms after the last
  bool hasEnded = false;
  float lowEnergy = 0;  // below 560 Hz, over the energy above; what hummed on before the pair counts little
};

/// Can the pair be a key at all? Frequencies, levels and twist by Q.24, with a margin.
bool isWithinLimits(const TonePair& pair) noexcept;

/// How even the pair must be, as the weakest block's power over the mean, not to be too short for a key.
float minFlatness(int blocks) noexcept;

/// How much more likely the pair is a key than speech or music, as the logarithm of a ratio. Positive: it is
/// one.
float evidenceOf(const TonePair& pair, const Surroundings& around) noexcept;

}  // namespace hushpay
