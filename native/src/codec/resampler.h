#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hushpay {

// Between 16000 and 8000 Hz by a half-band filter of 63 taps: every other one is zero, so the rest works at
// 8000 Hz. Flat within 0.01 dB up to 3400 Hz, 65 dB and more down from 4600 Hz on; what lies in 3400..4600 Hz
// folds back into 3400..4000 Hz. Delay 1.9 ms. libopus resamples on its own.
constexpr std::size_t kHalfBandTaps = 32;  // that are not zero, the middle one aside

/// Halves the rate. Media thread, fixed memory.
class HalfBandDecimator {
 public:
  /// @param wide  twice as long as `narrow`
  void process(std::span<const std::int16_t> wide, std::span<std::int16_t> narrow) noexcept;
  void wipe() noexcept;

 private:
  static constexpr std::size_t kBlock = 80;

  void block(std::span<const std::int16_t> wide, std::span<std::int16_t> narrow) noexcept;

  std::array<float, kHalfBandTaps - 1 + kBlock> even_{};
  std::array<float, kHalfBandTaps / 2 + kBlock> odd_{};
};

/// Doubles the rate. Media thread, fixed memory.
class HalfBandInterpolator {
 public:
  /// @param wide  twice as long as `narrow`
  void process(std::span<const std::int16_t> narrow, std::span<std::int16_t> wide) noexcept;
  void wipe() noexcept;

 private:
  static constexpr std::size_t kBlock = 80;

  void block(std::span<const std::int16_t> narrow, std::span<std::int16_t> wide) noexcept;

  std::array<float, kHalfBandTaps - 1 + kBlock> past_{};
};

}  // namespace hushpay
