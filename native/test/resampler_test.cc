#include "codec/resampler.h"

#include <doctest/doctest.h>

#include "sine.h"

using namespace hushpay;

TEST_SUITE_BEGIN("resampler_test");

namespace {

constexpr double kAmplitude = 10'000;

std::vector<std::int16_t> halved(const std::vector<std::int16_t>& wide) {
  std::vector<std::int16_t> narrow(wide.size() / 2);
  HalfBandDecimator decimator;
  decimator.process(wide, narrow);
  return narrow;
}

std::vector<std::int16_t> doubled(const std::vector<std::int16_t>& narrow) {
  std::vector<std::int16_t> wide(narrow.size() * 2);
  HalfBandInterpolator interpolator;
  interpolator.process(narrow, wide);
  return wide;
}

/// What is left of the tone in the second half, where nothing of the beginning is heard any more.
double gainDb(std::span<const std::int16_t> pcm, double hz, double rateHz) {
  return decibels(fitSine(pcm.last(pcm.size() / 2), hz, rateHz).amplitude / kAmplitude);
}

}  // namespace

TEST_CASE("the telephone band passes within 0.01 dB, both ways") {
  for (const double hz : {100.0, 300.0, 697.0, 941.0, 1209.0, 1633.0, 2000.0, 2500.0, 3000.0, 3400.0}) {
    CAPTURE(hz);
    CHECK(std::abs(gainDb(halved(sine(hz, 16'000, 16'000, kAmplitude)), hz, 8000)) < 0.01);
    CHECK(std::abs(gainDb(doubled(sine(hz, 8000, 8000, kAmplitude)), hz, 16'000)) < 0.01);
  }
}

TEST_CASE("what lies above does not fold back, and what lies below has no image") {
  for (const double hz : {4600.0, 5000.0, 5600.0, 6303.0, 7059.0, 7700.0}) {
    CAPTURE(hz);
    CHECK(gainDb(halved(sine(hz, 16'000, 16'000, kAmplitude)), 8000 - hz, 8000) < -65);
    CHECK(gainDb(doubled(sine(8000 - hz, 8000, 8000, kAmplitude)), hz, 16'000) < -65);
  }
}

TEST_CASE("the size of the pieces does not matter") {
  const auto wide = sine(1234, 16'000, 3200, kAmplitude);
  const auto whole = halved(wide);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{80}, std::size_t{160}}) {
    CAPTURE(piece);
    HalfBandDecimator decimator;
    std::vector<std::int16_t> narrow(whole.size());
    for (std::size_t at = 0; at < narrow.size(); at += piece) {
      const std::size_t count = std::min(piece, narrow.size() - at);
      decimator.process(std::span(wide).subspan(2 * at, 2 * count), std::span(narrow).subspan(at, count));
    }
    CHECK(narrow == whole);
  }
}

TEST_CASE("full scale clips and does not wrap") {
  std::vector<std::int16_t> square(1600);
  for (std::size_t n = 0; n < square.size(); n++) square[n] = (n / 40) % 2 == 0 ? 32'767 : -32'768;
  const auto wide = doubled(square);
  for (std::size_t n = 80; n < wide.size(); n++) {
    const std::int16_t nearest = square[(n - 31) / 2];
    const bool isEdge = std::abs(static_cast<int>((n - 31) / 2 % 40) - 20) > 10;
    if (!isEdge) REQUIRE((wide[n] > 0) == (nearest > 0));
  }
}

TEST_SUITE_END();
