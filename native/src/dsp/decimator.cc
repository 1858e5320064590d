#include "dsp/decimator.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "dsp/dtmf.h"

namespace hushpay {
namespace {

constexpr double kCutoff = 0.46;  // of 8000 Hz: what lies above 4600 Hz would fold back below 3400 Hz

/// A sinc under a Hann window.
/// @param at  from its centre, in samples of 8000 Hz
double tapAt(double at, double halfPeriods) {
  if (std::abs(at) >= halfPeriods) return 0;
  const double x = 2 * std::numbers::pi * kCutoff * at;
  const double hann = 0.5 + 0.5 * std::cos(std::numbers::pi * at / halfPeriods);
  return (at == 0 ? 1 : std::sin(x) / x) * hann;
}

}  // namespace

Decimator::Decimator(int rateHz) {
  const auto rate = static_cast<std::size_t>(rateHz);
  constexpr auto kOut = static_cast<std::size_t>(kSampleRateHz);
  const std::size_t common = std::gcd(rate, kOut);
  step_ = rate / common;
  phases_ = kOut / common;
  half_ = rate == kOut ? 0 : kHalfPeriods * rate / kOut;
  taps_ = 2 * half_ + 1;
  due_ = half_ * phases_;
  table_.resize(phases_ * taps_);
  for (std::size_t phase = 0; phase < phases_; phase++) {
    // The output sample lies so far behind the middle one of the samples it is made of.
    const double late = static_cast<double>(phase) / static_cast<double>(phases_);
    double sum = 0;
    const auto row = std::span(table_).subspan(phase * taps_, taps_);
    for (std::size_t tap = 0; tap < taps_; tap++) {
      const double samples = static_cast<double>(tap) - static_cast<double>(half_) - late;
      const double value = tapAt(samples * kSampleRateHz / rateHz, kHalfPeriods);
      row[tap] = static_cast<float>(value);
      sum += value;
    }
    for (float& tap : row) tap = static_cast<float>(tap / sum);
  }
}

std::size_t Decimator::mostOut(std::size_t in) const noexcept { return in * phases_ / step_ + 1; }

std::size_t Decimator::feed(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept {
  std::size_t count = 0;
  for (const std::int16_t sample : in) {
    past_[at_] = past_[at_ + taps_] = sample;
    at_ = (at_ + 1) % taps_;
    if (due_ >= phases_) {
      due_ -= phases_;
      continue;
    }
    const float* oldest = past_.data() + at_;
    const float* row = table_.data() + due_ * taps_;
    float sum = 0;
    for (std::size_t tap = 0; tap < taps_; tap++) sum += oldest[tap] * row[tap];
    out[count++] = static_cast<std::int16_t>(std::lround(std::clamp(sum, -32768.0F, 32767.0F)));
    due_ += step_ - phases_;
  }
  return count;
}

void Decimator::wipe() noexcept {
  explicit_bzero(past_.data(), sizeof past_);
  at_ = 0;
  due_ = half_ * phases_;
}

}  // namespace hushpay
