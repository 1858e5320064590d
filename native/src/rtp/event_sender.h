#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "rtp/bytes.h"

namespace hushpay {

constexpr std::size_t kEventPayloadSize = 4;

/// Sends key presses as telephone-events (RFC 4733 section 2.5.1): an update every ptime, the end three
/// times, then a pause. Media thread, fixed memory.
class EventSender {
 public:
  /// @return false if too many presses wait already
  bool press(std::uint8_t key, std::uint32_t durationMs) noexcept;

  struct Frame {
    bool marker;
    std::uint32_t timestamp;  // of the press
    std::array<std::uint8_t, kEventPayloadSize> payload;
  };

  /// What goes out instead of audio in this ptime.
  /// @param timestamp  RTP time of the frame that is due, on the clock of the events
  /// @return nothing while no key is pressed
  std::optional<Frame> frame(std::uint32_t timestamp, std::uint32_t frameMs, std::uint32_t clockHz) noexcept;

  /// A key is being pressed, or waits to be.
  [[nodiscard]] bool pressing() const noexcept { return count_ > 0; }

  void wipe() noexcept;

 private:
  struct Press {
    std::uint8_t key = 0;
    std::uint32_t durationMs = 0;
  };
  std::array<Press, 8> waiting_{};
  std::uint32_t first_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t startTs_ = 0;
  std::uint32_t elapsedMs_ = 0;
  std::uint32_t pauseMs_ = 0;
  int endsLeft_ = 0;
  bool active_ = false;
};

}  // namespace hushpay
