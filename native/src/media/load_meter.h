#pragma once

#include <atomic>
#include <cstddef>

namespace hushpay {

/// How busy the media thread is, and how late, over about a second. Written by the media thread, read by any.
class LoadMeter {
 public:
  /// Media thread, once a tick.
  /// @param cpuMs   processor time of the thread since the last call
  /// @param wallMs  time since the last call
  /// @param lateMs  how long after its time the tick began
  void note(double cpuMs, double wallMs, double lateMs) noexcept {
    if (wallMs <= 0) return;
    const double weight = wallMs < kWindowMs ? wallMs / kWindowMs : 1;
    blend(busy_, cpuMs / wallMs, weight);
    blend(lateMs_, lateMs, weight);
  }

  /// Share of one core the thread uses, 0 to 1.
  [[nodiscard]] double busy() const noexcept { return busy_.load(std::memory_order_relaxed); }
  /// Mean lateness of a tick, in milliseconds.
  [[nodiscard]] double lateMs() const noexcept { return lateMs_.load(std::memory_order_relaxed); }

  /// One more session would make the others suffer: the core is nearly full, or a thread with something to do
  /// is not let run in time. Fewer sessions do not help one that does little and is late all the same.
  /// @param legs  there are now
  /// @param settledLegs  of them, those whose work is in what was measured; what the others will need is
  /// expected
  [[nodiscard]] bool isFull(double maxBusy, std::size_t legs, std::size_t settledLegs) const noexcept {
    if (maxBusy >= 1) return false;  // whoever sets no limit wants none
    const double settled = static_cast<double>(settledLegs);
    const double legBusy = settledLegs >= kTellingLegs ? busy() / settled : kLegBusy;
    const double coming = legs > settledLegs ? static_cast<double>(legs - settledLegs) * legBusy : 0;
    return busy() + coming > maxBusy || (lateMs() > kMaxLateMs && busy() > maxBusy * kWorking);
  }

 private:
  static constexpr double kWindowMs = 1000;
  static constexpr double kWorking = 0.25;         // of what it may use
  static constexpr std::size_t kTellingLegs = 20;  // fewer say little about what one costs
  static constexpr double kLegBusy = 0.001;
  static constexpr double kMaxLateMs = 20;  // a frame: from here on listeners hear it

  static void blend(std::atomic<double>& mean, double value, double weight) noexcept {
    const double old = mean.load(std::memory_order_relaxed);
    mean.store(old + weight * (value - old), std::memory_order_relaxed);
  }

  std::atomic<double> busy_{0};
  std::atomic<double> lateMs_{0};
};

}  // namespace hushpay
