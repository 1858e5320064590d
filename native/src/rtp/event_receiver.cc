#include "rtp/event_receiver.h"

#include <string.h>

#include <algorithm>
#include <cstring>

#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr std::size_t kReportSize = 4;
constexpr std::size_t kMaxReports = 6;
constexpr std::uint8_t kLastKey = 15;            // D; above are other signals (RFC 4733 section 3)
constexpr std::uint32_t kSegmentTs = 0xffff;     // longest duration a report can carry (section 2.5.1.3)
constexpr std::uint32_t kSegmentSlackTs = 1600;  // updates lost at the end of a segment
constexpr double kLostEndMs = 200;               // senders update every 20 to 60 ms
constexpr double kRememberMs = 500;              // since the last packet of a press that is over
constexpr int kReorderTs = 8 * 1000;  // an older timestamp within this is a late packet, not a new press
constexpr std::uint32_t kTsPerMs = 8;

}  // namespace

void KeyEdges::wipe() noexcept {
  explicit_bzero(edges_.data(), sizeof edges_);
  count_ = 0;
}

bool EventReceiver::receive(std::uint32_t timestamp, bool marker, ByteView payload, double nowMs,
                            KeyEdges& edges) noexcept {
  if (payload.size() < kReportSize || payload.size() % kReportSize != 0) return false;
  const std::size_t count = std::min(payload.size() / kReportSize, kMaxReports);
  for (std::size_t i = 0; i < count; i++) {
    const ByteView bytes = payload.subspan(i * kReportSize, kReportSize);
    const bool isLast = i + 1 == count;
    const Report each{.key = bytes[0],
                      .end = (bytes[1] & 0x80) != 0 || !isLast,  // the next one begins where this one ends
                      .timestamp = timestamp,
                      .durationTs = readU16(bytes, 2)};
    if (each.key <= kLastKey) report(each, marker && i == 0, nowMs, edges);
    timestamp += each.durationTs;
  }
  return true;
}

void EventReceiver::report(const Report& report, bool marker, double nowMs, KeyEdges& edges) noexcept {
  if (isOver(report, nowMs)) return;
  if (!down_ || !update(report, marker, nowMs)) {
    if (down_) {
      const int lead = ahead(press_.timestamp, report.timestamp);
      if (lead < 0 && lead > -kReorderTs) return;  // of an earlier press, too late to be put in order
      finish(nowMs, edges);
    }
    const double onsetMs = nowMs - static_cast<double>(report.durationTs) / kTsPerMs;
    down_ = true;
    press_ = Press{.key = report.key,
                   .timestamp = report.timestamp,
                   .durationTs = report.durationTs,
                   .segmentsTs = 0,
                   .onsetMs = onsetMs,
                   .updatedMs = nowMs};
    edges.add({.down = true, .key = report.key, .onsetMs = onsetMs, .durationMs = 0});
  }
  if (report.end) finish(nowMs, edges);
}

/// @return false if the report belongs to another press
bool EventReceiver::update(const Report& report, bool marker, double nowMs) noexcept {
  if (report.key != press_.key) return false;
  if (report.timestamp != press_.timestamp) {
    const bool wasFull = press_.durationTs + kSegmentSlackTs >= kSegmentTs;
    const int beyond = ahead(press_.timestamp + kSegmentTs, report.timestamp);
    const int slack = static_cast<int>(kSegmentSlackTs);
    if (marker || !wasFull || beyond > slack || beyond < -slack) return false;
    remember(press_.key, press_.timestamp, nowMs);
    press_.segmentsTs += report.timestamp - press_.timestamp;
    press_.timestamp = report.timestamp;
    press_.durationTs = 0;
  }
  press_.durationTs = std::max(press_.durationTs, report.durationTs);
  press_.updatedMs = nowMs;
  return true;
}

void EventReceiver::tick(double nowMs, KeyEdges& edges) noexcept {
  if (down_ && nowMs - press_.updatedMs > kLostEndMs) finish(nowMs, edges);
}

void EventReceiver::restart(double nowMs, KeyEdges& edges) noexcept {
  if (down_) finish(nowMs, edges);
  ended_ = {};
  endedCount_ = 0;
}

void EventReceiver::finish(double nowMs, KeyEdges& edges) noexcept {
  remember(press_.key, press_.timestamp, nowMs);
  edges.add({.down = false,
             .key = press_.key,
             .onsetMs = press_.onsetMs,
             .durationMs = (press_.segmentsTs + press_.durationTs) / kTsPerMs});
  explicit_bzero(&press_, sizeof press_);
  down_ = false;
}

bool EventReceiver::isOver(const Report& report, double nowMs) noexcept {
  for (Ended& ended : ended_) {
    if (ended.untilMs < nowMs || ended.key != report.key || ended.timestamp != report.timestamp) continue;
    ended.untilMs = nowMs + kRememberMs;
    return true;
  }
  return false;
}

void EventReceiver::remember(std::uint8_t key, std::uint32_t timestamp, double nowMs) noexcept {
  ended_[endedCount_++ % ended_.size()] = {
      .key = key, .timestamp = timestamp, .untilMs = nowMs + kRememberMs};
}

}  // namespace hushpay
