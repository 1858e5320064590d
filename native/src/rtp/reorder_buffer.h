#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "rtp/packet.h"

namespace hushpay {

/// Puts the packets of one stream into sequence. A packet that is next in turn comes out at once; behind a
/// gap packets wait until it is filled, or kHoldMs are over and the gap is given up. So an orderly stream is
/// not delayed, which is right for detectors; a listener's playout delay stands behind this buffer, not in
/// it. Media thread, fixed memory.
class ReorderBuffer {
 public:
  static constexpr double kHoldMs = 60;

  enum class Put { kStored, kDuplicate, kLate };

  struct Packet {
    bool lost;  // this sequence number never came; the other fields say nothing
    std::uint8_t payloadType;
    std::uint32_t timestamp;
    double arrivalMs;
    ByteView payload;  // valid until the next put()
  };

  /// Forgets everything; `sequence` is next in turn.
  void restart(std::uint16_t sequence) noexcept;

  /// How many turns away a sequence number is; negative if its turn is over.
  [[nodiscard]] int turnsUntil(std::uint16_t sequence) const noexcept;

  /// Forgets everything and leaves no audio behind.
  void wipe() noexcept;

  /// @param payload  at most kMaxPayloadSize bytes, copied; leave it out where only the turn matters
  Put put(std::uint16_t sequence, std::uint32_t timestamp, std::uint8_t payloadType, ByteView payload,
          double nowMs) noexcept;

  /// @param holdMs  so long a gap is held open
  /// @return the packet whose turn it is, or nothing until more arrives or time has passed
  std::optional<Packet> take(double nowMs, double holdMs = kHoldMs) noexcept;

  /// Gives up the gap that packets wait behind, before its time: a listener cannot wait.
  /// @return false if none does
  bool giveUp() noexcept;

 private:
  static constexpr std::size_t kSlots = 16;
  struct Slot {
    bool used = false;
    std::uint8_t payloadType = 0;
    std::uint16_t size = 0;
    std::uint32_t timestamp = 0;
    double arrivalMs = 0;
    std::array<std::uint8_t, kMaxPayloadSize> payload{};
  };

  void advance(bool received) noexcept;

  std::array<Slot, kSlots> slots_{};
  std::uint16_t next_ = 0;
  std::uint64_t history_ = 0;  // bit n: sequence number next_-1-n was received
  int waiting_ = 0;
  bool skipped_ = false;  // a gap was given up for want of room, and nobody has been told
};

}  // namespace hushpay
