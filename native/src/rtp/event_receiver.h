#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "rtp/bytes.h"
#include "rtp/stream_clock.h"

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

struct EventPacket {
  std::uint32_t timestamp;
  bool marker = false;
  /// One or several reports of 4 bytes (RFC 4733 section 2.3); contiguous events follow each other.
  ByteView payload{};
  /// A copy of what another packet carried (RFC 2198): it may come long after it.
  bool redundant = false;
};

/// Turns telephone-event packets (RFC 4733) into key presses. Reports of one press share its RTP timestamp,
/// so duplicates, reordering and the three end packets make one press; a press whose end is lost ends by
/// time, or when the next one begins.
///
///          first report          report, same timestamp,
///   idle ───────────────> down ──┐ or contiguous segment, or going on in another stream
///    ^                     │  <──┘
///    └──── end bit, time-out, other timestamp (that one goes down)
///
/// Media thread, fixed memory.
class EventReceiver {
 public:
  /// Of the timestamps and durations: what the payload type was negotiated with. A press that is down goes
  /// on if the sender goes on with it.
  void setClockRate(std::uint32_t clockRateHz, double nowMs) noexcept;

  /// @param clock  of the stream; null if it does not run at the clock rate of the events
  /// @return false if it is not a telephone-event payload
  bool receive(const EventPacket& packet, const StreamClock* clock, double nowMs, KeyEdges& edges) noexcept;

  /// Ends a press that has not been updated for long, while the stream went on; overwrites those that ended
  /// so long ago that no packet of theirs is expected any more.
  /// @param lastPacketMs  when anything of the stream came last
  void tick(double nowMs, double lastPacketMs, KeyEdges& edges) noexcept;

  /// When tick() has something to overwrite; infinite: nothing is remembered.
  [[nodiscard]] double forgetsAtMs() const noexcept { return forgetsAtMs_; }

  /// Forgets all, as for a new stream. A press that is down goes on if the new stream reports its key
  /// without a marker, before it would end by time; else it ends.
  void restart(double nowMs) noexcept;

  void wipe() noexcept;

  [[nodiscard]] bool down() const noexcept { return down_; }

  /// Up to where the newest press is known to reach, CLOCK_MONOTONIC; reports that come after its end count.
  [[nodiscard]] double reachMs() const noexcept { return reachMs_; }

  /// Does a press cover any of these samples of the stream? A press that is down covers all that follow its
  /// start. For whoever must keep the speaker's audio of a key from others.
  /// @param timestamp  RTP time of the first sample, on the clock of the events
  /// @param countTs  their number, in the same units
  [[nodiscard]] bool covers(std::uint32_t timestamp, std::uint32_t countTs) const noexcept;

 private:
  struct Press {
    std::uint8_t key = 0;
    std::uint32_t startTs = 0;     // of its first segment
    std::uint32_t timestamp = 0;   // of its current segment
    std::uint32_t durationTs = 0;  // of its current segment
    std::uint32_t segmentsTs = 0;  // all segments before
    double onsetMs = 0;
    double updatedMs = 0;
  };
  struct Report {
    std::uint8_t key;
    bool end;
    bool marker;
    std::uint32_t timestamp;
    std::uint32_t durationTs;
  };
  /// A press, or a segment of one, whose late packets are still to be expected.
  struct Ended {
    bool used = false;
    bool unended = false;  // no end was seen: it may go on in a further segment
    std::uint8_t key = 0;
    std::uint32_t startTs = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t endTs = 0;
    double onsetMs = 0;
    double seenMs = 0;
  };

  void report(const Report& report, const StreamClock* clock, double nowMs, KeyEdges& edges) noexcept;
  void begin(const Report& report, const StreamClock* clock, double nowMs, KeyEdges& edges) noexcept;
  bool update(const Report& report, double nowMs) noexcept;
  void finish(bool ended, double nowMs, KeyEdges& edges) noexcept;
  bool isOver(const Report& report, double nowMs) noexcept;
  [[nodiscard]] bool isPast(std::uint32_t timestamp, std::uint32_t withinTs) const noexcept;
  void remember(bool unended, double nowMs) noexcept;
  void forget(double nowMs) noexcept;
  [[nodiscard]] std::uint32_t lengthMs() const noexcept {
    return (press_.segmentsTs + press_.durationTs) / tsPerMs_;
  }
  [[nodiscard]] double onsetOf(const Report& report, const StreamClock* clock, double nowMs) const noexcept;

  std::uint32_t tsPerMs_ = 8;
  bool down_ = false;
  bool moved_ = false;  // the stream has changed under the press that is down
  Press press_{};       // means something while down_
  double reachMs_ = 0;
  bool hasNewest_ = false;
  std::uint32_t newestTs_ = 0;  // of all presses of the stream
  std::array<Ended, 16> ended_{};
  std::size_t endedCount_ = 0;
  double forgetsAtMs_ = std::numeric_limits<double>::infinity();
};

}  // namespace hushpay
