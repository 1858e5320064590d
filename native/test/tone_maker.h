#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "codec/g711.h"
#include "dsp/dtmf.h"

namespace hushpay {

/// Audio made piece by piece for the detector's tables.
class ToneMaker {
 public:
  struct Shape {
    std::uint8_t key = 5;
    double durationMs = 60;
    double levelDbm0 = -12;  // of the low tone
    double highOverLowDb = 0;
    double lowOffset = 0;  // relative
    double highOffset = 0;
  };

  ToneMaker& silence(double ms) {
    pcm.resize(pcm.size() + static_cast<std::size_t>(ms * 8));
    return *this;
  }

  ToneMaker& tone(const Shape& shape) {
    double lowHz = 0;
    double highHz = 0;
    for (std::size_t row = 0; row < 4; row++) {
      for (std::size_t column = 0; column < 4; column++) {
        if (keyAt(row, column) != shape.key) continue;
        lowHz = kToneHz[row] * (1 + shape.lowOffset);
        highHz = kToneHz[4 + column] * (1 + shape.highOffset);
      }
    }
    const double low = peakOf(shape.levelDbm0);
    const double high = peakOf(shape.levelDbm0 + shape.highOverLowDb);
    const auto count = static_cast<std::size_t>(std::lround(shape.durationMs * 8));
    for (std::size_t n = 0; n < count; n++) {
      const double at = 2 * std::numbers::pi * static_cast<double>(n) / kSampleRateHz;
      pcm.push_back(clipped(low * std::sin(lowHz * at) + high * std::sin(highHz * at + 1)));
    }
    return *this;
  }

  /// Adds white noise over all of it.
  ToneMaker& noise(double levelDbm0, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> gauss(0, peakOf(levelDbm0) / std::numbers::sqrt2);
    for (std::int16_t& sample : pcm) sample = clipped(sample + gauss(random));
    return *this;
  }

  ToneMaker& throughALaw() {
    for (std::int16_t& sample : pcm) sample = decodeALaw(encodeALaw(sample));
    return *this;
  }

  static std::int16_t clipped(double value) {
    return static_cast<std::int16_t>(std::lround(std::clamp(value, -32768.0, 32767.0)));
  }

  static double peakOf(double dbm0) { return 32767 * std::pow(10, (dbm0 - kFullScaleDbm0) / 20); }

  std::vector<std::int16_t> pcm;
};

}  // namespace hushpay
