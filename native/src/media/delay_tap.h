#pragma once

#include <string.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace hushpay {

/// Lets somebody hear later: what goes in comes out so many samples after it. It holds nothing but what its
/// listener was to hear, so it is wiped when that changes.
///
/// The IPC thread makes it; from then on it is the media thread's. No allocation, lock, log or throw; fixed
/// memory.
class DelayTap {
 public:
  static constexpr std::uint32_t kMaxMs = 1000;

  ~DelayTap() { wipe(); }

  /// Begins with as much silence. @param samples  1 to 8 * kMaxMs
  void restart(std::size_t samples) noexcept {
    wipe();
    delay_ = samples;
    at_ = 0;
  }

  void pass(std::span<std::int16_t> block) noexcept {
    for (std::int16_t& sample : block) {
      std::swap(sample, line_[at_]);
      if (++at_ == delay_) at_ = 0;
    }
  }

  void wipe() noexcept { explicit_bzero(line_.data(), sizeof line_); }

 private:
  std::array<std::int16_t, 8 * kMaxMs> line_{};
  std::size_t delay_ = 1;
  std::size_t at_ = 0;
};

}  // namespace hushpay
