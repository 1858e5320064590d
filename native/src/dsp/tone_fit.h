#pragma once

#include "dsp/block_history.h"

namespace hushpay {

/// One filter's tone over a stretch of blocks, taken as one steady sine.
struct ToneFit {
  int index = 0;        // nominal frequency nearest to the one measured
  float offset = 1;     // from the nominal frequency, relative, signed
  float power = 0;      // squared amplitude of the sine
  float coherence = 0;  // 1 if all of what the filter heard is that sine
};

/// @param minCoherence  a fit below it is not finished: its power and offset mean nothing
ToneFit fitTone(const Stretch& stretch, int bin, float minCoherence) noexcept;

/// The squared amplitude a steady tone has at most, whatever its frequency, that a filter hears with this
/// power.
float mostPower(float meanPower) noexcept;

}  // namespace hushpay
