#include "dsp/residual_meter.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kMinRms = 32;            // about -54 dBm0: a window fainter than that holds nothing to decode
constexpr std::int64_t kBefore = 2 * 8;  // samples
constexpr std::int64_t kAfter = 40 * 8;
constexpr std::int64_t kOpenEnd = std::numeric_limits<std::int64_t>::max();

std::array<float, 2> pairOf(std::uint8_t key) noexcept {
  for (std::size_t row = 0; row < 4; row++) {
    for (std::size_t column = 0; column < 4; column++) {
      if (keyAt(row, column) == key)
        return {static_cast<float>(kToneHz[row]), static_cast<float>(kToneHz[4 + column])};
    }
  }
  return {};
}

}  // namespace

void ResidualMeter::hear(std::span<const std::int16_t> samples) noexcept {
  if (heard_ >= until_) return store(samples);
  for (const std::int16_t sample : samples) {
    at(heard_++) = sample;
    if (heard_ > until_) continue;
    if (heard_ % kStep == 0) measure(heard_);
    if (heard_ == until_) hz_ = {};
  }
}

void ResidualMeter::store(std::span<const std::int16_t> samples) noexcept {
  while (!samples.empty()) {
    const std::size_t to = static_cast<std::size_t>(heard_) % kRing;
    const std::size_t part = std::min(samples.size(), kRing - to);
    std::copy_n(samples.begin(), part, &ring_[to]);
    heard_ += static_cast<std::int64_t>(part);
    samples = samples.subspan(part);
  }
}

void ResidualMeter::press(std::uint8_t key, int samplesAgo) noexcept {
  hz_ = pairOf(key);
  until_ = kOpenEnd;
  const std::int64_t oldest = heard_ - static_cast<std::int64_t>(kRing);
  const std::int64_t from = std::max({heard_ - samplesAgo - kBefore, oldest, std::int64_t{0}});
  for (std::int64_t end = from + static_cast<std::int64_t>(kWindow); end <= heard_; end += kStep)
    measure(end);
}

void ResidualMeter::release(int samplesAgo) noexcept {
  if (until_ == kOpenEnd) until_ = std::max(heard_ + 1, heard_ - samplesAgo + kAfter);
}

void ResidualMeter::measure(std::int64_t end) noexcept {
  float energy = 0;
  std::array<std::complex<float>, 2> along{};
  std::array<std::complex<float>, 2> turn{1, 1};
  std::array<std::complex<float>, 2> step;
  for (std::size_t i = 0; i < 2; i++)
    step[i] = std::polar(1.0F, 2 * std::numbers::pi_v<float> * hz_[i] / kSampleRateHz);
  for (std::int64_t n = end - static_cast<std::int64_t>(kWindow); n < end; n++) {
    const float value = at(n);
    if (value == 0) {
      for (std::size_t i = 0; i < 2; i++) turn[i] *= step[i];
      continue;
    }
    energy += value * value;
    for (std::size_t i = 0; i < 2; i++) {
      along[i] += value * turn[i];
      turn[i] *= step[i];
    }
  }
  if (energy < kMinRms * kMinRms * kWindow) return;
  // Two tones 5 ms long are nearly orthogonal: each explains 2 / n of its squared projection.
  const float explained = 2 * (std::norm(along[0]) + std::norm(along[1])) / kWindow;
  const float power = 2 * explained / kWindow / (32767.0F * 32767.0F);
  worstDbm0_ = std::max(worstDbm0_, static_cast<float>(kFullScaleDbm0) + 10 * std::log10(power + 1e-12F));
}

void ResidualMeter::wipe() noexcept {
  explicit_bzero(static_cast<void*>(this), sizeof *this);
  worstDbm0_ = kNothing;
}

}  // namespace hushpay
