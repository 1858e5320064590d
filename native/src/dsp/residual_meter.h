#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dsp/dtmf.h"
#include "rtp/prefetch.h"

namespace hushpay {

/// How much of its own pair of tones a key press has left in what was let through. Shares nothing with
/// detector and alarm but the frequencies: it projects 5 ms of samples, every millisecond, on the pair it is
/// told of, so that what keeps presses away is not what says whether it did.
///
/// Media thread: no allocation, lock, log or throw; works only around presses.
class ResidualMeter {
 public:
  static constexpr float kNothing = -99;  // dBm0: no window was loud enough to hold a tone

  /// What leaves; zeros for what was replaced.
  void hear(std::span<const std::int16_t> samples) noexcept;

  /// A press of this key began so many samples before the last one heard, at most kRing - kWindow of them.
  /// Measures from 2 ms before it on.
  void press(std::uint8_t key, int samplesAgo) noexcept;

  /// It ended. Measures until 40 ms after that.
  void release(int samplesAgo) noexcept;

  /// The strongest since the last wipe: both tones together, as the level of a sine.
  [[nodiscard]] float worstDbm0() const noexcept { return worstDbm0_; }

  void wipe() noexcept;

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept { hushpay::prefetch(&heard_, sizeof *this - sizeof ring_); }
  void prefetchNext() const noexcept { prefetchRing(ring_, static_cast<std::size_t>(heard_), 160); }

 private:
  static constexpr std::size_t kRing = 1024;
  static constexpr std::size_t kWindow = 40;  // 5 ms
  static constexpr std::int64_t kStep = 8;

  [[nodiscard]] std::int16_t& at(std::int64_t position) noexcept {
    return ring_[static_cast<std::size_t>(position) % kRing];
  }
  void store(std::span<const std::int16_t> samples) noexcept;
  void measure(std::int64_t end) noexcept;

  std::array<std::int16_t, kRing> ring_{};
  std::int64_t heard_ = 0;
  std::int64_t until_ = 0;  // measures what is heard before
  std::array<float, 2> hz_{};
  float worstDbm0_ = kNothing;
};

}  // namespace hushpay
