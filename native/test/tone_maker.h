#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
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
    double breakMs = 0;  // silence in its middle
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
      const double fromMiddleMs = std::abs(static_cast<double>(n) / 8 - shape.durationMs / 2);
      const bool isBreak = shape.breakMs > 0 && fromMiddleMs < shape.breakMs / 2;
      pcm.push_back(isBreak ? std::int16_t{0}
                            : clipped(low * std::sin(lowHz * at) + high * std::sin(highHz * at + 1)));
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

  /// Adds a sine over all of it: dial tone, hum.
  ToneMaker& hum(double hz, double levelDbm0) {
    const double peak = peakOf(levelDbm0);
    for (std::size_t n = 0; n < pcm.size(); n++) {
      const double at = 2 * std::numbers::pi * static_cast<double>(n) / kSampleRateHz;
      pcm[n] = clipped(pcm[n] + peak * std::sin(hz * at));
    }
    return *this;
  }

  /// Adds an echo of all of it.
  ToneMaker& echo(double delayMs, double downDb) {
    const auto dry = pcm;
    const double gain = std::pow(10, -downDb / 20);
    for (auto n = static_cast<std::size_t>(delayMs * 8); n < pcm.size(); n++)
      pcm[n] = clipped(dry[n] + gain * dry[n - static_cast<std::size_t>(delayMs * 8)]);
    return *this;
  }

  /// Adds other audio over all of it.
  ToneMaker& under(std::span<const std::int16_t> other, double gain) {
    for (std::size_t n = 0; n < pcm.size() && n < other.size(); n++)
      pcm[n] = clipped(pcm[n] + gain * other[n]);
    return *this;
  }

  /// What a receiver puts in the place of a lost packet without a word.
  enum class Fill { kZeros, kCopy };

  /// Loses packets of 20 ms, never two in a row.
  ToneMaker& lose(int percent, Fill fill, unsigned seed) {
    constexpr std::size_t kPacket = 160;
    std::mt19937 random(seed);
    bool lostBefore = true;
    for (std::size_t at = kPacket; at + kPacket <= pcm.size(); at += kPacket) {
      lostBefore = !lostBefore && static_cast<int>(random() % 100) < percent;
      if (!lostBefore) continue;
      for (std::size_t n = at; n < at + kPacket; n++)
        pcm[n] = fill == Fill::kCopy ? pcm[n - kPacket] : std::int16_t{0};
    }
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
