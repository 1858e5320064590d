#include <doctest/doctest.h>

#include <cmath>

#include "clamp_passage.h"
#include "keying.h"

TEST_SUITE_BEGIN("clamp_leak_test");

using namespace hushpay;

TEST_CASE("an eavesdropper at his best decodes no more behind the clamp than by guessing") {
  const auto speech = voice(8'000, 3);
  unsigned seed = 1;
  for (const Keying& how : conditions()) {
    CAPTURE(how.name);
    const Take take = record(how, 48, speech, seed++);
    const Clamped clamped = clampTake(take);
    const Leak leak = leakOf(clamped.pcm, take.presses);
    CHECK(leak.presses == 48);
    CHECK(leak.decoded <= 6);  // guessing gives 3 of 48; more than 6 is chance in 3 of 100
    if (how.speechUnderDb == 0) CHECK(leak.residualP95Dbm0 <= -60);
    CHECK(clamped.report.tonePresses > 0);
  }
}

TEST_CASE("the meter finds a leak where there is one") {
  const Take take = record({.name = "plain"}, 32, {}, 5);
  CHECK(leakOf(take.pcm, take.presses).decoded == 32);
  SUBCASE("three milliseconds at the beginning are enough") {
    auto pcm = clampTake(take).pcm;
    for (const Press& press : take.presses)
      std::copy_n(take.pcm.begin() + press.onset, 24, pcm.begin() + press.onset);
    const Leak leak = leakOf(pcm, take.presses);
    CHECK(leak.decoded > 24);
    CHECK(leak.residualP95Dbm0 > -30);
  }
  SUBCASE("so is a key 40 dB down") {
    auto pcm = take.pcm;
    for (std::int16_t& value : pcm) value = static_cast<std::int16_t>(value / 100);
    CHECK(leakOf(pcm, take.presses).decoded > 24);
  }
}

TEST_CASE("around a key at most 30 ms before it and 48 ms behind it are lost, also where somebody speaks") {
  Keying how{.name = "speech", .onMs = 100, .offMs = 300, .speechUnderDb = 20};
  const Take take = record(how, 24, voice(8'000, 4), 9);
  const Clamped clamped = clampTake(take);
  int early = 0;
  for (const Press& press : take.presses) {
    const auto closed = [&](std::int64_t from, std::int64_t to) {
      std::int64_t count = 0;
      for (std::int64_t at = from; at < to; at++)
        count += clamped.pass[static_cast<std::size_t>(at)] == Pass::kOpen ? 0 : 1;
      return count / 8;
    };
    const auto before = closed(press.onset - 100 * 8, press.onset);
    CHECK(before <= 30);
    early += before > 10 ? 1 : 0;
    CHECK(closed(press.end, press.end + 150 * 8) <= 48);
    CHECK(closed(press.onset, press.end) == 100);
  }
  CHECK(early <= 2);  // of 24: what a voice closes while somebody keys
}

TEST_CASE("two tones that glide by 4 % within 120 ms are closed for at most 54 ms") {
  bool isClosedAtAll = false;
  for (int ms = 20; ms <= 120; ms += 4) {
    CAPTURE(ms);
    std::vector<std::int16_t> pcm(8 * 600);
    double low = 0;
    double high = 0;
    const int count = 8 * ms;
    for (int n = 0; n < count; n++) {
      const double share = 1.02 - 0.04 * n / count;
      low += 2 * std::numbers::pi * 852 * share / 8000;
      high += 2 * std::numbers::pi * 1336 * share / 8000;
      pcm[static_cast<std::size_t>(1600 + n)] =
          ToneMaker::clipped(ToneMaker::peakOf(-12) * (std::sin(low) + std::sin(high)));
    }
    Clamp clamp;
    clamp.arm();
    const Passage passed = through(clamp, pcm);
    const auto closed = std::ranges::count(std::span(passed.pass).subspan(8 * 100), Pass::kReplaced);
    CHECK(closed <= 8 * 54);
    isClosedAtAll = isClosedAtAll || closed > 0;
  }
  CHECK(isClosedAtAll);
}

TEST_CASE("a note on one of its tones hides a key, but not from a clamp that has just heard another key") {
  constexpr std::size_t kOnset = 8 * 600;
  struct Case {
    double noteHz;
    std::uint8_t key;
  };
  for (const Case& each : std::to_array<Case>({{697, 1}, {770, 5}, {1336, 5}, {1477, 9}})) {
    CAPTURE(each.noteHz);
    ToneMaker maker;
    maker.silence(600).tone({.key = each.key, .durationMs = 80, .levelDbm0 = -10});
    const std::size_t length = maker.pcm.size() - kOnset;
    maker.silence(300).hum(each.noteHz, -16).hum(1'040, -14).hum(2'100, -20);
    for (const bool hasKeyed : {false, true}) {
      Clamp clamp;
      clamp.arm();
      through(clamp, sine(100, 1'040, -14));
      if (hasKeyed) {
        clamp.keyDown(KeyCarrier::kTone, 3, 400);
        clamp.keyUp(KeyCarrier::kTone, 80);
      }
      const Passage heard = through(clamp, maker.pcm);
      const auto pressed = std::span(heard.pass).subspan(kOnset + Clamp::kLookAhead, length);
      const auto open = static_cast<std::size_t>(std::ranges::count(pressed, Pass::kOpen));
      CHECK(open == (hasKeyed ? 0 : length));
    }
  }
}

TEST_SUITE_END();
