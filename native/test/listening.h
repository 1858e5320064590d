#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <span>

#include "dsp/dtmf.h"

/// What a listener would notice.
namespace hushpay {

/// The largest step between neighbouring samples: of a click it is larger than of the sound around it.
inline int largestStep(std::span<const std::int16_t> pcm) {
  int largest = 0;
  for (std::size_t i = 1; i < pcm.size(); i++) largest = std::max(largest, std::abs(pcm[i] - pcm[i - 1]));
  return largest;
}

/// The largest step of a sine.
inline double steepest(double hz, double amplitude) { return amplitude * 2 * std::numbers::pi * hz / 8000; }

/// Amplitude of the weaker tone of the strongest pair a key could be made of, in any 10 ms.
inline double strongestPair(std::span<const std::int16_t> heard) {
  double most = 0;
  for (std::size_t start = 0; start + 80 <= heard.size(); start += 40) {
    double low = 0;
    double high = 0;
    for (std::size_t tone = 0; tone < kToneHz.size(); tone++) {
      double re = 0;
      double im = 0;
      for (std::size_t n = 0; n < 80; n++) {
        const double angle = 2 * std::numbers::pi * kToneHz[tone] * static_cast<double>(n) / 8000;
        re += heard[start + n] * std::cos(angle);
        im += heard[start + n] * std::sin(angle);
      }
      double& group = tone < 4 ? low : high;
      group = std::max(group, std::hypot(re, im) / 40);
    }
    most = std::max(most, std::min(low, high));
  }
  return most;
}

}  // namespace hushpay
