#include <doctest/doctest.h>

#include "no_allocation.h"
#include "party.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("room_shared_test");

namespace {

/// Caller 0 and agent 1 speak; the others listen to both.
struct Monitored {
  Call call{{20, 20}};

  explicit Monitored(const std::vector<Codec>& monitors, const Hearing& caller = kClamped) {
    for (const Codec codec : monitors) {
      call.join(20, codec);
      const std::size_t at = call.parties.size() - 1;
      call.hear(at, 0, caller);
      call.hear(at, 1, kOpen);
    }
    call.hear(1, 0, caller);
    call.hear(0, 1, kOpen);
  }
  [[nodiscard]] std::uint64_t shared(std::size_t at) { return call[at].session.counts().packetsShared; }
};

}  // namespace

TEST_CASE("monitors of one codec are sent what one of them was encoded, all the time") {
  for (const Codec codec : {Codec::kPcmu, Codec::kPcma, Codec::kG722, Codec::kOpus, Codec::kL16Wide}) {
    CAPTURE(static_cast<int>(codec));
    Monitored monitored({codec, codec, codec, codec});
    Call& call = monitored.call;
    call.run(1000);
    CHECK(monitored.shared(2) == 0);
    for (std::size_t at = 3; at < 6; at++) {
      CHECK(monitored.shared(at) == call[at].ear.packets);
      CHECK(call[at].ear.heard == call[2].ear.heard);
      for (std::size_t speaker = 0; speaker < 2; speaker++)
        CHECK(call[at].hears(kHz[speaker]) == doctest::Approx(kPeak).epsilon(0.1));
    }
  }
}

TEST_CASE("listeners of different codecs share the mix, not the payload") {
  Monitored monitored({Codec::kPcmu, Codec::kOpus, Codec::kPcmu, Codec::kG722, Codec::kOpus});
  monitored.call.run(1000);
  const std::array<bool, 5> isShared = {false, false, true, false, true};
  for (std::size_t i = 0; i < isShared.size(); i++)
    CHECK(monitored.shared(i + 2) == (isShared[i] ? monitored.call[i + 2].ear.packets : 0));
  CHECK(monitored.call[5].hears(kHz[0]) == doctest::Approx(kPeak).epsilon(0.1));
}

TEST_CASE("who hears anything else is mixed and encoded for alone") {
  Monitored monitored({Codec::kPcmu, Codec::kPcmu, Codec::kPcmu});
  Call& call = monitored.call;
  call.run(400);
  call.hear(3, 1, {.access = Access::kOpen, .gain = 0.5F});
  call.hear(4, 0, kOpen);  // the same but for keys
  call.run(400);
  const std::uint64_t before[] = {monitored.shared(2), monitored.shared(3), monitored.shared(4)};
  call.run(400);
  for (std::size_t i = 0; i < 3; i++) CHECK(monitored.shared(i + 2) == before[i]);
  CHECK(call[2].hears(kHz[1]) == doctest::Approx(kPeak).epsilon(0.06));
  CHECK(call[3].hears(kHz[1]) == doctest::Approx(kPeak / 2).epsilon(0.06));
}

TEST_CASE("parting and joining leaves no click, whatever the codec remembers") {
  for (const Codec codec : {Codec::kPcma, Codec::kG722, Codec::kOpus}) {
    CAPTURE(static_cast<int>(codec));
    Monitored monitored({codec, codec}, kOpen);
    Call& call = monitored.call;
    call.hear(2, 1, kNone);
    call.hear(3, 1, kNone);
    call.run(400);
    for (int round = 0; round < 6; round++) {
      call.hear(3, 0, {.access = Access::kOpen, .gain = round % 2 == 0 ? 0.9F : 1});
      call.run(200);
    }
    CHECK(monitored.shared(3) > 20);
    CHECK(monitored.shared(3) < call[3].ear.packets - 20);
    const double steepest = kPeak * 2 * std::numbers::pi * kHz[0] / 8000;
    int largest = 0;
    const auto heard = std::span(call[3].ear.heard).subspan(2000);
    for (std::size_t i = 1; i < heard.size(); i++)
      largest = std::max(largest, std::abs(heard[i] - heard[i - 1]));
    CHECK(largest < 1.5 * steepest);
  }
}

TEST_CASE("a monitor pressing a key is sent that, and shares again afterwards") {
  Monitored monitored({Codec::kPcmu, Codec::kPcmu});
  Call& call = monitored.call;
  call.run(400);
  call[3].session.sendKey(5, 100);
  const std::uint64_t before = monitored.shared(3);
  call.run(60);
  CHECK(monitored.shared(3) == before);
  call.run(400);
  CHECK(monitored.shared(3) > before + 10);
}

TEST_CASE("a prompt is heard by its own peer only, although the others share") {
  Monitored monitored({Codec::kPcmu, Codec::kPcmu, Codec::kPcmu});
  Call& call = monitored.call;
  call.run(400);
  Pcm clip = Pcm(16'000);
  for (std::size_t n = 0; n < clip.size(); n++)
    clip[n] = static_cast<std::int16_t>(
        2000 * std::sin(2 * std::numbers::pi * 2500 * static_cast<double>(n) / 8000));
  call[3].session.play({.play = 1,
                        .samples = clip.data(),
                        .sampleCount = static_cast<std::uint32_t>(clip.size()),
                        .last = true,
                        .bargeIn = false});
  const std::uint64_t before = monitored.shared(3);
  call.run(400);
  CHECK(monitored.shared(3) == before);
  CHECK(call[3].hears(2500) == doctest::Approx(2000).epsilon(0.06));
  CHECK(call[2].hears(2500) < 10);
  CHECK(call[4].hears(2500) < 10);
  CHECK(monitored.shared(4) == call[4].ear.packets);
}

TEST_CASE("sharing allocates nothing") {
  Monitored monitored({Codec::kOpus, Codec::kOpus, Codec::kG722, Codec::kG722});
  Call& call = monitored.call;
  call.run(200);
  const Pcm hum = call[0].hum();
  const std::size_t before = allocations();
  call.run(400, [&](Party& party) { party.send(call.nowMs, hum); });
  CHECK(allocations() == before);
}

TEST_SUITE_END();
