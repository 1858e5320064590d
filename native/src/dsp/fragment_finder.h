#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

#include "dsp/filter_bank.h"

namespace hushpay {

/// A stretch that sounds like a key, however short. Times count samples fed.
struct Fragment {
  std::int64_t begin;
  std::int64_t end;
  float levelDbm0;  // of the stronger tone
};

/// Finds pieces of key presses that are too short for the detector to count: 2 ms of clean tone tell a key to
/// whoever looks for it. Looks at neighbouring blocks of 8 ms alone, so it finds 16 ms and more, and is wrong
/// more often than the detector. A piece begins and ends sharply: at an edge of the key, or of what cut it
/// off. It does not say which key. For recordings, not for calls.
class FragmentFinder {
 public:
  /// @param pcm  linear 16-bit mono at 8000 Hz, any length
  /// @return true if a fragment ended; `into` is it. Feed at most kHop samples at a time to miss none.
  bool feed(std::span<const std::int16_t> pcm, Fragment& into) noexcept;

 private:
  struct Run {
    int blocks = 0;                    // that belong together, beyond the first
    std::array<std::size_t, 2> bin{};  // filters of the two tones
    std::array<float, 2> first{};      // powers of the first block
    std::array<float, 2> last{};       // and of the last
    std::array<float, 2> before{};     // and 8 ms before the first
  };

  [[nodiscard]] bool continues(const Spectrum& block) const noexcept;
  [[nodiscard]] static bool isQuietAround(const Run& run, const Spectrum& next) noexcept;
  bool analyse(Fragment& into) noexcept;

  std::array<float, kBlock> window_{};
  int filled_ = 0;
  std::int64_t fed_ = 0;
  std::int64_t blockCount_ = 0;
  std::array<Spectrum, 3> past_{};  // the blocks before, newest first
  Run run_{};
  Run ended_{};  // one block ago
};

}  // namespace hushpay
