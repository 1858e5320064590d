#pragma once

#include <array>
#include <cstdint>

#include "rtp/bytes.h"

namespace hushpay {

/// A key went down or came up, on one carrier.
struct KeyEdge {
  bool down;
  std::uint8_t key;          // RFC 4733 event code 0..15
  double onsetMs;            // estimated start of the press, CLOCK_MONOTONIC
  std::uint32_t durationMs;  // of an edge up
};

/// The edges one call may produce: six reports fit no more than this.
class KeyEdges {
 public:
  void add(const KeyEdge& edge) noexcept {
    if (count_ < edges_.size()) edges_[count_++] = edge;
  }
  [[nodiscard]] const KeyEdge* begin() const noexcept { return edges_.data(); }
  [[nodiscard]] const KeyEdge* end() const noexcept { return edges_.data() + count_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void wipe() noexcept;

 private:
  std::array<KeyEdge, 16> edges_{};
  std::size_t count_ = 0;
};

/// Turns telephone-event packets (RFC 4733) into key presses. Reports of one press share its RTP timestamp,
/// so duplicates, reordering and the three end packets make one press; a press whose end is lost ends by
/// time, or when the next one begins.
///
///          first report          report, same timestamp
///   idle ───────────────> down ──┐ or contiguous segment
///    ^                     │  <──┘
///    └──── end bit, time-out, other timestamp (that one goes down)
///
/// Media thread, fixed memory.
class EventReceiver {
 public:
  /// @param payload  of one packet: one or several reports of 4 bytes (RFC 4733 section 2.3); contiguous
  /// events follow each other
  /// @return false if it is not a telephone-event payload
  bool receive(std::uint32_t timestamp, bool marker, ByteView payload, double nowMs,
               KeyEdges& edges) noexcept;

  /// Ends a press that has not been updated for long.
  void tick(double nowMs, KeyEdges& edges) noexcept;

  /// Forgets all, as for a new stream; a press that is down ends.
  void restart(double nowMs, KeyEdges& edges) noexcept;

  [[nodiscard]] bool down() const noexcept { return down_; }

 private:
  struct Press {
    std::uint8_t key = 0;
    std::uint32_t timestamp = 0;   // of its current segment
    std::uint32_t durationTs = 0;  // of its current segment
    std::uint32_t segmentsTs = 0;  // all segments before
    double onsetMs = 0;
    double updatedMs = 0;
  };
  struct Report {
    std::uint8_t key;
    bool end;
    std::uint32_t timestamp;
    std::uint32_t durationTs;
  };

  void report(const Report& report, bool marker, double nowMs, KeyEdges& edges) noexcept;
  bool update(const Report& report, bool marker, double nowMs) noexcept;
  void finish(double nowMs, KeyEdges& edges) noexcept;
  bool isOver(const Report& report, double nowMs) noexcept;
  void remember(std::uint8_t key, std::uint32_t timestamp, double nowMs) noexcept;

  struct Ended {
    std::uint8_t key = 0;
    std::uint32_t timestamp = 0;
    double untilMs = 0;  // a peer that plays recorded packets uses the same timestamp again later
  };
  bool down_ = false;
  Press press_{};                 // means something while down_
  std::array<Ended, 8> ended_{};  // presses whose late packets are still to be expected
  std::size_t endedCount_ = 0;
};

}  // namespace hushpay
