#pragma once

#include <cstdint>

#include "rtp/rtcp.h"

namespace hushpay {

/// Counts one incoming stream as RFC 3550 appendices A.1, A.3 and A.8 do. Media thread.
class ReceiveStats {
 public:
  void restart(std::uint16_t sequence) noexcept;

  /// A packet of audio.
  /// @param arrivalTs  arrival in units of the RTP clock
  void count(std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t arrivalTs) noexcept;
  /// Any other packet: those of an event share their timestamp, or are on another clock.
  void count(std::uint16_t sequence) noexcept;

  /// The clock of the audio has changed.
  void restartTransit() noexcept;

  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::int64_t lost() const noexcept;
  [[nodiscard]] double jitterTs() const noexcept { return jitterTs_; }

  /// Fills in what a report block says about this stream and starts the next reporting interval.
  void report(ReportBlock& block) noexcept;

 private:
  std::uint32_t baseSequence_ = 0;
  std::uint32_t highestSequence_ = 0;  // extended by the wraps seen
  std::uint64_t received_ = 0;
  std::uint64_t expectedBefore_ = 0;
  std::uint64_t receivedBefore_ = 0;
  std::uint32_t lastTransitTs_ = 0;
  double jitterTs_ = 0;
  bool hasTransit_ = false;
};

}  // namespace hushpay
