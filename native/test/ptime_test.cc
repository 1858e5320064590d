// Packets of one duration one way and of another the other way, which is what offer and answer may come to
// (RFC 4566 section 6: ptime is a wish of who receives).
#include <doctest/doctest.h>

#include <random>

#include "listening.h"
#include "party.h"
#include "thoroughness.h"

using namespace hushpay;

TEST_SUITE_BEGIN("ptime_test");

namespace {

constexpr std::array<std::uint32_t, 5> kPtimesMs = {10, 20, 30, 40, 60};

void reconnect(Party& party, std::uint32_t ptimeMs, double nowMs) {
  party.ptimeMs = ptimeMs;
  party.session.connect({.codec = party.codec,
                         .payloadType = 0,
                         .eventPayloadType = 101,
                         .ptimeMs = ptimeMs,
                         .sending = true,
                         .receiving = true},
                        nowMs);
}

/// The others hum as loud as ever, without a click, at the pace that was agreed on.
void checkHeard(Call& call, std::size_t listener, std::initializer_list<std::size_t> speakers) {
  constexpr std::uint32_t kMs = 1200;
  Party& party = call[listener];
  const std::size_t packets = party.ear.packets;
  const std::size_t samples = party.ear.heard.size();
  call.run(kMs);
  CHECK(std::abs(static_cast<int>(party.ear.packets - packets) - static_cast<int>(kMs / party.ptimeMs)) <= 1);
  CHECK(std::abs(static_cast<int>(party.ear.heard.size() - samples) - static_cast<int>(kMs * 8)) <=
        static_cast<int>(party.ptimeMs * 8));
  double most = 0;
  for (const std::size_t speaker : speakers) {
    CAPTURE(speaker);
    CHECK(std::abs(party.hears(kHz[speaker]) - kPeak) < kPeak * 0.06);
    most += steepest(kHz[speaker], kPeak);
  }
  CHECK(largestStep(std::span(party.ear.heard).subspan(samples)) < 1.25 * most);
}

}  // namespace

TEST_CASE("a voice that is heard alone comes in packets of the listener's size, whatever the speaker's") {
  for (const std::uint32_t speaksMs : kPtimesMs) {
    for (const std::uint32_t hearsMs : kPtimesMs) {
      CAPTURE(speaksMs);
      CAPTURE(hearsMs);
      Call call({20, hearsMs});
      call[0].speaksMs = speaksMs;
      call[1].speaksMs = 20;
      call.hear(1, 0, kOpen);
      call.run(2500);  // until it goes straight on, if it may
      checkHeard(call, 1, {0});
    }
  }
}

TEST_CASE("packets come evenly, also to a listener whose packets are shorter than the speaker's") {
  for (const std::uint32_t speaksMs : kPtimesMs) {
    for (const std::uint32_t hearsMs : kPtimesMs) {
      CAPTURE(speaksMs);
      CAPTURE(hearsMs);
      Call call({20, hearsMs});
      call[0].speaksMs = speaksMs;
      call.hear(1, 0, kOpen);
      call.run(2500);
      std::uint32_t most = 0;
      for (int tick = 0; tick < 120; tick++) {
        const std::size_t packets = call[1].ear.packets;
        call.run(Session::kTickMs);
        most = std::max(most, static_cast<std::uint32_t>(call[1].ear.packets - packets));
      }
      CHECK(most == 1);
    }
  }
}

TEST_CASE("voices in a mix have packets of any size, each way another") {
  for (const std::uint32_t speaksMs : kPtimesMs) {
    for (const std::uint32_t hearsMs : kPtimesMs) {
      CAPTURE(speaksMs);
      CAPTURE(hearsMs);
      Call call({hearsMs, 20, hearsMs});
      call[0].speaksMs = speaksMs;
      call[1].speaksMs = speaksMs;
      call[2].speaksMs = 20;
      call.hear(2, 0, kOpen);
      call.hear(2, 1, kOpen);
      call.run(1000);
      checkHeard(call, 2, {0, 1});
      CHECK(call[0].voice.figures().delayMs < 60 + speaksMs);
    }
  }
}

TEST_CASE("a re-INVITE that changes a size in mid-call loses nothing and is not heard") {
  std::mt19937 random(20);
  for (const bool isMixed : {false, true}) {
    for (int round = 0; round < kThoroughness * 8; round++) {
      CAPTURE(isMixed);
      CAPTURE(round);
      Call call({20, 20, 60});
      call.hear(2, 0, kOpen);
      if (isMixed) call.hear(2, 1, kOpen);
      call.run(2500);
      const std::size_t samples = call[2].ear.heard.size();
      const double fromMs = call.nowMs;
      for (int change = 0; change < 4; change++) {
        call.run(static_cast<std::uint32_t>(200 + 10 * (random() % 20)));
        const std::uint32_t ptimeMs = kPtimesMs[random() % kPtimesMs.size()];
        if (random() % 2 == 0)
          reconnect(call[2], ptimeMs, call.nowMs);
        else
          call[0].speaksMs = ptimeMs;
      }
      call.run(600);
      const double heardMs = static_cast<double>(call[2].ear.heard.size() - samples) / 8;
      CHECK(std::abs(heardMs - (call.nowMs - fromMs)) <= 100);
      const double most = steepest(kHz[0], kPeak) + (isMixed ? steepest(kHz[1], kPeak) : 0);
      CHECK(largestStep(std::span(call[2].ear.heard).subspan(samples)) < 1.3 * most);
      isMixed ? checkHeard(call, 2, {0, 1}) : checkHeard(call, 2, {0});
    }
  }
}

TEST_SUITE_END();
