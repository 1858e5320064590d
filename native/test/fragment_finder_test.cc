#include "dsp/fragment_finder.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("fragment_finder_test");

namespace {

std::vector<Fragment> find(const std::vector<std::int16_t>& pcm) {
  FragmentFinder finder;
  std::vector<Fragment> found;
  for (std::size_t at = 0; at < pcm.size(); at += kHop) {
    Fragment fragment;
    const std::size_t size = std::min<std::size_t>(kHop, pcm.size() - at);
    if (finder.feed(std::span(pcm).subspan(at, size), fragment)) found.push_back(fragment);
  }
  return found;
}

}  // namespace

TEST_CASE("finds pieces of 20 ms of every key, and says when") {
  for (std::uint8_t key = 0; key < 16; key++) {
    CAPTURE(key);
    ToneMaker maker;
    maker.silence(100 + key * 0.375).tone({.key = key, .durationMs = 20}).silence(100).noise(-50, key + 1U);
    const auto found = find(maker.throughALaw().pcm);
    REQUIRE(found.size() == 1);
    CHECK(found[0].begin >= 8 * 90);
    CHECK(found[0].end <= 8 * 136);
    CHECK(found[0].levelDbm0 == doctest::Approx(-12).epsilon(0.15));
  }
}

TEST_CASE("finds no piece in noise, in one tone, or in two that swell") {
  ToneMaker noise;
  noise.silence(20'000).noise(-20, 3);
  CHECK(find(noise.pcm).empty());
  ToneMaker single;
  single.silence(50).tone({.durationMs = 20, .highOverLowDb = -60}).silence(50);
  CHECK(find(single.pcm).empty());
  ToneMaker swelling;
  swelling.silence(50).tone({.durationMs = 300}).silence(50);
  for (std::size_t i = 0; i < swelling.pcm.size(); i++) {
    const double swell = std::sin(std::numbers::pi * (static_cast<double>(i) / 8 - 50) / 300);
    swelling.pcm[i] = ToneMaker::clipped(swelling.pcm[i] * swell * swell);
  }
  CHECK(find(swelling.pcm).empty());
}

TEST_SUITE_END();
