#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

#include "rtp/prefetch.h"

namespace hushpay {

/// What the alarm remembers of 2 ms.
struct AlarmHop {
  /// Demodulated at the nominal frequencies of the eight tones, phase from the first hop: real parts, then
  /// imaginary ones.
  alignas(16) std::array<float, 16> tone{};
  float energy = 0;  // without what lies below 560 Hz
  float wholeEnergy = 0;

  [[nodiscard]] std::complex<float> of(std::size_t bin) const noexcept { return {tone[bin], tone[8 + bin]}; }
};

/// Takes what lies below 560 Hz out of a stream, and demodulates the rest at the frequencies of the keys.
///
/// Media thread: no allocation, lock, log or throw; the state is fixed.
class AlarmFilter {
 public:
  static constexpr std::size_t kHop = 16;   // samples, 2 ms
  static constexpr int kPhasePeriod = 500;  // hops after which every nominal frequency is back in phase

  void next(std::span<const std::int16_t, kHop> samples, AlarmHop& into) noexcept;

  /// Hops so far.
  [[nodiscard]] std::int64_t count() const noexcept { return count_; }

  void prefetch() const noexcept { hushpay::prefetch(this, sizeof *this); }

  /// Power that the filter leaves of a tone, of 1.
  [[nodiscard]] static float gain(std::size_t bin) noexcept;
  /// By which the phases of a hop have been turned.
  [[nodiscard]] static std::complex<float> turn(std::int64_t hop, std::size_t bin) noexcept;

 private:
  std::array<float, 4> state_{};
  std::int64_t count_ = 0;
};

}  // namespace hushpay
