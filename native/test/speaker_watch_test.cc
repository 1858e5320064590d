#include "media/speaker_watch.h"

#include <doctest/doctest.h>

#include <array>

#include "party.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("speaker_watch_test");

namespace {

constexpr std::size_t kBlockMs = 20;
constexpr float kSilent = -90;

struct Watched {
  SpeakerWatch watch;
  std::vector<std::size_t> told;

  void run(std::size_t ms, const std::array<float, 3>& levels) {
    for (std::size_t at = 0; at < ms; at += kBlockMs) {
      if (const auto change = watch.note(levels, kBlockMs)) told.push_back(*change);
    }
  }
};

struct Told final : EventSink {
  std::vector<MediaEvent> events;
  Told() { events.reserve(1000); }
  void emit(const MediaEvent& event) noexcept override { events.push_back(event); }
};

}  // namespace

TEST_CASE("follows who speaks, and says when nobody does") {
  Watched room;
  room.run(1000, {kSilent, kSilent, kSilent});
  CHECK(room.told.empty());
  room.run(1000, {kSilent, -20, kSilent});
  room.run(400, {kSilent, kSilent, kSilent});  // a pause between words
  room.run(1000, {kSilent, -20, kSilent});
  room.run(1000, {-20, kSilent, kSilent});
  room.run(2000, {kSilent, kSilent, kSilent});
  CHECK(room.told == std::vector<std::size_t>{1, 0, SpeakerWatch::kNobody});
}

TEST_CASE("a cough, an echo, a line's noise change nothing") {
  Watched room;
  room.run(1000, {-20, -30, -45});
  room.run(100, {-20, -8, -45});
  room.run(1000, {-20, -18, -45});
  CHECK(room.told == std::vector<std::size_t>{0});
  room.run(500, {-20, -8, -45});  // talks over the other
  CHECK(room.told == std::vector<std::size_t>{0, 1});
}

TEST_CASE("never tells two changes within kApartMs") {
  Watched room;
  std::size_t sinceMs = SpeakerWatch::kApartMs;
  for (std::size_t at = 0; at < 20'000; at += kBlockMs) {
    const bool first = at / 240 % 2 == 0;
    const std::size_t before = room.told.size();
    room.run(kBlockMs, {first ? -10.0F : kSilent, first ? kSilent : -10.0F, kSilent});
    if (room.told.size() > before) CHECK(sinceMs >= SpeakerWatch::kApartMs);
    sinceMs = room.told.size() > before ? 0 : sinceMs + kBlockMs;
  }
  CHECK(room.told.size() > 5);
}

TEST_CASE("who has left speaks no more") {
  Watched room;
  room.run(1000, {-20, kSilent, kSilent});
  room.watch.forget(0);
  room.run(kBlockMs, {kSilent, kSilent, kSilent});
  CHECK(room.told == std::vector<std::size_t>{0, SpeakerWatch::kNobody});
}

TEST_CASE("a room tells of its active speaker only when it is followed") {
  for (const bool follows : {false, true}) {
    Told told;
    Call call({20, 20}, &told);
    if (follows) call.room.followSpeaker();
    const auto speaks = [&](std::size_t who) {
      return [&call, who](Party& party) {
        if (&party == &call[who]) party.send(call.nowMs, party.hum());
      };
    };
    call.run(1000, speaks(0));
    call.run(1500, speaks(1));
    REQUIRE(told.events.size() == (follows ? 2 : 0));
    if (!follows) continue;
    for (std::size_t i = 0; i < 2; i++) {
      CHECK(told.events[i].kind == MediaEvent::Kind::kActiveSpeaker);
      CHECK(told.events[i].room == 9);
      CHECK(told.events[i].session == i + 1);
      CHECK(told.events[i].levelDbm0 == doctest::Approx(-15.1).epsilon(0.05));
    }
  }
}

TEST_CASE("key presses are nobody's speech, clamped or not") {
  for (const bool isClamped : {true, false}) {
    CAPTURE(isClamped);
    Told told;
    Call call({20, 20}, &told);
    call.room.followSpeaker();
    call.hear(1, 0, isClamped ? kClamped : kOpen);
    ToneMaker maker;
    for (int key = 0; key < 8; key++)
      maker.silence(150).tone({.key = static_cast<std::uint8_t>(key), .durationMs = 200, .levelDbm0 = -8});
    std::size_t at = 0;
    call.run(400, [&](Party& party) { party.send(call.nowMs, Pcm(160)); });
    float loudest = kSilent;
    call.run(static_cast<std::uint32_t>(maker.pcm.size() / 160 * 20), [&](Party& party) {
      if (&party != &call[0]) return party.send(call.nowMs, Pcm(160));
      const auto from = maker.pcm.begin() + static_cast<std::ptrdiff_t>(at);
      party.send(call.nowMs, Pcm(from, from + 160));
      at += 160;
      loudest = std::max(loudest, call[0].voice.figures().levelDbm0);
    });
    if (isClamped) CHECK(loudest < -60);
    CHECK(told.events.empty());
  }
}

TEST_SUITE_END();
