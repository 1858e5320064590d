#include <doctest/doctest.h>

#include <random>

#include "no_allocation.h"
#include "party.h"

using namespace hushpay;

TEST_SUITE_BEGIN("room_large_test");

namespace {

constexpr std::size_t kMany = 60;
constexpr double kFaintPeak = 120;  // so that no limiter has anything to do

/// A conference in which everybody hears everybody else.
struct Conference {
  Call call{{}};
  bool isHumming = true;
  std::vector<std::mt19937> random;

  explicit Conference(std::size_t members, Codec codec = Codec::kL16) {
    for (std::size_t i = 0; i < members; i++) {
      call.join(20, codec);
      random.emplace_back(static_cast<unsigned>(i + 1));
    }
    for (std::size_t listener = 0; listener < members; listener++) {
      for (std::size_t speaker = 0; speaker < members; speaker++) {
        if (listener != speaker) call.hear(listener, speaker, kOpen);
      }
    }
  }
  /// Each has a frequency of its own; none is in a bin of another over 100 ms.
  static double hzOf(std::size_t member) { return 200 + 50 * static_cast<double>(member); }

  Pcm speech(Party& party) {
    const std::size_t member = party.session.id() - 1;
    Pcm pcm(160);
    for (auto& sample : pcm) {
      const double hum = kFaintPeak * std::sin(2 * std::numbers::pi * hzOf(member) * party.spoken++ / 8000);
      sample = static_cast<std::int16_t>(isHumming ? hum : static_cast<int>(random[member]() % 401) - 200);
    }
    return pcm;
  }
  void run(std::uint32_t ms) {
    call.run(ms, [&](Party& party) { party.send(call.nowMs, speech(party)); });
  }
};

}  // namespace

TEST_CASE("sixty members hear each of the others as loud as they speak, and not themselves") {
  Conference conference(kMany, Codec::kPcmu);
  Call& call = conference.call;
  call.hear(7, 3, {.access = Access::kOpen, .gain = 0.5F});  // one listener
  for (std::size_t i = 0; i < kMany; i++) {
    if (i != 20) call.hear(i, 20, {.access = Access::kOpen, .gain = 2});  // everybody
  }
  conference.run(600);
  for (std::size_t listener = 0; listener < kMany; listener++) {
    CAPTURE(listener);
    for (std::size_t speaker = 0; speaker < kMany; speaker++) {
      CAPTURE(speaker);
      const double gain = speaker == listener             ? 0
                          : speaker == 20                 ? 2
                          : listener == 7 && speaker == 3 ? 0.5
                                                          : 1;
      CHECK(std::abs(call[listener].hears(Conference::hzOf(speaker)) - gain * kFaintPeak) < 0.1 * kFaintPeak);
    }
  }
}

TEST_CASE("the sum of all less one's own is the sum of the others, to the bit") {
  Conference alike(12);
  Conference apart(12);
  // A silent guest whom each hears with a gain of its own: for none of them is there a sum to take something
  // from.
  apart.call.join(20, Codec::kL16);
  for (std::size_t i = 0; i < 12; i++)
    apart.call.hear(i, 12, {.access = Access::kOpen, .gain = 1 - static_cast<float>(i) / 100});
  alike.isHumming = apart.isHumming = false;
  alike.run(600);
  apart.call.run(600, [&](Party& party) {
    if (party.session.id() <= 12) party.send(apart.call.nowMs, apart.speech(party));
  });
  for (std::size_t i = 0; i < 12; i++) {
    CAPTURE(i);
    CHECK(alike.call[i].ear.heard.size() == 600 * 8);
    CHECK(alike.call[i].ear.heard == apart.call[i].ear.heard);
    CHECK(std::ranges::any_of(alike.call[i].ear.heard, [](std::int16_t sample) { return sample != 0; }));
  }
}

TEST_CASE("who leaves a large room is not heard any more, and whoever takes the place is") {
  Conference conference(20);
  Call& call = conference.call;
  conference.run(400);
  CHECK(call[3].hears(Conference::hzOf(15)) == doctest::Approx(kFaintPeak).epsilon(0.1));
  call.room.leave(call[15].session);
  conference.run(400);
  CHECK(call[3].hears(Conference::hzOf(15)) < 0.1 * kFaintPeak);
  CHECK(call[3].hears(Conference::hzOf(16)) == doctest::Approx(kFaintPeak).epsilon(0.1));
  CHECK(call.room.join(call[15].session, call[15].voice, call.room.makeSeats(20)));
  for (std::size_t i = 0; i < 20; i++) {
    if (i != 15) call.hear(i, 15, kOpen);
  }
  conference.run(400);
  CHECK(call[3].hears(Conference::hzOf(15)) == doctest::Approx(kFaintPeak).epsilon(0.1));
}

TEST_CASE("a member more makes nobody click: the others move to larger seats with what they hear") {
  Conference conference(4, Codec::kL16);
  Call& call = conference.call;
  conference.run(400);
  const std::size_t before = call[0].ear.heard.size();
  call.join(20, Codec::kL16);
  conference.random.emplace_back(5U);
  conference.run(400);
  const auto heard = std::span(call[0].ear.heard).subspan(before - 1);
  // Three hums of the peak: none changes faster than that by a sample.
  double most = 0;
  for (std::size_t i = 1; i < heard.size(); i++)
    most = std::max<double>(most, std::abs(heard[i] - heard[i - 1]));
  CHECK(most < 3 * kFaintPeak * 2 * std::numbers::pi * Conference::hzOf(3) / 8000 + 3);
  CHECK(call[0].hears(Conference::hzOf(3)) == doctest::Approx(kFaintPeak).epsilon(0.1));
}

TEST_CASE("takes no more members than it may have, and none for whom there is no seat") {
  Room room;
  std::vector<std::unique_ptr<Party>> parties;
  for (std::size_t i = 0; i <= Room::kMaxMembers; i++) {
    parties.push_back(std::make_unique<Party>(300, 20, Codec::kPcmu));
    Room::Seats* seats = room.makeSeats(std::min(i + 1, Room::kMaxMembers));
    CHECK(room.join(parties.back()->session, parties.back()->voice, seats) == (i < Room::kMaxMembers));
  }
  room.leaveAll();
  Room small;
  for (std::size_t i = 0; i < 5; i++)
    CHECK(small.join(parties[i]->session, parties[i]->voice, nullptr) == (i < 4));
  CHECK(small.join(parties[4]->session, parties[4]->voice, small.makeSeats(5)));
  small.leaveAll();
}

TEST_CASE("a large mix allocates nothing, whoever joins and leaves") {
  Conference conference(kMany);
  Call& call = conference.call;
  Room::Seats* seats = call.room.makeSeats(kMany);
  conference.run(100);
  std::vector<Pcm> hums;
  for (auto& party : call.parties) hums.push_back(conference.speech(*party));
  const std::size_t before = allocations();
  for (int round = 0; round < 10; round++) {
    call.room.leave(call[5].session);
    call.run(20, [&](Party& party) { party.send(call.nowMs, hums[party.session.id() - 1]); });
    call.room.join(call[5].session, call[5].voice, seats);
    call.hear(5, 6, kOpen);
    call.run(40, [&](Party& party) { party.send(call.nowMs, hums[party.session.id() - 1]); });
  }
  CHECK(allocations() == before);
}

TEST_SUITE_END();
