#include "media/player.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

using namespace hushpay;

TEST_SUITE_BEGIN("player_test");

namespace {

std::vector<std::int16_t> ramp(int first, int count) {
  std::vector<std::int16_t> samples(static_cast<std::size_t>(count));
  std::iota(samples.begin(), samples.end(), static_cast<std::int16_t>(first));
  return samples;
}

PlayItem itemOf(std::uint32_t play, const std::vector<std::int16_t>& clip, bool last = false,
                bool bargeIn = true) {
  return {.play = play,
          .samples = clip.data(),
          .sampleCount = static_cast<std::uint32_t>(clip.size()),
          .last = last,
          .bargeIn = bargeIn};
}

PlayItem silence(std::uint32_t play, std::uint32_t count, bool last = false) {
  return {.play = play, .samples = nullptr, .sampleCount = count, .last = last, .bargeIn = true};
}

}  // namespace

TEST_CASE("clips are joined sample to sample whatever the frame size") {
  const auto first = ramp(1, 250);
  const auto second = ramp(251, 7);
  const auto third = ramp(258, 500);
  for (const std::size_t frameSize :
       {std::size_t{80}, std::size_t{160}, std::size_t{240}, std::size_t{480}}) {
    CAPTURE(frameSize);
    Player player;
    player.add(itemOf(1, first));
    player.add(itemOf(1, second));
    player.add(itemOf(1, third, true));
    std::vector<std::int16_t> out;
    PlayNews news;
    while (!news.ended) {
      std::vector<std::int16_t> frame(frameSize);
      news = {};
      CHECK(player.render(frame, news));
      out.insert(out.end(), frame.begin(), frame.end());
    }
    CHECK(news.end == PlayEnd::kFinished);
    CHECK(news.playedSamples == 757);
    CHECK(news.starvedSamples == 0);
    auto expected = ramp(1, 757);
    expected.resize(out.size());
    CHECK(out == expected);
    CHECK_FALSE(player.playing());
  }
}

TEST_CASE("says which clip has begun, and that a mark alone ends the phrase") {
  const auto clip = ramp(1, 100);
  Player player;
  std::vector<std::int16_t> frame(160);
  PlayNews news;
  player.add(itemOf(3, clip));
  player.add(silence(3, 20));
  player.render(frame, news);
  CHECK(news.started);
  CHECK(news.startedPlay == 3);
  CHECK(news.clipsStarted == 2);
  CHECK_FALSE(news.ended);
  player.add(silence(3, 0, true));
  news = {};
  player.render(frame, news);
  CHECK_FALSE(news.started);
  CHECK(news.ended);
  CHECK(news.endedPlay == 3);
  CHECK(news.playedSamples == 120);
  CHECK(news.starvedSamples == 40);
}

TEST_CASE("counts the silence put in where the next clip came too late") {
  const auto clip = ramp(1, 160);
  Player player;
  std::vector<std::int16_t> frame(160);
  PlayNews news;
  player.add(itemOf(1, clip));
  player.render(frame, news);
  CHECK(player.render(frame, news));
  player.add(itemOf(1, clip, true));
  news = {};
  player.render(frame, news);
  CHECK(news.ended);
  CHECK(news.starvedSamples == 160);
  CHECK(player.starvedSamples() == 160);
}

TEST_CASE("a key ends a phrase that allows it, and what follows of that phrase is ignored") {
  const auto clip = ramp(1, 1000);
  Player player;
  std::vector<std::int16_t> frame(160);
  PlayNews news;
  player.add(itemOf(1, clip));
  player.render(frame, news);
  const PlayNews ended = player.bargeIn();
  CHECK(ended.ended);
  CHECK(ended.end == PlayEnd::kBargeIn);
  CHECK(ended.playedSamples == 160);
  player.add(itemOf(1, clip));  // was under way
  CHECK_FALSE(player.render(frame, news));
  CHECK(frame == std::vector<std::int16_t>(160));
  CHECK_FALSE(player.bargeIn().ended);
  CHECK_FALSE(player.stop(1).ended);

  player.add(itemOf(2, clip, false, false));
  player.render(frame, news);
  CHECK_FALSE(player.bargeIn().ended);
  CHECK(player.playing());
}

TEST_CASE("stopping a phrase leaves the next one in the queue") {
  const auto clip = ramp(1, 1000);
  Player player;
  std::vector<std::int16_t> frame(160);
  PlayNews news;
  player.add(itemOf(1, clip));
  player.render(frame, news);
  player.add(itemOf(2, clip));
  const PlayNews ended = player.stop(1);
  CHECK(ended.end == PlayEnd::kStopped);
  news = {};
  CHECK(player.render(frame, news));
  CHECK(news.startedPlay == 2);
  CHECK(frame[0] == 1);
}

TEST_CASE("stopping a phrase that has not begun ends it") {
  const auto clip = ramp(1, 10);
  Player player;
  CHECK(player.stop(1).ended);
  CHECK(player.add(itemOf(1, clip)));
  CHECK(player.consumed() == 1);
  std::vector<std::int16_t> frame(160);
  PlayNews news;
  CHECK_FALSE(player.render(frame, news));
}

TEST_CASE("the queue is bounded and tells what has left it") {
  const auto clip = ramp(1, 10);
  Player player;
  for (std::size_t i = 0; i < Player::kQueue; i++) CHECK(player.add(itemOf(1, clip)));
  CHECK_FALSE(player.add(itemOf(1, clip)));
  CHECK(player.consumed() == 1);
  std::vector<std::int16_t> frame(25);
  PlayNews news;
  player.render(frame, news);
  CHECK(player.consumed() == 3);
}

TEST_SUITE_END();
