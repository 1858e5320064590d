#pragma once

#include <cstdint>

namespace hushpay {

/// Maps the RTP timestamps of one stream to CLOCK_MONOTONIC, as they would arrive had every packet the
/// smallest delay of late. So audio and telephone-events that are stuck together and then come in a burst
/// still say when their sender meant them to be heard, and both say the same.
///
///   transit = arrival - timestamp         smallest of the last kWindowMs to 2 kWindowMs = the estimate
///   mapping follows the estimate, by at most kSlew of the stream's own time: two carriers of one press are
///   asked about tens of milliseconds apart and must not see it jump between.
///
/// Follows a drifting sender clock; begins anew where timestamps jump. Media thread, fixed memory.
class StreamClock {
 public:
  explicit StreamClock(std::uint32_t clockRateHz = 8000) noexcept : tsPerMs_(clockRateHz / 1000.0) {}

  /// As for a new stream: the next packet noted gives the first mapping.
  void restart() noexcept { running_ = false; }

  /// A packet whose first sample was taken at `timestamp` has arrived.
  void note(std::uint32_t timestamp, double arrivalMs) noexcept;

  [[nodiscard]] bool running() const noexcept { return running_; }

  /// When the sample of this timestamp is heard, CLOCK_MONOTONIC. Only while running().
  [[nodiscard]] double at(std::uint32_t timestamp) const noexcept;

 private:
  [[nodiscard]] double streamMs(std::uint32_t timestamp) const noexcept;

  const double tsPerMs_;
  bool running_ = false;
  std::uint32_t newestTs_ = 0;
  double newestMs_ = 0;  // of newestTs_, counted from the first packet without wrapping
  double offsetMs_ = 0;  // the mapping: heard = stream time + offset
  double windowStartMs_ = 0;
  double smallestMs_ = 0;        // transit, in this window
  double smallestBeforeMs_ = 0;  // and in the one before
};

}  // namespace hushpay
