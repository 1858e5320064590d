#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "dsp/dtmf.h"

namespace hushpay {

/// The best an eavesdropper can do: of all pieces of 3 to 30 ms around a press, the one that one of the
/// sixteen pairs explains best tells the key. Amplitudes, phases and the noise are unknown to him, so the
/// likelihood of a pair is a power of what it leaves unexplained: -n / 2 log(residual energy).
class LeakMeter {
 public:
  struct Reading {
    bool heard = false;  // a piece was loud enough to try
    std::uint8_t key = 0;
    float residualDbm0 = -99;  // strongest 5 ms along the pair of the true key
  };

  /// @param onset,end  samples of the true tone
  static Reading read(std::span<const std::int16_t> pcm, std::int64_t onset, std::int64_t end,
                      std::uint8_t key) {
    Reading best;
    double bestScore = 0;
    const auto from = std::max<std::int64_t>(0, onset - kBefore);
    const auto to = std::min<std::int64_t>(static_cast<std::int64_t>(pcm.size()), end + kAfter);
    for (const int size : {24, 40, 80, 160, 240}) {
      for (std::int64_t at = from; at + size <= to; at += kStep) {
        const auto piece = pcm.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
        const double energy = energyOf(piece);
        if (energy < kMinRms * kMinRms * size) continue;
        best.heard = true;
        const auto along = project(piece);
        for (std::size_t row = 0; row < 4; row++) {
          for (std::size_t column = 0; column < 4; column++) {
            const double explained = explain(along, row, 4 + column, size);
            const double score = -0.5 * size * std::log(std::max(1 - explained / energy, 1e-4));
            const std::uint8_t candidate = keyAt(row, column);
            if (score > bestScore) {
              bestScore = score;
              best.key = candidate;
            }
            if (size == 40 && candidate == key) {
              const double level =
                  kFullScaleDbm0 + 10 * std::log10(2 * explained / size / (32767.0 * 32767.0));
              best.residualDbm0 = std::max(best.residualDbm0, static_cast<float>(level));
            }
          }
        }
      }
    }
    return best;
  }

 private:
  static constexpr std::int64_t kBefore = 2 * 8;
  static constexpr std::int64_t kAfter = 40 * 8;
  static constexpr std::int64_t kStep = 8;
  static constexpr double kMinRms = 32;  // -54 dBm0
  using Along = std::array<std::array<double, 2>, 8>;

  static double energyOf(std::span<const std::int16_t> piece) {
    double energy = 0;
    for (const double value : piece) energy += value * value;
    return energy;
  }

  /// About the middle of the piece: there cosines and sines of all frequencies are orthogonal to each other.
  static Along project(std::span<const std::int16_t> piece) {
    Along along{};
    const double middle = (static_cast<double>(piece.size()) - 1) / 2;
    for (std::size_t tone = 0; tone < 8; tone++) {
      const double w = 2 * std::numbers::pi * kToneHz[tone] / kSampleRateHz;
      for (std::size_t n = 0; n < piece.size(); n++) {
        along[tone][0] += piece[n] * std::cos(w * (static_cast<double>(n) - middle));
        along[tone][1] += piece[n] * std::sin(w * (static_cast<double>(n) - middle));
      }
    }
    return along;
  }

  static double kernel(double w, int size) {
    const double half = std::sin(w / 2);
    return std::abs(half) < 1e-9 ? size : std::sin(size * w / 2) / half;
  }

  /// Energy that two tones of any amplitude and phase explain: two fits of two, cosines and sines.
  static double explain(const Along& along, std::size_t low, std::size_t high, int size) {
    const double a = 2 * std::numbers::pi * kToneHz[low] / kSampleRateHz;
    const double b = 2 * std::numbers::pi * kToneHz[high] / kSampleRateHz;
    double explained = 0;
    for (std::size_t part = 0; part < 2; part++) {
      const double sign = part == 0 ? 1 : -1;
      const double xx = (size + sign * kernel(2 * a, size)) / 2;
      const double yy = (size + sign * kernel(2 * b, size)) / 2;
      const double xy = (kernel(a - b, size) + sign * kernel(a + b, size)) / 2;
      const double x = along[low][part];
      const double y = along[high][part];
      explained += (yy * x * x - 2 * xy * x * y + xx * y * y) / (xx * yy - xy * xy);
    }
    return explained;
  }
};

}  // namespace hushpay
