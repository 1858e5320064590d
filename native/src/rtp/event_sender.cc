#include "rtp/event_sender.h"

#include <string.h>

#include <algorithm>

namespace hushpay {
namespace {

constexpr int kFinalReports = 3;  // RFC 4733 section 2.5.1.4
constexpr std::uint32_t kPauseMs = 50;
constexpr std::uint32_t kMaxDurationTs = 0xffff;  // a longer press ends there
constexpr std::uint8_t kVolume = 10;              // -dBm0
constexpr std::uint8_t kEndBit = 0x80;

}  // namespace

bool EventSender::press(std::uint8_t key, std::uint32_t durationMs) noexcept {
  if (count_ == waiting_.size()) return false;
  waiting_[(first_ + count_++) % waiting_.size()] = {.key = key, .durationMs = durationMs};
  return true;
}

std::optional<EventSender::Frame> EventSender::frame(std::uint32_t timestamp, std::uint32_t frameMs,
                                                     std::uint32_t clockHz) noexcept {
  if (pauseMs_ > 0) {
    pauseMs_ -= std::min(pauseMs_, frameMs);
    return std::nullopt;
  }
  if (count_ == 0) return std::nullopt;
  Press& press = waiting_[first_];
  const bool isFirst = !active_;
  if (isFirst) {
    active_ = true;
    startTs_ = timestamp;
    elapsedMs_ = 0;
    endsLeft_ = kFinalReports;
  }
  const std::uint32_t tsPerMs = clockHz / 1000;
  const std::uint32_t lengthMs = std::min(press.durationMs, kMaxDurationTs / tsPerMs);
  const bool isEnd = !isFirst && elapsedMs_ >= lengthMs;
  if (!isEnd) elapsedMs_ += frameMs;
  Frame out{.marker = isFirst, .timestamp = startTs_, .payload = {press.key, kVolume, 0, 0}};
  if (isEnd) out.payload[1] |= kEndBit;
  writeU16(out.payload, 2, std::min(elapsedMs_ * tsPerMs, kMaxDurationTs));
  if (isEnd && --endsLeft_ == 0) {
    explicit_bzero(&press, sizeof press);
    first_ = (first_ + 1) % static_cast<std::uint32_t>(waiting_.size());
    count_--;
    active_ = false;
    pauseMs_ = kPauseMs;
  }
  return out;
}

void EventSender::wipe() noexcept {
  explicit_bzero(waiting_.data(), sizeof waiting_);
  count_ = 0;
  active_ = false;
}

}  // namespace hushpay
