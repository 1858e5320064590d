#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "key_caller.h"

using namespace hushpay;

TEST_SUITE_BEGIN("key_property_test");

namespace {

using Press = KeyCaller::Press;
using Packet = KeyCaller::Packet;

/// A line of chance: what carries the keys, and what the network does to it.
class Line {
 public:
  explicit Line(unsigned seed) : random_(seed) {}

  int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }
  bool chance(double share) { return std::uniform_real_distribution<double>(0, 1)(random_) < share; }

  /// @return the keys pressed
  std::vector<int> type(KeyCaller& caller) {
    hasEvents_ = !chance(0.2);
    const int leak = hasEvents_ ? between(0, 3) : 3;  // of tone: none, before the event, after it, all of it
    const int lagMs = between(0, 4) * 20;
    const int keyCount = between(2, 3);
    caller.beside = chance(0.5) || leak == 3;
    std::vector<int> typed;
    double atMs = 400;
    for (int i = 0; i < 12; i++) {
      const int key = between(0, keyCount);
      const double lengthMs = between(3, 15) * 20;
      const double eventMs = atMs + lagMs;
      const auto code = static_cast<std::uint8_t>(key);
      if (hasEvents_) caller.event({.key = code, .atMs = eventMs, .lengthMs = lengthMs}, 3, !chance(0.2));
      if (leak == 1 && lagMs > 0) caller.tone({.key = code, .atMs = atMs, .lengthMs = lagMs * 0.7});
      if (leak == 2) caller.tone({.key = code, .atMs = eventMs + lengthMs, .lengthMs = 45});
      if (leak == 3) caller.tone({.key = code, .atMs = atMs, .lengthMs = lengthMs});
      atMs += lengthMs + lagMs + (leak == 2 ? 60 : 0) + between(4, 20) * 20;
      typed.push_back(key);
    }
    caller.record(atMs + 400);
    return typed;
  }

  void spoil(KeyCaller& caller) {
    const double twice = chance(0.3) ? 0.1 : 0;
    const double jittery = chance(0.3) ? 0.2 : 0;
    caller.each([&](Packet& packet) {
      if (chance(twice)) packet.copies = 2;
      if (chance(jittery)) packet.delayMs += between(0, 40);
    });
    const double endMs = caller.packets.back().sentMs;
    for (int burst = between(0, 4); burst > 0; burst--) {
      const double fromMs = between(200, static_cast<int>(endMs));
      caller.holdUp(fromMs, fromMs + between(20, 900));
    }
  }

  void lose(KeyCaller& caller) {
    const double share = between(1, 20) / 100.0;
    caller.each([&](Packet& packet) {
      if (chance(share)) packet.copies = 0;
    });
  }

 private:
  std::mt19937 random_;
  bool hasEvents_ = false;
};

std::string textOf(const std::vector<int>& keys) {
  std::string text;
  for (const int key : keys) text.append(std::to_string(key)).append(" ");
  return text;
}

/// Are the keys of `part` those of `whole`, in their order, some left out?
bool isPartOf(const std::string& part, const std::string& whole) {
  std::size_t at = 0;
  for (const char key : part) {
    if (key == ' ') continue;
    at = whole.find(key, at);
    if (at == std::string::npos) return false;
    at++;
  }
  return true;
}

/// More for a long run.
int runs() {
  const char* asked = std::getenv("HUSHPAY_TEST_KEY_RUNS");
  return asked != nullptr ? std::atoi(asked) : 150;
}

}  // namespace

TEST_CASE("any keys by any carriers over any delay count as they were pressed") {
  for (int seed = 1; seed <= runs(); seed++) {
    CAPTURE(seed);
    Line line(static_cast<unsigned>(seed));
    KeyCaller caller;
    const std::string typed = textOf(line.type(caller));
    line.spoil(caller);
    caller.play();
    CHECK(caller.keys() == typed);
  }
}

TEST_CASE("losses may cost keys, never add one") {
  int whole = 0;
  for (int seed = 1; seed <= runs(); seed++) {
    CAPTURE(seed);
    Line line(static_cast<unsigned>(seed));
    KeyCaller caller;
    const std::string typed = textOf(line.type(caller));
    line.spoil(caller);
    line.lose(caller);
    caller.play();
    CAPTURE(typed);
    CAPTURE(caller.keys());
    CHECK(isPartOf(caller.keys(), typed));
    whole += caller.keys() == typed ? 1 : 0;
  }
  CHECK(whole > runs() / 2);
}

TEST_SUITE_END();
