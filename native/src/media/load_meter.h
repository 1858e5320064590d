#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace hushpay {

/// Legs as far as their work is concerned.
struct LegsAtWork {
  std::size_t heard = 0;    // their packets come
  std::size_t settled = 0;  // those, and others that have been silent for so long that they may stay so
};

/// How busy the media thread is, and how late, over about a second. Written by the media thread, read by any.
class LoadMeter {
 public:
  /// Media thread, once a tick.
  /// @param cpuMs   processor time of the thread since the last call
  /// @param wallMs  time since the last call
  /// @param lateMs  how long after its time the tick began
  void note(double cpuMs, double wallMs, double lateMs, LegsAtWork legs) noexcept {
    if (wallMs <= 0) return;
    const double weight = wallMs < kWindowMs ? wallMs / kWindowMs : 1;
    blend(busy_, cpuMs / wallMs, weight);
    blend(lateMs_, lateMs, weight);
    blend(heard_, static_cast<double>(legs.heard), weight);
    blend(settled_, static_cast<double>(legs.settled), weight);
  }

  /// Share of one core the thread uses, 0 to 1.
  [[nodiscard]] double busy() const noexcept { return busy_.load(std::memory_order_relaxed); }
  /// Mean lateness of a tick, in milliseconds.
  [[nodiscard]] double lateMs() const noexcept { return lateMs_.load(std::memory_order_relaxed); }

  /// One more session would make the others suffer: the core is nearly full, or a thread with something to do
  /// is not let run in time. Fewer sessions do not help one that does little and is late all the same.
  /// @param legs  there are now. Of those that were let in and are not heard yet, or not for as long as the
  /// means reach, it is expected what they will need: as much as one that is heard, and more while it begins
  [[nodiscard]] bool isFull(double maxBusy, std::size_t legs) const noexcept {
    if (maxBusy >= 1) return false;  // whoever sets no limit wants none
    const double heard = heard_.load(std::memory_order_relaxed);
    const double settled = settled_.load(std::memory_order_relaxed);
    // Both means lag by the same, so that their ratio does not.
    const double legBusy = heard >= kTellingLegs ? busy() / heard : kLegBusy;
    const double coming = std::max(0.0, static_cast<double>(legs) - settled) * legBusy * kBeginning;
    return busy() + coming > maxBusy || (lateMs() > kMaxLateMs && busy() > maxBusy * kWorking);
  }

 private:
  static constexpr double kWindowMs = 1000;
  static constexpr double kWorking = 0.25;    // of what it may use
  static constexpr double kTellingLegs = 20;  // fewer say little about what one costs
  static constexpr double kLegBusy = 0.001;
  static constexpr double kBeginning = 1.5;  // a voice that is mixed, against one that goes straight on
  static constexpr double kMaxLateMs = 20;   // a frame: from here on listeners hear it

  static void blend(std::atomic<double>& mean, double value, double weight) noexcept {
    const double old = mean.load(std::memory_order_relaxed);
    mean.store(old + weight * (value - old), std::memory_order_relaxed);
  }

  std::atomic<double> busy_{0};
  std::atomic<double> lateMs_{0};
  std::atomic<double> heard_{0};
  std::atomic<double> settled_{0};
};

}  // namespace hushpay
