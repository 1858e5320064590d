#include "media/press_pairs.h"

#include <doctest/doctest.h>

#include <cmath>

#include "bytes_within.h"

using namespace hushpay;

TEST_SUITE_BEGIN("press_pairs_test");

namespace {

constexpr double kFirstMs = 1'000'000.125;  // found nowhere by chance
constexpr double kApartMs = 200.5;
constexpr int kPresses = 6;

double onsetOf(int press) { return kFirstMs + kApartMs * press; }

/// Presses on both carriers, 60 ms long.
void press(PressPairs& pairs) {
  for (int i = 0; i < kPresses; i++) {
    const auto key = static_cast<std::uint8_t>(i);
    CHECK(pairs.down(KeyCarrier::kTone, key, onsetOf(i), 0).kind == PressPairs::Kind::kFirst);
    CHECK(pairs.down(KeyCarrier::kEvent, key, onsetOf(i) + 1, 0).kind == PressPairs::Kind::kSecond);
    pairs.up(KeyCarrier::kTone, onsetOf(i) + 60);
    pairs.up(KeyCarrier::kEvent, onsetOf(i) + 61);
  }
}

}  // namespace

TEST_CASE("nothing of a press is left once no report of it is expected any more") {
  PressPairs pairs;
  CHECK(std::isinf(pairs.forgetsAtMs()));
  press(pairs);
  for (int i = 0; i < kPresses; i++) CHECK(isWithin(pairs, onsetOf(i)));
  pairs.tick(onsetOf(1) + 5100);
  CHECK_FALSE(isWithin(pairs, onsetOf(1)));
  CHECK(isWithin(pairs, onsetOf(2)));
  pairs.tick(pairs.forgetsAtMs());
  CHECK_FALSE(isWithin(pairs, onsetOf(2)));
  pairs.tick(onsetOf(kPresses) + 5100);
  for (int i = 0; i < kPresses; i++) {
    CHECK_FALSE(isWithin(pairs, onsetOf(i)));
    CHECK_FALSE(isWithin(pairs, onsetOf(i) + 1));
  }
  CHECK(std::isinf(pairs.forgetsAtMs()));
}

TEST_CASE("a key that is still down is not forgotten, and then it is") {
  PressPairs pairs;
  CHECK(pairs.down(KeyCarrier::kTone, 7, kFirstMs, 0).kind == PressPairs::Kind::kFirst);
  pairs.tick(kFirstMs + 60'000);
  CHECK(isWithin(pairs, kFirstMs));
  CHECK(pairs.down(KeyCarrier::kEvent, 7, kFirstMs + 40, 0).kind == PressPairs::Kind::kSecond);
  pairs.up(KeyCarrier::kTone, kFirstMs + 60'100);
  pairs.up(KeyCarrier::kEvent, kFirstMs + 60'100);
  pairs.tick(kFirstMs + 60'100 + 5000);
  CHECK_FALSE(isWithin(pairs, kFirstMs));
}

TEST_CASE("what was forgotten is no part of what comes") {
  PressPairs pairs;
  pairs.down(KeyCarrier::kTone, 0, kFirstMs, 0);
  pairs.interrupted(kFirstMs + 60);
  pairs.up(KeyCarrier::kTone, kFirstMs + 60);
  pairs.tick(kFirstMs + 6000);
  CHECK(pairs.down(KeyCarrier::kTone, 0, kFirstMs + 60, 0).kind == PressPairs::Kind::kFirst);
}

TEST_SUITE_END();
