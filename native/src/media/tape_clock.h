#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "codec/codec.h"

namespace hushpay {

/// Where the packets of one stream lie on a tape, whose time is that of CLOCK_MONOTONIC: by their timestamps,
/// as long as those keep to it. A stream that follows a speaker's own clock is set right by whole samples
/// once the two are apart; a worker that takes the tape up begins where its first packet comes.
class TapeClock {
 public:
  /// @param sinceMs    from the beginning of the tape to when the packet was made
  /// @param timestamp  RTP time of its first sample, at 8000 Hz
  /// @return where its first sample lies, in samples; before the end of the packet before where the stream
  /// has been set back
  std::int64_t place(double sinceMs, std::uint32_t timestamp, std::size_t count) noexcept {
    const auto length = static_cast<std::int64_t>(count);
    const auto arrival = std::max<std::int64_t>(std::llround(sinceMs * kSamplesPerMs) - length, 0);
    const auto step = static_cast<std::int32_t>(timestamp - expected_);
    next_ = isFirst_ || step > kLongest || step < -kLongest ? std::max(arrival, next_)
                                                            : next_ + std::max(step, 0);
    isFirst_ = false;
    keepTime(arrival - next_);
    const std::int64_t placed = next_;
    next_ += length;
    expected_ = timestamp + static_cast<std::uint32_t>(count);
    return placed;
  }

 private:
  static constexpr std::int32_t kLongest = 10 * 8000;  // a longer leap of the timestamps says nothing
  static constexpr std::int64_t kSlack = 320;          // 40 ms
  static constexpr std::size_t kWindow = 100;          // packets: 2 s

  /// @param late  samples by which the packet came behind its place
  void keepTime(std::int64_t late) noexcept {
    least_ = std::min(least_, late);
    if (++seen_ < kWindow) return;
    if (std::abs(least_) > kSlack) next_ = std::max(next_ + least_, std::int64_t{0});
    least_ = kFar;
    seen_ = 0;
  }

  static constexpr std::int64_t kFar = INT64_MAX;

  bool isFirst_ = true;
  std::uint32_t expected_ = 0;
  std::int64_t next_ = 0;
  std::int64_t least_ = kFar;  // within the window
  std::size_t seen_ = 0;
};

}  // namespace hushpay
