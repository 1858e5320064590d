#include "rtp/stream_clock.h"

#include <algorithm>
#include <cmath>

#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr double kWindowMs = 10'000;
constexpr double kSlew = 0.1;  // far above the drift of any crystal, far below what could part two carriers
constexpr double kJumpMs = 3000;  // no delay: the sender has set its timestamps anew

}  // namespace

double StreamClock::streamMs(std::uint32_t timestamp) const noexcept {
  return newestMs_ + ahead(newestTs_, timestamp) / tsPerMs_;
}

double StreamClock::at(std::uint32_t timestamp) const noexcept { return streamMs(timestamp) + offsetMs_; }

void StreamClock::note(std::uint32_t timestamp, double arrivalMs) noexcept {
  const double nowMs = running_ ? streamMs(timestamp) : 0;
  const double transitMs = arrivalMs - nowMs;
  if (!running_ || std::abs(transitMs - offsetMs_) > kJumpMs) {
    running_ = true;
    newestTs_ = timestamp;
    newestMs_ = 0;
    windowStartMs_ = 0;
    offsetMs_ = smallestMs_ = smallestBeforeMs_ = arrivalMs;
    return;
  }
  if (nowMs - windowStartMs_ > kWindowMs) {
    smallestBeforeMs_ = smallestMs_;
    smallestMs_ = transitMs;
    windowStartMs_ = nowMs;
  }
  smallestMs_ = std::min(smallestMs_, transitMs);
  const double estimateMs = std::min(smallestMs_, smallestBeforeMs_);
  const double stepMs = std::max(0.0, nowMs - newestMs_);
  offsetMs_ += std::clamp(estimateMs - offsetMs_, -kSlew * stepMs, kSlew * stepMs);
  if (stepMs > 0) {
    newestTs_ = timestamp;
    newestMs_ = nowMs;
  }
}

}  // namespace hushpay
