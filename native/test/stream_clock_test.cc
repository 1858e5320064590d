#include "rtp/stream_clock.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

using namespace hushpay;

TEST_SUITE_BEGIN("stream_clock_test");

namespace {

/// A sender that takes a frame every 20 ms, and a network that adds to that.
struct Stream {
  StreamClock clock;
  double rate = 1;  // of the sender's crystal
  std::uint32_t firstTs = 0xfffff000;
  double startMs = 1000;
  int frame = 0;
  double sentMs = 0;

  [[nodiscard]] std::uint32_t timestamp() const { return firstTs + static_cast<std::uint32_t>(frame * 160); }

  void send(double delayMs) {
    sentMs = startMs + frame * 20 / rate;
    clock.note(timestamp(), sentMs + delayMs);
    frame++;
  }
  void steady(int frames, double delayMs = 5) {
    for (int i = 0; i < frames; i++) send(delayMs);
  }
  /// Packets held up and let go together.
  void burst(double ms) {
    const int frames = static_cast<int>(ms / 20);
    for (int i = 0; i < frames; i++) send(5 + ms - i * 20);
  }
  /// How far the mapping is from when the newest frame would have come without a queue.
  [[nodiscard]] double error() const { return clock.at(timestamp() - 160) - (sentMs + 5); }
};

}  // namespace

TEST_CASE("a burst does not move the mapping") {
  for (const double ms : {50.0, 150.0, 300.0, 900.0, 2500.0}) {
    CAPTURE(ms);
    Stream stream;
    stream.steady(100);
    stream.burst(ms);
    CHECK(std::abs(stream.error()) < 0.01);
    stream.steady(5);
    CHECK(std::abs(stream.error()) < 0.01);
  }
}

TEST_CASE("jitter does not move it by more than a millisecond") {
  std::mt19937 random(7);
  std::exponential_distribution<double> queue(1 / 30.0);
  Stream stream;
  for (int i = 0; i < 3000; i++) stream.send(5 + queue(random));
  CHECK(std::abs(stream.error()) < 1);
}

TEST_CASE("follows a clock that drifts") {
  for (const double ppm : {-200.0, 200.0}) {
    CAPTURE(ppm);
    Stream stream;
    stream.rate = 1 + ppm / 1e6;
    stream.steady(50 * 3600);  // timestamps wrap on the way
    CHECK(std::abs(stream.error()) < 5);
  }
}

TEST_CASE("follows a delay that has become longer for good, or shorter") {
  Stream stream;
  stream.steady(500, 5);
  stream.steady(1500, 105);
  CHECK(stream.error() == doctest::Approx(100));
  stream.steady(500, 5);
  CHECK(std::abs(stream.error()) < 0.01);
}

TEST_CASE("moves slowly: what is asked at once gets one answer") {
  Stream stream;
  stream.send(805);  // the stream begins in a burst
  for (int i = 1; i < 40; i++) {
    const double beforeMs = stream.clock.at(stream.timestamp());
    stream.send(805 - i * 20);
    CHECK(std::abs(stream.clock.at(stream.timestamp() - 160) - beforeMs) <= 2.01);
  }
  stream.steady(500);
  CHECK(std::abs(stream.error()) < 0.01);
}

TEST_CASE("begins anew where timestamps jump") {
  for (const std::uint32_t jump : {0x40000000u, 0x90000000u, 80'000u, 0u - 80'000u}) {
    CAPTURE(jump);
    Stream stream;
    stream.steady(100);
    stream.firstTs += jump;
    stream.send(5);
    CHECK(std::abs(stream.error()) < 0.01);
  }
}

TEST_CASE("packets out of order and pauses leave it where it is") {
  Stream stream;
  stream.steady(50);
  stream.clock.note(stream.timestamp() - 5 * 160, stream.sentMs + 5);
  CHECK(std::abs(stream.error()) < 0.01);
  stream.frame += 3000;  // a minute of silence that nobody sent
  stream.steady(1);
  CHECK(std::abs(stream.error()) < 0.01);
}

TEST_SUITE_END();
