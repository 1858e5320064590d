#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "key_caller.h"

using namespace hushpay;

TEST_SUITE_BEGIN("key_carriers_test");

namespace {

using Press = KeyCaller::Press;

void both(KeyCaller& caller, const Press& press, double lagMs) {
  caller.tone(press);
  caller.event({.key = press.key, .atMs = press.atMs + lagMs, .lengthMs = press.lengthMs});
}

}  // namespace

TEST_CASE("a press on both carriers that comes in a burst is one press, and both say when it began") {
  for (int ms = 50; ms <= 900; ms += 50) {
    for (const double beginMs : {900.0, 960.0, 1040.0}) {  // before, with and in the press
      CAPTURE(ms);
      CAPTURE(beginMs);
      KeyCaller caller;
      both(caller, {.key = 4, .atMs = 1000}, 40);
      caller.record(2500);
      caller.holdUp(beginMs, beginMs + ms);
      caller.play();
      CHECK(caller.keys() == "4 ");
      const auto downs = caller.downs();
      REQUIRE(downs.size() == 2);
      CHECK(downs[0].onsetMs == downs[1].onsetMs);
      CHECK(downs[0].onsetMs > KeyCaller::kStartMs + 1000);
      CHECK(downs[0].onsetMs < KeyCaller::kStartMs + 1000 + 40 + 20);
    }
  }
}

TEST_CASE("a stream that begins in a burst") {
  for (const int ms : {100, 300, 600, 900}) {
    CAPTURE(ms);
    KeyCaller caller;
    for (int i = 0; i < 4; i++) both(caller, {.key = 2, .atMs = 100.0 + 160 * i}, 60);
    caller.record(1500);
    caller.holdUp(0, ms);
    caller.play();
    CHECK(caller.keys() == "2 2 2 2 ");
  }
}

TEST_CASE("a card number in bursts") {
  for (const int ms : {50, 150, 400, 900}) {
    CAPTURE(ms);
    KeyCaller caller;
    std::string typed;
    for (int i = 0; i < 16; i++) {
      const auto key = static_cast<std::uint8_t>(i % 3 == 0 ? 4 : 2);
      both(caller, {.key = key, .atMs = 500.0 + 160 * i}, 20.0 * (i % 5));
      typed += std::to_string(key) + " ";
    }
    caller.record(4000);
    for (int at = 400; at < 3500; at += ms + 200) caller.holdUp(at, at + ms);
    caller.play();
    CHECK(caller.keys() == typed);
  }
}

TEST_SUITE_END();
