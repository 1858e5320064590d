#include "dsp/decimator.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "dsp/dtmf.h"
#include "dsp/tone_detector.h"

using namespace hushpay;

TEST_SUITE_BEGIN("decimator_test");

namespace {

constexpr double kPeak = 10'000;

std::vector<std::int16_t> sine(double hz, int rateHz, std::size_t count) {
  std::vector<std::int16_t> out(count);
  for (std::size_t n = 0; n < count; n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / rateHz;
    out[n] = static_cast<std::int16_t>(std::lround(kPeak * std::sin(at)));
  }
  return out;
}

std::vector<std::int16_t> decimate(const std::vector<std::int16_t>& in, int rateHz, std::size_t part) {
  Decimator decimator(rateHz);
  std::vector<std::int16_t> out(decimator.mostOut(in.size()) + in.size() / part + 1);
  std::size_t count = 0;
  for (std::size_t at = 0; at < in.size(); at += part) {
    const auto piece = std::span(in).subspan(at, std::min(part, in.size() - at));
    const std::size_t made = decimator.feed(piece, std::span(out).subspan(count));
    CHECK(made <= decimator.mostOut(piece.size()));
    count += made;
  }
  out.resize(count);
  return out;
}

/// Level of what is left of a sine, in decibels; without what was before the first sample.
double gainDb(double hz, int rateHz) {
  const auto out = decimate(sine(hz, rateHz, static_cast<std::size_t>(rateHz) / 5), rateHz, 160);
  double sum = 0;
  for (std::size_t n = 40; n < out.size(); n++) sum += out[n] * out[n];
  return 10 * std::log10(sum / static_cast<double>(out.size() - 40) / (kPeak * kPeak / 2) + 1e-12);
}

constexpr std::array<int, 6> kRatesHz = {8000, 16'000, 22'050, 32'000, 44'100, 48'000};

}  // namespace

TEST_CASE("passes the band of the tones and their harmonics as it is") {
  for (const int rateHz : kRatesHz) {
    CAPTURE(rateHz);
    for (const double hz : {200.0, 697.0, 941.0, 1209.0, 1633.0, 2000.0}) {
      CAPTURE(hz);
      CHECK(std::abs(gainDb(hz, rateHz)) < 0.1);
    }
  }
}

TEST_CASE("lets nothing fold back upon a tone") {
  for (const int rateHz : {16'000, 22'050, 32'000, 44'100, 48'000}) {
    CAPTURE(rateHz);
    for (const int tone : kToneHz) CHECK(gainDb(8000 - tone, rateHz) < -60);
    for (const int tone : kToneHz) {
      if (8000 + tone < rateHz / 2) CHECK(gainDb(8000 + tone, rateHz) < -60);
    }
  }
}

TEST_CASE("a sample stands for the moment it is centred on, however the audio is cut up") {
  for (const int rateHz : kRatesHz) {
    CAPTURE(rateHz);
    const auto in = sine(500, rateHz, static_cast<std::size_t>(rateHz) / 10);
    const auto whole = decimate(in, rateHz, in.size());
    CHECK(decimate(in, rateHz, 7) == whole);
    for (std::size_t n = 20; n < whole.size(); n++) {
      const double expected = kPeak * std::sin(2 * std::numbers::pi * 500 * static_cast<double>(n) / 8000);
      REQUIRE(std::abs(whole[n] - expected) < 20);
    }
  }
}

TEST_CASE("keeps nothing of a stream that was wiped") {
  Decimator decimator(48'000);
  std::vector<std::int16_t> out(1000);
  decimator.feed(sine(1000, 48'000, 1234), out);
  decimator.wipe();
  const std::vector<std::int16_t> silence(960);
  const std::size_t count = decimator.feed(silence, out);
  for (std::size_t n = 0; n < count; n++) CHECK(out[n] == 0);
}

TEST_CASE("supports rates whose frames of 20 ms are whole") {
  for (const int rateHz : kRatesHz) CHECK(Decimator::supports(rateHz));
  for (const int rateHz : {0, 7999, 11'025, 48'050, 96'000}) CHECK_FALSE(Decimator::supports(rateHz));
}

TEST_CASE("keys of a wideband leg are found where they begin") {
  for (const int rateHz : kRatesHz) {
    CAPTURE(rateHz);
    const auto rate = static_cast<std::size_t>(rateHz);
    std::vector<std::int16_t> in(rate / 10);
    const auto low = sine(770, rateHz, rate * 50 / 1000);
    const auto high = sine(1336, rateHz, low.size());
    for (std::size_t n = 0; n < low.size(); n++) in.push_back(static_cast<std::int16_t>(low[n] + high[n]));
    in.resize(in.size() + rate / 10);
    ToneDetector detector;
    ToneEdges edges;
    detector.feed(decimate(in, rateHz, rate / 50), edges);
    REQUIRE(edges.count == 2);
    CHECK(edges.items[0].key == 5);
    CHECK(std::abs(edges.items[0].onsetSample - 800) < 16);
  }
}

TEST_SUITE_END();
