#include "rtp/event_receiver.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr std::size_t kReportSize = 4;
constexpr std::size_t kMaxReports = 6;
constexpr std::uint8_t kLastKey = 15;          // D; above are other signals (RFC 4733 section 3)
constexpr std::uint32_t kSegmentTs = 0xffff;   // longest duration a report can carry (section 2.5.1.3)
constexpr std::uint32_t kSegmentSlackMs = 20;  // senders that cut a segment at a frame
constexpr double kLostEndMs = 200;             // senders update every 20 to 60 ms
constexpr double kSilentMs = 1000;             // no packet at all: they may be held up
constexpr double kReplayMs = 500;  // a press begun again by a marker so long after its end is played again
constexpr double kRememberMs = 5000;
constexpr std::uint32_t kReorderMs = 1000;    // an older timestamp within this is late, not a new press
constexpr std::uint32_t kRedundantMs = 4000;  // offsets of RFC 2198 have 14 bits
constexpr double kMostOffMs = 2000;           // a timestamp on the clock of the audio, however it was held up

/// A press longer than kSegmentTs goes on under a timestamp so much later.
bool isNextSegment(std::uint32_t from, std::uint32_t to, std::uint32_t tsPerMs) noexcept {
  const int slackTs = static_cast<int>(kSegmentSlackMs * tsPerMs);
  const int lead = ahead(from + kSegmentTs, to);
  return lead >= -slackTs && lead <= slackTs;
}

}  // namespace

void KeyEdges::wipe() noexcept {
  explicit_bzero(edges_.data(), sizeof edges_);
  count_ = 0;
}

void EventReceiver::setClockRate(std::uint32_t clockRateHz, double nowMs) noexcept {
  if (clockRateHz / 1000 == tsPerMs_ || clockRateHz < 1000) return;
  restart(nowMs);
  const auto rescaled = [&](std::uint32_t ts) { return ts / tsPerMs_ * (clockRateHz / 1000); };
  press_.durationTs = rescaled(press_.durationTs);
  press_.segmentsTs = rescaled(press_.segmentsTs);
  tsPerMs_ = clockRateHz / 1000;
}

bool EventReceiver::receive(const EventPacket& packet, const StreamClock* clock, double nowMs,
                            KeyEdges& edges) noexcept {
  const ByteView payload = packet.payload;
  if (payload.size() < kReportSize || payload.size() % kReportSize != 0) return false;
  if (packet.redundant && isPast(packet.timestamp, kRedundantMs * tsPerMs_)) return true;
  const std::size_t count = std::min(payload.size() / kReportSize, kMaxReports);
  std::uint32_t timestamp = packet.timestamp;
  for (std::size_t i = 0; i < count; i++) {
    const ByteView bytes = payload.subspan(i * kReportSize, kReportSize);
    const bool isLast = i + 1 == count;
    const Report each{.key = bytes[0],
                      .end = (bytes[1] & 0x80) != 0 || !isLast,  // the next one begins where this one ends
                      .marker = packet.marker && i == 0,
                      .timestamp = timestamp,
                      .durationTs = readU16(bytes, 2)};
    if (each.key <= kLastKey) report(each, clock, nowMs, edges);
    timestamp += each.durationTs;
  }
  return true;
}

void EventReceiver::report(const Report& report, const StreamClock* clock, double nowMs,
                           KeyEdges& edges) noexcept {
  if (isOver(report, nowMs)) return;
  if (!down_ || !update(report, nowMs)) {
    if (isPast(report.timestamp, kReorderMs * tsPerMs_)) return;
    if (down_) finish(false, nowMs, edges);
    begin(report, clock, nowMs, edges);
  }
  reachMs_ = press_.onsetMs + lengthMs();
  if (report.end) finish(true, nowMs, edges);
}

void EventReceiver::begin(const Report& report, const StreamClock* clock, double nowMs,
                          KeyEdges& edges) noexcept {
  for (Ended& ended : ended_) {
    if (ended.key == report.key && ended.timestamp == report.timestamp) ended = {};
  }
  down_ = true;
  press_ = Press{.key = report.key,
                 .startTs = report.timestamp,
                 .timestamp = report.timestamp,
                 .durationTs = report.durationTs,
                 .segmentsTs = 0,
                 .onsetMs = onsetOf(report, clock, nowMs),
                 .updatedMs = nowMs};
  hasNewest_ = true;
  newestTs_ = report.timestamp;
  edges.add({.down = true, .key = report.key, .onsetMs = press_.onsetMs, .durationMs = 0});
}

/// The timestamp is the onset (RFC 4733 section 2.1), if it is one of the stream's clock: some gateways count
/// their events on a clock of their own.
double EventReceiver::onsetOf(const Report& report, const StreamClock* clock, double nowMs) const noexcept {
  const double durationMs = static_cast<double>(report.durationTs) / tsPerMs_;
  if (clock != nullptr && clock->running()) {
    const double onsetMs = clock->at(report.timestamp);
    if (std::abs(onsetMs + durationMs - nowMs) <= kMostOffMs) return onsetMs;
  }
  return nowMs - durationMs;
}

/// @return false if the report belongs to another press
bool EventReceiver::update(const Report& report, double nowMs) noexcept {
  if (report.key != press_.key) return false;
  if (moved_) {
    if (report.marker) return false;
    press_.segmentsTs += press_.durationTs > report.durationTs ? press_.durationTs : 0;
    press_.startTs = press_.timestamp = newestTs_ = report.timestamp;
    hasNewest_ = true;
    moved_ = false;
  } else if (report.timestamp != press_.timestamp) {
    if (report.marker || !isNextSegment(press_.timestamp, report.timestamp, tsPerMs_)) return false;
    remember(false, nowMs);
    press_.segmentsTs += report.timestamp - press_.timestamp;
    press_.timestamp = newestTs_ = report.timestamp;
    press_.durationTs = 0;
  }
  press_.durationTs = std::max(press_.durationTs, report.durationTs);
  press_.updatedMs = nowMs;
  return true;
}

void EventReceiver::tick(double nowMs, double lastPacketMs, KeyEdges& edges) noexcept {
  if (nowMs >= forgetsAtMs_) forget(nowMs);
  if (!down_) return;
  const bool isOver = lastPacketMs - press_.updatedMs > kLostEndMs || nowMs - press_.updatedMs > kSilentMs;
  if (isOver) finish(false, nowMs, edges);
}

void EventReceiver::restart(double nowMs) noexcept {
  ended_ = {};
  endedCount_ = 0;
  hasNewest_ = false;
  moved_ = down_;
  if (down_) press_.updatedMs = nowMs;
}

void EventReceiver::wipe() noexcept {
  explicit_bzero(&press_, sizeof press_);
  explicit_bzero(ended_.data(), sizeof ended_);
  down_ = false;
}

void EventReceiver::finish(bool ended, double nowMs, KeyEdges& edges) noexcept {
  if (!moved_) remember(!ended, nowMs);
  edges.add({.down = false, .key = press_.key, .onsetMs = press_.onsetMs, .durationMs = lengthMs()});
  explicit_bzero(&press_, sizeof press_);
  down_ = false;
  moved_ = false;
}

/// Is it a further packet of a press that has ended? What a press without an end goes on with counts to it.
bool EventReceiver::isOver(const Report& report, double nowMs) noexcept {
  for (Ended& ended : ended_) {
    const double sinceMs = nowMs - ended.seenMs;
    if (!ended.used || ended.key != report.key || sinceMs >= kRememberMs) continue;
    const bool isSame = ended.timestamp == report.timestamp;
    const bool goesOn =
        ended.unended && !report.marker && isNextSegment(ended.timestamp, report.timestamp, tsPerMs_);
    if (!isSame && !goesOn) continue;
    if (report.marker && sinceMs > kReplayMs) continue;
    ended.timestamp = report.timestamp;
    ended.seenMs = nowMs;
    if (ahead(ended.endTs, report.timestamp + report.durationTs) > 0)
      ended.endTs = report.timestamp + report.durationTs;
    if (ahead(newestTs_, report.timestamp) >= 0) {
      newestTs_ = report.timestamp;
      const double knownMs = static_cast<double>(ended.endTs - ended.startTs) / tsPerMs_;
      reachMs_ = std::max(reachMs_, ended.onsetMs + knownMs);
    }
    return true;
  }
  return false;
}

/// Is it of a time before the newest press, so that its turn is over?
bool EventReceiver::isPast(std::uint32_t timestamp, std::uint32_t withinTs) const noexcept {
  const int lead = hasNewest_ ? ahead(newestTs_, timestamp) : 0;
  return lead < 0 && lead > -static_cast<int>(withinTs);
}

/// @param unended  the press may go on, though we hold it for over
void EventReceiver::remember(bool unended, double nowMs) noexcept {
  ended_[endedCount_++ % ended_.size()] = {.used = true,
                                           .unended = unended,
                                           .key = press_.key,
                                           .startTs = press_.startTs,
                                           .timestamp = press_.timestamp,
                                           .endTs = press_.timestamp + press_.durationTs,
                                           .onsetMs = press_.onsetMs,
                                           .seenMs = nowMs};
  forgetsAtMs_ = std::min(forgetsAtMs_, nowMs + kRememberMs);
}

/// Which keys were pressed, and in what order, must not be found here for longer than it is of use.
void EventReceiver::forget(double nowMs) noexcept {
  forgetsAtMs_ = std::numeric_limits<double>::infinity();
  for (Ended& ended : ended_) {
    if (!ended.used) continue;
    const double untilMs = ended.seenMs + kRememberMs;
    if (nowMs >= untilMs)
      explicit_bzero(&ended, sizeof ended);
    else
      forgetsAtMs_ = std::min(forgetsAtMs_, untilMs);
  }
}

bool EventReceiver::covers(std::uint32_t timestamp, std::uint32_t countTs) const noexcept {
  if (down_ && (moved_ || ahead(press_.startTs, timestamp + countTs) > 0)) return true;
  for (const Ended& ended : ended_) {
    if (!ended.used) continue;
    if (ahead(ended.startTs, timestamp + countTs) > 0 && ahead(timestamp, ended.endTs) > 0) return true;
  }
  return false;
}

}  // namespace hushpay
