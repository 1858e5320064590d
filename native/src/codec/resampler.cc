#include "codec/resampler.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

constexpr double kKaiserBeta = 7.0;  // about 70 dB
constexpr std::size_t kPast = kHalfBandTaps - 1;

using Taps = std::array<float, kHalfBandTaps>;

/// Modified Bessel function of order 0.
double bessel0(double x) {
  double sum = 1;
  double term = 1;
  for (int k = 1; k < 32; k++) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/// The taps beside the middle one of 0.5; together they are 0.5 too.
Taps designTaps() {
  Taps taps{};
  double sum = 0;
  std::array<double, kHalfBandTaps> exact{};
  for (std::size_t i = 0; i < kHalfBandTaps; i++) {
    const double offset = 2 * static_cast<double>(i) - (kHalfBandTaps - 1);  // from the middle, odd
    const double across = offset / kHalfBandTaps;
    const double window = bessel0(kKaiserBeta * std::sqrt(1 - across * across)) / bessel0(kKaiserBeta);
    exact[i] = window * std::sin(std::numbers::pi * offset / 2) / (std::numbers::pi * offset);
    sum += exact[i];
  }
  for (std::size_t i = 0; i < kHalfBandTaps; i++) taps[i] = static_cast<float>(exact[i] * 0.5 / sum);
  return taps;
}

const Taps kTaps = designTaps();

std::int16_t sampleOf(float value) noexcept {
  const float clipped = std::clamp(value, -32768.0f, 32767.0f);
  return static_cast<std::int16_t>(static_cast<int>(clipped + 32768.5f) - 32768);
}

}  // namespace

void HalfBandDecimator::process(std::span<const std::int16_t> wide, std::span<std::int16_t> narrow) noexcept {
  for (std::size_t at = 0; at < narrow.size(); at += kBlock) {
    const std::size_t count = std::min(kBlock, narrow.size() - at);
    block(wide.subspan(2 * at, 2 * count), narrow.subspan(at, count));
  }
}

void HalfBandDecimator::block(std::span<const std::int16_t> wide, std::span<std::int16_t> narrow) noexcept {
  constexpr std::size_t kHalf = kHalfBandTaps / 2;
  const std::size_t count = narrow.size();
  for (std::size_t n = 0; n < count; n++) {
    even_[kPast + n] = wide[2 * n];
    odd_[kHalf + n] = wide[2 * n + 1];
  }
  std::array<float, kBlock> sums;
  for (std::size_t n = 0; n < count; n++) sums[n] = 0.5f * odd_[n];
  for (std::size_t tap = 0; tap < kHalfBandTaps; tap++) {
    for (std::size_t n = 0; n < count; n++) sums[n] += kTaps[tap] * even_[n + tap];
  }
  for (std::size_t n = 0; n < count; n++) narrow[n] = sampleOf(sums[n]);
  std::copy_n(even_.begin() + static_cast<std::ptrdiff_t>(count), kPast, even_.begin());
  std::copy_n(odd_.begin() + static_cast<std::ptrdiff_t>(count), kHalf, odd_.begin());
}

void HalfBandDecimator::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

void HalfBandInterpolator::process(std::span<const std::int16_t> narrow,
                                   std::span<std::int16_t> wide) noexcept {
  for (std::size_t at = 0; at < narrow.size(); at += kBlock) {
    const std::size_t count = std::min(kBlock, narrow.size() - at);
    block(narrow.subspan(at, count), wide.subspan(2 * at, 2 * count));
  }
}

void HalfBandInterpolator::block(std::span<const std::int16_t> narrow,
                                 std::span<std::int16_t> wide) noexcept {
  const std::size_t count = narrow.size();
  for (std::size_t n = 0; n < count; n++) past_[kPast + n] = narrow[n];
  std::array<float, kBlock> sums{};
  for (std::size_t tap = 0; tap < kHalfBandTaps; tap++) {
    for (std::size_t n = 0; n < count; n++) sums[n] += kTaps[tap] * past_[n + tap];
  }
  for (std::size_t n = 0; n < count; n++) {
    wide[2 * n] = sampleOf(2 * sums[n]);
    wide[2 * n + 1] = static_cast<std::int16_t>(past_[n + kHalfBandTaps / 2]);
  }
  std::copy_n(past_.begin() + static_cast<std::ptrdiff_t>(count), kPast, past_.begin());
}

void HalfBandInterpolator::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
