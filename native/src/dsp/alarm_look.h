#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "dsp/tone_alarm.h"

namespace hushpay {

// Four floats that are added and multiplied as one.
using AlarmQuad = float __attribute__((vector_size(4 * sizeof(float))));

/// Of the alarm alone: the last hops, summed for every length that is looked at.
struct ToneAlarm::Look {
  /// Hops that are looked at together, and the sum of a triangle's weights over them.
  struct Length {
    int hops;
    float weights;
  };
  static constexpr std::array<Length, 5> kLengths = {{{2, 2}, {3, 4}, {4, 6}, {6, 12}, {8, 20}}};
  static constexpr std::size_t kLongest = 8;

  static constexpr float kMinRms = 14;  // about -62 dBm0: what is fainter has no pair worth hiding

  using Power = std::array<AlarmQuad, 2>;  // by group

  std::array<std::array<AlarmQuad, 4>, kLengths.size()> sum;  // as AlarmHop::tone
  std::array<float, kLengths.size()> energy;                  // above 560 Hz
  std::array<float, kLengths.size()> wholeEnergy;

  [[nodiscard]] Power power(std::size_t length) const noexcept {
    const auto& of = sum[length];
    return {of[0] * of[0] + of[2] * of[2], of[1] * of[1] + of[3] * of[3]};
  }
  static float most(const AlarmQuad& power) noexcept {
    return std::max(std::max(power[0], power[1]), std::max(power[2], power[3]));
  }
  /// Does the strongest pair, its frequencies taken as nominal, explain about so much?
  [[nodiscard]] bool mayHold(std::size_t length, float share) const noexcept {
    const float samples = static_cast<float>(kLengths[length].hops) * kHop;
    if (energy[length] < samples * kMinRms * kMinRms) return false;
    const Power tones = power(length);
    const float halfWeights = kLengths[length].weights * kHop / 2;
    return samples / 2 * (most(tones[0]) + most(tones[1])) >=
           share * halfWeights * halfWeights * energy[length];
  }
  [[nodiscard]] std::array<int, 2> strongest(std::size_t length) const noexcept {
    const Power tones = power(length);
    std::array<int, 2> bin{};
    for (int group = 0; group < 2; group++) {
      const AlarmQuad& of = tones[static_cast<std::size_t>(group)];
      const float strongest = most(of);
      bin[static_cast<std::size_t>(group)] = 4 * group + (of[0] == strongest   ? 0
                                                          : of[1] == strongest ? 1
                                                          : of[2] == strongest ? 2
                                                                               : 3);
    }
    return bin;
  }
};

}  // namespace hushpay
