#include "media/room.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "listening.h"
#include "no_allocation.h"
#include "party.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("room_test");

TEST_CASE("nobody hears anybody until told, and then exactly whom") {
  Call call({20, 20, 20});
  call.run(400);
  for (std::size_t listener = 0; listener < 3; listener++) {
    for (const double hz : kHz) CHECK(call[listener].hears(hz) < 10);
  }
  call.hear(1, 0, kOpen);
  call.hear(2, 1, kOpen);
  call.run(400);
  const bool wanted[3][3] = {{false, false, false}, {true, false, false}, {false, true, false}};
  for (std::size_t listener = 0; listener < 3; listener++) {
    for (std::size_t speaker = 0; speaker < 3; speaker++) {
      CAPTURE(listener);
      CAPTURE(speaker);
      const double amplitude = call[listener].hears(kHz[speaker]);
      if (wanted[listener][speaker])
        CHECK(amplitude == doctest::Approx(kPeak).epsilon(0.05));
      else
        CHECK(amplitude < 30);
    }
  }
  call.hear(1, 0, kNone);
  call.run(400);
  CHECK(call[1].hears(kHz[0]) < 10);
}

TEST_CASE("mixes several voices with their gains, for every ptime and codec, a packet each ptime") {
  for (const auto& ptimesMs :
       {std::vector<std::uint32_t>{20, 20, 20}, {10, 20, 60}, {30, 20, 40}, {60, 30, 10}}) {
    Call call(ptimesMs);
    for (std::size_t listener = 0; listener < 3; listener++) {
      for (std::size_t speaker = 0; speaker < 3; speaker++) {
        if (listener != speaker)
          call.hear(listener, speaker, {.access = Access::kOpen, .gain = speaker == 2 ? 0.25F : 1});
      }
    }
    call.run(1200);
    for (std::size_t listener = 0; listener < 3; listener++) {
      CAPTURE(ptimesMs[listener]);
      CHECK(call[listener].ear.packets == doctest::Approx(1200 / ptimesMs[listener]).epsilon(0.06));
      for (std::size_t speaker = 0; speaker < 3; speaker++) {
        const double wanted = listener == speaker ? 0 : speaker == 2 ? kPeak / 4 : kPeak;
        CHECK(std::abs(call[listener].hears(kHz[speaker]) - wanted) < kPeak * 0.06);
      }
    }
  }
}

TEST_CASE("changes without clicks") {
  Call call({20, 20});
  call.run(400);
  const std::array<Hearing, 6> changes = {kOpen, {.access = Access::kOpen, .gain = 0.1F}, kOpen, kNone, kOpen,
                                          kNone};
  for (const Hearing& change : changes) {
    call.hear(1, 0, change);
    call.run(200);
  }
  const double steepest = kPeak * 2 * std::numbers::pi * kHz[0] / 8000;
  CHECK(largestStep(call[1].ear.heard) < 1.25 * steepest);
}

TEST_CASE("a prompt is a whisper until another may hear it, and is over for both within a frame") {
  Call call({20, 20});
  call.hear(0, 1, kOpen);
  Pcm clip(8000);
  for (std::size_t n = 0; n < clip.size(); n++)
    clip[n] = static_cast<std::int16_t>(
        kPeak * std::sin(2 * std::numbers::pi * 2500 * static_cast<double>(n) / 8000));
  const auto play = [&](std::uint32_t number) {
    call[0].session.play({.play = number,
                          .samples = clip.data(),
                          .sampleCount = static_cast<std::uint32_t>(clip.size()),
                          .last = true,
                          .bargeIn = true});
  };
  play(1);
  call.run(500);
  CHECK(call[0].hears(2500) == doctest::Approx(kPeak).epsilon(0.05));
  CHECK(call[0].hears(kHz[1]) == doctest::Approx(kPeak).epsilon(0.05));
  CHECK(call[1].hears(2500) < 10);
  call.hear(1, 0, kOpen, Source::kPrompts);
  call.run(200);
  CHECK(call[1].hears(2500) == doctest::Approx(kPeak).epsilon(0.05));
  call[0].session.stopPlay(1);
  call.run(120);
  CHECK(call[0].hears(2500) < 30);
  CHECK(call[1].hears(2500) < 30);
  // A parked leg hears what is played to it and nobody else.
  call.hear(0, 1, kNone);
  play(2);
  call.run(300);
  CHECK(call[0].hears(2500) == doctest::Approx(kPeak).epsilon(0.05));
  CHECK(call[0].hears(kHz[1]) < 30);
}

TEST_CASE("who leaves is not heard, hears the player again, and may come back") {
  Call call({20, 20, 20});
  call.hear(1, 0, kOpen);
  call.hear(2, 0, kOpen);
  call.run(300);
  call.room.leave(call[0].session);
  call.run(300);
  CHECK(call[1].hears(kHz[0]) < 10);
  CHECK(call[0].session.room() == nullptr);
  const std::size_t packets = call[0].ear.packets;
  call.run(200);
  CHECK(call[0].ear.packets == packets + 10);
  CHECK(call.room.join(call[0].session, call[0].voice, nullptr));
  call.run(300);
  CHECK(call[1].hears(kHz[0]) < 10);  // nobody, again, until told
  call.hear(1, 0, kOpen);
  call.run(300);
  CHECK(call[1].hears(kHz[0]) == doctest::Approx(kPeak).epsilon(0.05));
  call.room.leaveAll();
  CHECK(call[1].session.room() == nullptr);
}

TEST_CASE("a voice is heard as much later as was asked for, and nothing of before a change") {
  for (const std::uint16_t delayMs : std::to_array<std::uint16_t>({10, 200, 1000})) {
    for (const Access access : {Access::kOpen, Access::kClamped}) {
      CAPTURE(delayMs);
      const auto tap = std::make_unique<DelayTap>();
      Call call({20, 20, 20});
      const Hearing later{.access = access, .delayMs = delayMs};
      call.hear(2, 0, {.access = access});
      call.room.hear(call[1].session, call[0].session, Source::kVoice, later, tap.get());
      const auto whisper = [&](Party& party) { party.send(call.nowMs, Pcm(160)); };
      call.run(2000, whisper);
      const std::size_t before = call[1].ear.heard.size();
      REQUIRE(call[2].ear.heard.size() == before);
      call.run(1500, [&](Party& party) {
        if (&party != &call[0]) return whisper(party);
        const Pcm hum = party.hum();
        party.send(call.nowMs, party.spoken <= 8 * 100 ? hum : Pcm(160));
      });
      const auto onset = [&](std::size_t listener) {
        const auto& heard = call[listener].ear.heard;
        return std::ranges::find_if(heard.begin() + static_cast<std::ptrdiff_t>(before), heard.end(),
                                    [](std::int16_t sample) { return std::abs(sample) > kPeak / 2; }) -
               heard.begin();
      };
      CHECK(std::abs(onset(1) - onset(2) - 8 * delayMs) <= 8);
      // Another delay, and another access: what was under way is not heard any more.
      call[0].spoken = 0;
      call.run(400);
      call.room.hear(call[1].session, call[0].session, Source::kVoice, later, tap.get());  // no change
      if (delayMs < 400) CHECK(call[1].hears(kHz[0], 20) > kPeak / 2);
      call.hear(1, 0, kNone);
      call.run(100, whisper);
      const std::size_t from = call[1].ear.heard.size();
      call.room.hear(call[1].session, call[0].session, Source::kVoice, later, tap.get());
      call.run(1500, whisper);
      CHECK(std::ranges::all_of(std::span(call[1].ear.heard).subspan(from),
                                [](std::int16_t sample) { return std::abs(sample) < 100; }));
    }
  }
}

TEST_CASE("a held leg is sent nothing and its room goes on") {
  Call call({20, 20});
  call.hear(1, 0, kOpen);
  call.hear(0, 1, kOpen);
  call[0].session.connect({.payloadType = 0, .ptimeMs = 20, .sending = false, .receiving = true}, call.nowMs);
  const std::size_t packets = call[0].ear.packets;
  call.run(400);
  CHECK(call[0].ear.packets == packets);
  CHECK(call[1].hears(kHz[0]) == doctest::Approx(kPeak).epsilon(0.05));
}

TEST_CASE("says how loud each voice is and how long it waits") {
  Call call({20, 20});
  call.run(600, [&](Party& party) {
    if (&party == &call[0]) party.send(call.nowMs, party.hum());
  });
  CHECK(call[0].voice.figures().levelDbm0 ==
        doctest::Approx(20 * std::log10(kPeak / 32767) + 3.17).epsilon(0.05));
  CHECK(call[1].voice.figures().levelDbm0 == VoiceFigures::kFaintest);
  CHECK(call[0].voice.figures().delayMs > 0);
  CHECK(call[0].voice.figures().delayMs < 45);
}

TEST_CASE("a tick allocates nothing, whatever happens in it") {
  Call call({20, 10, 30, 60});
  std::mt19937 random(5);
  for (auto& party : call.parties) party->ear.heard.reserve(8000 * 400);
  call.run(100);
  std::vector<Pcm> hums;
  for (auto& party : call.parties) hums.push_back(party->hum());
  const std::size_t before = allocations();
  for (int round = 0; round < 600; round++) {
    const Hearing hearing{.access = static_cast<Access>(random() % 3),
                          .mode = static_cast<ClampMode>(random() % 3),
                          .gain = static_cast<float>(random() % 100) / 50};
    const std::size_t listener = random() % 4;
    const std::size_t speaker = random() % 4;
    if (listener != speaker) call.hear(listener, speaker, hearing);
    call.run(60, [&](Party& party) {
      const auto dice = random() % 40;
      if (dice == 0) party.sequence++;  // lost
      if (dice == 1) return;
      const std::uint8_t type = dice == 2 ? 77 : 0;
      const auto& hum = hums[static_cast<std::size_t>(party.ptimeMs == 20   ? 0
                                                      : party.ptimeMs == 10 ? 1
                                                      : party.ptimeMs == 30 ? 2
                                                                            : 3)];
      party.send(call.nowMs, hum, type, random() % 200 == 0 ? 9 : 7);
    });
    if (round % 50 == 0) {
      call.room.leave(call[3].session);
      call.room.join(call[3].session, call[3].voice, nullptr);
    }
  }
  CHECK(allocations() == before);
}

TEST_CASE("clamped listeners get no trace of a key, open ones all of it") {
  ToneMaker maker;
  for (int key = 0; key < 4; key++)
    maker.silence(200).tone({.key = static_cast<std::uint8_t>(key), .durationMs = 120});
  maker.silence(300);
  Call call({20, 20, 20});
  call.hear(1, 0, kClamped);
  call.hear(2, 0, kOpen);
  call.run(400);
  std::size_t at = 0;
  const std::size_t from = call[1].ear.heard.size() + 800;  // the hum before has died away
  call.run(static_cast<std::uint32_t>(maker.pcm.size() / 160 * 20), [&](Party& party) {
    if (&party != &call[0]) return party.send(call.nowMs, party.hum());
    party.send(call.nowMs, Pcm(maker.pcm.begin() + static_cast<std::ptrdiff_t>(at),
                               maker.pcm.begin() + static_cast<std::ptrdiff_t>(at + 160)));
    at += 160;
  });
  CHECK(strongestPair(std::span(call[1].ear.heard).subspan(from)) < 40);
  CHECK(strongestPair(std::span(call[2].ear.heard).subspan(from)) > 1000);
  CHECK(call[0].session.counts().clamp.tonePresses == 4);
}

TEST_CASE(
    "who is let in during a key hears none of it while another stays clamped, and then all of the next") {
  ToneMaker maker;
  maker.silence(200)
      .tone({.key = 5, .durationMs = 300})
      .silence(400)
      .tone({.key = 9, .durationMs = 120})
      .silence(300);
  Call call({20, 20, 20});
  call.hear(1, 0, kClamped);
  call.hear(2, 0, kClamped);
  call.run(400);
  std::size_t at = 0;
  const auto say = [&](std::uint32_t ms) {
    call.run(ms, [&](Party& party) {
      if (&party != &call[0]) return party.send(call.nowMs, party.hum());
      party.send(call.nowMs, Pcm(maker.pcm.begin() + static_cast<std::ptrdiff_t>(at),
                                 maker.pcm.begin() + static_cast<std::ptrdiff_t>(at + 160)));
      at += 160;
    });
  };
  const auto from = call[1].ear.heard.size() + 800;  // the hum before has died away
  say(320);                                          // the key is 120 ms old
  call.hear(2, 0, kOpen);
  say(480);  // and has ended 300 ms ago
  CHECK(strongestPair(std::span(call[2].ear.heard).subspan(from)) < 40);
  say(400);
  CHECK(strongestPair(std::span(call[2].ear.heard).subspan(from)) > 1000);
  CHECK(strongestPair(std::span(call[1].ear.heard).subspan(from)) < 40);
}

TEST_SUITE_END();
