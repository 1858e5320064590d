#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hushpay {

/// What ITU-T G.711 Appendix I does as far as it is commonly described (its text was not at hand), for others
/// to be measured against: frames of 10 ms, and an output that is 3.75 ms late, so that the last quarter of a
/// period can be made to fit what replaces the missing.
class AppendixI {
 public:
  static constexpr std::size_t kFrame = 80;
  static constexpr std::size_t kLate = 30;
  using Frame = std::array<std::int16_t, kFrame>;

  Frame heard(std::span<const std::int16_t> frame) {
    std::array<double, kFrame> next{};
    std::ranges::copy(frame, next.begin());
    if (lost_ > 0) {
      const std::size_t overlap = std::min(kFrame, period_ / 4 + 32 * (lost_ - 1));
      for (std::size_t i = 0; i < overlap; i++) {
        const double weight = static_cast<double>(i) / static_cast<double>(overlap);
        next[i] = next[i] * weight + synthetic() * level(lost_) * (1 - weight);
      }
    }
    lost_ = 0;
    return store(next);
  }

  Frame lost() {
    std::array<double, kFrame> next{};
    if (lost_ == 0) begin();
    if (lost_ == 1 || lost_ == 2) lengthen();
    const bool isBlended = lost_ == 1 || lost_ == 2;
    for (std::size_t i = 0; i < kFrame; i++) {
      double sample = synthetic();
      if (isBlended && i < period_ / 4) {
        const double weight = static_cast<double>(i) / static_cast<double>(period_ / 4);
        sample = sample * weight + before_[i] * (1 - weight);
      }
      const double fade = static_cast<double>(i) / kFrame;
      next[i] = sample * (level(lost_) * (1 - fade) + level(lost_ + 1) * fade);
    }
    lost_++;
    return store(next);
  }

 private:
  static constexpr std::size_t kHistory = 390;
  static constexpr std::size_t kShortest = 40;
  static constexpr std::size_t kLongest = 120;
  static constexpr std::size_t kCompared = 160;

  /// After so many lost frames: whole for one, a fifth less for each that follows, nothing after six.
  static double level(std::size_t lost) {
    return lost <= 1 ? 1 : std::max(0.0, 1 - 0.2 * static_cast<double>(lost - 1));
  }

  void begin() {
    source_ = history_;
    period_ = findPeriod();
    turns_ = 1;
    at_ = 0;
    // The end of what was heard, which has not been played yet, flows into the first repetition.
    const std::size_t quarter = period_ / 4;
    for (std::size_t i = 0; i < quarter; i++) {
      const double weight = static_cast<double>(i + 1) / static_cast<double>(quarter + 1);
      double& last = source_[kHistory - quarter + i];
      last = last * (1 - weight) + source_[kHistory - period_ - quarter + i] * weight;
      history_[kHistory - quarter + i] = last;
    }
  }

  [[nodiscard]] std::size_t findPeriod() const {
    std::size_t best = kShortest;
    double most = -1;
    for (std::size_t lag = kShortest; lag <= kLongest; lag++) {
      double product = 0;
      double energy = 1;
      for (std::size_t i = kHistory - kCompared; i < kHistory; i++) {
        product += source_[i] * source_[i - lag];
        energy += source_[i - lag] * source_[i - lag];
      }
      const double likeness = product / std::sqrt(energy);
      if (likeness > most) {
        most = likeness;
        best = lag;
      }
    }
    return best;
  }

  /// One period more is gone round from here on; what would have come is kept, to be faded out of.
  void lengthen() {
    const std::size_t at = at_;
    for (std::size_t i = 0; i < period_ / 4; i++) before_[i] = synthetic();
    turns_ = std::min<std::size_t>(turns_ + 1, 3);
    at_ = at % period_;
  }

  double synthetic() {
    const std::size_t length = turns_ * period_;
    const double sample = source_[kHistory - length + at_];
    at_ = (at_ + 1) % length;
    return sample;
  }

  Frame store(const std::array<double, kFrame>& next) {
    std::copy(history_.begin() + kFrame, history_.end(), history_.begin());
    std::ranges::copy(next, history_.end() - kFrame);
    Frame out;
    for (std::size_t i = 0; i < kFrame; i++)
      out[i] = static_cast<std::int16_t>(
          std::lround(std::clamp(history_[kHistory - kFrame - kLate + i], -32768.0, 32767.0)));
    return out;
  }

  std::array<double, kHistory> history_{};
  std::array<double, kHistory> source_{};
  std::array<double, kLongest / 4> before_{};
  std::size_t period_ = kShortest;
  std::size_t turns_ = 1;
  std::size_t at_ = 0;
  std::size_t lost_ = 0;  // frames
};

}  // namespace hushpay
