// Clocks that run apart, minutes long: at 200 ppm as the worst crystals of telephones do, and at 1000.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "direct_call.h"
#include "party.h"
#include "thoroughness.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("drift_test");

namespace {

constexpr std::array kPpm = {-1000.0, -200.0, 200.0, 1000.0};
/// Three minutes.
constexpr double kLongMs = kThoroughness * 36'000;

/// What the speaker's clock takes for 20 ms, by ours.
double packetMs(double ppm) { return 20 / (1 + ppm * 1e-6); }

/// Two in a room; the first speaks by a clock of its own.
struct Drifting : direct::Call {
  double everyMs;
  double dueMs = nowMs + 7;
  double nextTickMs = nowMs + 10;

  explicit Drifting(double ppm, Codec listener = Codec::kPcmu)
      : Call({Codec::kPcmu, listener}), everyMs(packetMs(ppm)) {}

  /// @param say  called for each packet of the speaker, when it arrives
  template <typename Say>
  void pass(double ms, Say say) {
    for (const double endMs = nextTickMs + ms; nextTickMs < endMs; nextTickMs += Session::kTickMs) {
      for (; dueMs <= nextTickMs; dueMs += everyMs) {
        nowMs = dueMs;
        say();
      }
      nowMs = nextTickMs;
      tick();
    }
  }
  void settle() {
    pass(400, [&] { phones[0]->say(phones[0]->encoded(faint())); });
  }
};

}  // namespace

TEST_CASE("a voice that goes straight on keeps its speaker's clock: nothing waits, nothing is lost") {
  for (const double ppm : kPpm) {
    CAPTURE(ppm);
    Drifting call(ppm);
    call.hear(1, 0, direct::kOpen);
    call.settle();
    const std::size_t from = call[1].packets.size();
    std::size_t said = 0;
    std::size_t waited = 0;
    call.pass(kLongMs, [&] {
      call[0].say(call[0].encoded(call.hum()));
      said++;
      waited += call[1].packets.back().atMs == call.nowMs ? 0 : 1;
    });
    CHECK(std::abs(static_cast<double>(said) - kLongMs / call.everyMs) <= 1);
    CHECK(call[1].packets.size() == from + said);
    CHECK(waited == 0);
    CHECK(call[0].voice.way().isDirect());
    direct::checkInSequence(call[1].packets, from);
    CHECK(largestStep(call[1].heard(from + 1)) < 1.1 * steepest(300, 4000));
  }
}

TEST_CASE("prompts over a voice of another clock bring no click, no hole and no growing delay") {
  for (const double ppm : kPpm) {
    CAPTURE(ppm);
    Drifting call(ppm);
    call.hear(1, 0, direct::kOpen);
    call.settle();
    const auto speak = [&] { call[0].say(call[0].encoded(call.hum())); };
    const std::size_t from = call[1].packets.size();
    direct::Pcm clip(4000);
    for (std::size_t n = 0; n < clip.size(); n++) {
      const double fade = std::min(1.0, static_cast<double>(std::min(n, clip.size() - n)) / 80);
      clip[n] = static_cast<std::int16_t>(
          fade * 3000 * std::sin(2 * std::numbers::pi * 500 * static_cast<double>(n) / 8000));
    }
    constexpr std::uint32_t kPrompts = kThoroughness * 6;
    for (std::uint32_t play = 1; play <= kPrompts; play++) {
      call[1].session.play({.play = play,
                            .samples = clip.data(),
                            .sampleCount = static_cast<std::uint32_t>(clip.size()),
                            .last = true});
      call.pass(300, speak);
      CHECK_FALSE(call[0].voice.way().isDirect());
      call.pass(5700, speak);
      CHECK(call[0].voice.way().isDirect());
    }
    const auto& packets = call[1].packets;
    direct::checkInSequence(packets, from);
    CHECK(largestStep(call[1].heard(from)) < 1.25 * (steepest(300, 4000) + steepest(500, 3000)));
    // A listener's stream follows whoever is heard: never further from the wall than their clocks are apart.
    for (std::size_t i = from; i < packets.size(); i++) {
      const double wallMs = packets[i].atMs - packets[from].atMs;
      const double streamMs = static_cast<double>(packets[i].timestamp - packets[from].timestamp) / 8;
      REQUIRE(std::abs(wallMs - streamMs) < 45 + wallMs * std::abs(ppm) * 1e-6);
    }
    CHECK(call[0].voice.playout().discarded <=
          8 * (20 + 2 * kPrompts));  // once, and 2 ms a prompt: faded over
  }
}

TEST_CASE("keys of another clock are counted and clamped") {
  for (const double ppm : kPpm) {
    CAPTURE(ppm);
    Drifting call(ppm);
    call.hear(1, 0, direct::kClamped);
    call.settle();
    ToneMaker maker;
    constexpr std::uint64_t kPresses = kThoroughness * 10;
    for (std::uint64_t key = 0; key < kPresses; key++)
      maker.silence(900).tone({.key = static_cast<std::uint8_t>(key % 16), .durationMs = 100});
    maker.silence(300);
    const std::size_t from = call[1].packets.size();
    std::size_t at = 0;
    call.pass(static_cast<double>(maker.pcm.size()) / 8, [&] {
      direct::Pcm part(160);
      for (std::size_t n = 0; n < 160 && at < maker.pcm.size(); n++, at++) part[n] = maker.pcm[at];
      call[0].say(call[0].encoded(part));
    });
    CHECK(call[0].session.counts().clamp.tonePresses == kPresses);
    CHECK(strongestPair(call[1].heard(from)) < 40);
  }
}

TEST_CASE("voices whose clocks run apart both ways are mixed whole, whatever their packets") {
  struct Row {
    std::array<std::uint32_t, 3> ptimesMs;
    double ppm;
  };
  for (const Row& row :
       {Row{{20, 20, 20}, 200}, Row{{20, 20, 20}, 1000}, Row{{60, 10, 30}, 200}, Row{{10, 60, 20}, 1000}}) {
    CAPTURE(row.ppm);
    CAPTURE(row.ptimesMs[0]);
    Call call({row.ptimesMs.begin(), row.ptimesMs.end()});
    call.hear(2, 0, kOpen);
    call.hear(2, 1, kOpen);
    const std::array<double, 3> stretch = {1 / (1 + row.ppm * 1e-6), 1 / (1 - row.ppm * 1e-6), 1};
    std::array<double, 3> dueMs = {call.nowMs + 3, call.nowMs + 4, call.nowMs + 5};
    const auto pass = [&](double ms) {
      for (const double endMs = call.nowMs + ms; call.nowMs < endMs;) {
        const double tickMs = call.nowMs + Session::kTickMs;
        for (std::size_t i = 0; i < 3; i++) {
          for (; dueMs[i] <= tickMs; dueMs[i] += call[i].speaksMs * stretch[i])
            call[i].send(dueMs[i], call[i].hum());
        }
        call.nowMs = tickMs;
        for (auto& party : call.parties) party->session.tick(call.nowMs);
        call.room.tick();
      }
    };
    pass(10'000);  // the buffers learn
    std::array<VoiceFigures, 2> before = {call[0].voice.figures(), call[1].voice.figures()};
    std::size_t faint = 0;
    constexpr int kSeconds = kThoroughness * 36;
    for (int second = 0; second < kSeconds; second++) {
      pass(1000);
      for (const double hz : {kHz[0], kHz[1]}) faint += call[2].hears(hz) < 0.8 * kPeak ? 1 : 0;
    }
    CHECK(faint <= 4);  // a pitch period more or less in the middle of what is measured
    for (std::size_t i = 0; i < 2; i++) {
      CAPTURE(i);
      const VoiceFigures after = call[i].voice.figures();
      CHECK(after.discardedMs == before[i].discardedMs);
      CHECK(static_cast<double>(after.concealedMs - before[i].concealedMs) < 60 + kSeconds * row.ppm * 1e-3);
      CHECK(after.delayMs < 50 + row.ptimesMs[i]);
    }
    const auto heard = std::span(call[2].ear.heard).last(8000 * kSeconds);
    CHECK(largestStep(heard) < 1.5 * (steepest(kHz[0], kPeak) + steepest(kHz[1], kPeak)));
  }
}

TEST_SUITE_END();
