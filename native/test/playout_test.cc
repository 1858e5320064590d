#include "media/playout.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "listening.h"
#include "no_allocation.h"

using namespace hushpay;

TEST_SUITE_BEGIN("playout_test");

namespace {

constexpr std::size_t kPacket = 160;
using Pcm = std::vector<std::int16_t>;

/// A voiced sound: a few harmonics of a fundamental whose strength swells and fades.
Pcm voiced(double hz, std::size_t samples, double peak = 4000) {
  Pcm pcm(samples);
  for (std::size_t n = 0; n < samples; n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / 8000;
    const double swell = 0.6 + 0.4 * std::sin(static_cast<double>(n) / 2000);
    pcm[n] = static_cast<std::int16_t>(
        peak * swell * (0.5 * std::sin(at) + 0.3 * std::sin(2 * at + 1) + 0.2 * std::sin(3 * at + 2)));
  }
  return pcm;
}

/// A listener who pulls a block of 20 ms each time.
struct Listener {
  Playout playout;
  Pcm heard;
  Pcm raw;
  std::vector<Pass> pass;
  bool wantsRaw = false;

  void push(std::span<const std::int16_t> samples, Pass what = Pass::kOpen) {
    const std::vector<Pass> each(samples.size(), what);
    const Pcm nothing(samples.size());
    playout.push(what == Pass::kOpen ? samples : nothing, samples, each);
  }

  void pull(std::size_t count = kPacket) {
    std::array<std::int16_t, kPacket> clean{};
    std::array<std::int16_t, kPacket> open{};
    std::array<Pass, kPacket> each{};
    playout.pull({.clean = std::span(clean).first(count),
                  .raw = std::span(open).first(wantsRaw ? count : 0),
                  .pass = std::span(each).first(count)});
    heard.insert(heard.end(), clean.begin(), clean.begin() + static_cast<std::ptrdiff_t>(count));
    if (wantsRaw) raw.insert(raw.end(), open.begin(), open.begin() + static_cast<std::ptrdiff_t>(count));
    pass.insert(pass.end(), each.begin(), each.begin() + static_cast<std::ptrdiff_t>(count));
  }
};

double rms(std::span<const std::int16_t> pcm) {
  double energy = 0;
  for (const auto sample : pcm) energy += static_cast<double>(sample) * sample;
  return std::sqrt(energy / static_cast<double>(pcm.size()));
}

}  // namespace

TEST_CASE("an even stream comes out as it went in, one start later") {
  Listener listener;
  const Pcm said = voiced(120, 50 * kPacket);
  for (std::size_t at = 0; at < said.size(); at += kPacket) {
    listener.push(std::span(said).subspan(at, kPacket));
    listener.pull();
  }
  // The first packet waited for the second; the beginning is faded in.
  for (std::size_t i = 100; i < 40 * kPacket; i++) CHECK(listener.heard[i + kPacket] == said[i]);
  CHECK(listener.playout.figures().concealed == 0);
  CHECK(listener.playout.figures().discarded == 0);
}

TEST_CASE("a lost packet is filled with a voice like the one before, without a click") {
  for (const double hz : {80.0, 120.0, 190.0, 310.0}) {
    CAPTURE(hz);
    Listener listener;
    const Pcm said = voiced(hz, 60 * kPacket);
    for (std::size_t packet = 0; packet < 60; packet++) {
      const auto samples = std::span(said).subspan(packet * kPacket, kPacket);
      listener.push(samples, packet == 30 ? Pass::kMissing : Pass::kOpen);
      listener.pull();
    }
    const auto gap = std::span(listener.heard).subspan(31 * kPacket, kPacket);
    const auto wanted = std::span(said).subspan(30 * kPacket, kPacket);
    double error = 0;
    for (std::size_t i = 0; i < kPacket; i++) error += std::pow(gap[i] - wanted[i], 2);
    const double snrDb = 20 * std::log10(rms(wanted) / std::sqrt(error / kPacket + 1));
    CHECK(snrDb > 8);
    CHECK(largestStep(std::span(listener.heard).subspan(25 * kPacket, 12 * kPacket)) <
          1.3 * largestStep(said));
    CHECK(listener.playout.figures().concealed == kPacket);
  }
}

TEST_CASE("a long loss fades to the noise of the line") {
  Listener listener;
  Pcm said = voiced(120, 100 * kPacket);
  std::mt19937 random(1);
  std::normal_distribution<double> noise(0, 20);
  for (std::size_t i = 0; i < 50 * kPacket; i++)
    said[i] = static_cast<std::int16_t>(noise(random));  // nobody speaks yet
  for (std::size_t packet = 0; packet < 75; packet++) {
    listener.push(std::span(said).subspan(packet * kPacket, kPacket));
    listener.pull();
  }
  for (int i = 0; i < 7; i++) listener.pull();
  const auto end = std::span(listener.heard).last(kPacket);
  CHECK(rms(end) > 8);
  CHECK(rms(end) < 40);
}

TEST_CASE("jitter that stays is waited for, and not much longer") {
  std::mt19937 random(7);
  Listener listener;
  const Pcm said = voiced(130, 3000 * kPacket, 3000);
  // Packets come up to 45 ms late but in order; a block is pulled every 20 ms.
  std::size_t next = 0;
  double freeAtMs = 0;
  std::vector<double> arrivalMs(3000);
  for (std::size_t i = 0; i < arrivalMs.size(); i++) {
    const double lateMs = std::uniform_real_distribution<double>(0, 45)(random);
    freeAtMs = std::max(freeAtMs, static_cast<double>(i) * 20 + lateMs);
    arrivalMs[i] = freeAtMs;
  }
  std::uint64_t concealedAtFirst = 0;
  for (int block = 0; block < 2980; block++) {
    while (next < arrivalMs.size() && arrivalMs[next] <= block * 20.0) {
      listener.push(std::span(said).subspan(next * kPacket, kPacket));
      next++;
    }
    listener.pull();
    if (block == 500) concealedAtFirst = listener.playout.figures().concealed;
  }
  CHECK(concealedAtFirst > 0);
  CHECK(listener.playout.figures().concealed - concealedAtFirst < 8 * 100);  // under 100 ms in 50 s
  CHECK(listener.playout.delaySamples() / 8 < 90);
  CHECK(listener.playout.figures().discarded == 0);
}

TEST_CASE("delay that is needed no longer is cut away without loss or click") {
  Listener listener;
  const Pcm said = voiced(110, 2000 * kPacket);
  std::size_t next = 0;
  const auto say = [&](std::size_t packets) {
    for (; packets > 0; packets--, next++) listener.push(std::span(said).subspan(next * kPacket, kPacket));
  };
  say(6);  // a burst: 100 ms too much
  for (int block = 0; block < 1500; block++) {
    listener.pull();
    say(1);
  }
  CHECK(listener.playout.delaySamples() / 8 < 45);
  CHECK(listener.playout.figures().removed > 500);
  CHECK(listener.playout.figures().concealed == 0);
  CHECK(largestStep(std::span(listener.heard).subspan(kPacket)) < 1.3 * largestStep(said));
}

TEST_CASE("clocks that differ by 200 ppm are followed either way") {
  for (const double ratio : {1.0002, 0.9998}) {
    CAPTURE(ratio);
    Listener listener;
    const Pcm said = voiced(140, 30'000 * kPacket);
    double sent = 0;
    std::size_t next = 0;
    for (int block = 0; block < 20'000; block++) {  // 400 s: 80 ms of drift
      sent += ratio;
      while (static_cast<double>(next) < sent) {
        listener.push(std::span(said).subspan(next * kPacket, kPacket));
        next++;
      }
      listener.pull();
    }
    CHECK(listener.playout.figures().discarded == 0);
    CHECK(listener.playout.figures().concealed < 8 * 60);
    CHECK(listener.playout.delaySamples() / 8 < 60);
    CHECK(largestStep(std::span(listener.heard).subspan(2 * kPacket)) < 1.5 * largestStep(said));
  }
}

TEST_CASE("delay is bounded: what is too much is dropped and counted") {
  Listener listener;
  const Pcm said = voiced(110, 20 * kPacket);
  for (int round = 0; round < 3; round++) {
    for (std::size_t packet = 0; packet < 12; packet++)
      listener.push(std::span(said).subspan(packet * kPacket, kPacket));
  }
  listener.pull();
  CHECK(listener.playout.level() <= Playout::kMaxDelay);
  CHECK(listener.playout.figures().discarded > 0);
}

TEST_CASE("a loss that was concealed before it was known is not concealed twice") {
  Listener listener;
  const Pcm said = voiced(120, 60 * kPacket);
  for (std::size_t packet = 0; packet < 60; packet++) {
    if (packet == 30 || packet == 31) {
      listener.pull();  // nothing has come: one packet was waiting, the second time there is none
      continue;
    }
    const auto samples = std::span(said).subspan(packet * kPacket, kPacket);
    for (int lost = 0; lost < (packet == 32 ? 2 : 0); lost++) listener.push(samples, Pass::kMissing);
    listener.push(samples);
    listener.pull();
  }
  CHECK(listener.playout.level() < 3 * kPacket);
  CHECK(listener.playout.figures().concealed == 2 * kPacket);
}

TEST_CASE("what was clamped stays clamped through a gap, and is never repeated") {
  Listener listener;
  listener.wantsRaw = true;
  const Pcm said = voiced(120, 40 * kPacket);
  for (std::size_t packet = 0; packet < 40; packet++) {
    const auto samples = std::span(said).subspan(packet * kPacket, kPacket);
    const Pass what = packet >= 20 && packet < 24 ? Pass::kReplaced
                      : packet == 24              ? Pass::kMissing
                                                  : Pass::kOpen;
    listener.push(samples, what);
    listener.pull();
  }
  for (std::size_t i = 21 * kPacket; i < 26 * kPacket; i++) {
    CHECK(listener.pass[i] == Pass::kReplaced);
    CHECK(listener.heard[i] == 0);
  }
  CHECK(listener.pass[26 * kPacket] == Pass::kOpen);
  CHECK(rms(std::span(listener.raw).subspan(21 * kPacket, 4 * kPacket)) > 500);
}

TEST_CASE("what waits when the clamp closes is closed") {
  Listener listener;
  const Pcm said = voiced(120, 10 * kPacket);
  listener.push(std::span(said).first(6 * kPacket));
  listener.pull();
  listener.playout.closeWaiting(listener.playout.level());
  const std::size_t from = listener.heard.size();
  for (int i = 0; i < 7; i++) listener.pull();
  for (std::size_t i = from; i < listener.heard.size(); i++) {
    CHECK(listener.pass[i] == Pass::kReplaced);
    CHECK(listener.heard[i] == 0);
  }
}

TEST_CASE("a voice that pauses begins again with the delay it needs") {
  Listener listener;
  const Pcm said = voiced(120, 40 * kPacket);
  for (int talk = 0; talk < 3; talk++) {
    for (std::size_t packet = 0; packet < 40; packet++) {
      listener.push(std::span(said).subspan(packet * kPacket, kPacket));
      listener.pull();
    }
    for (int i = 0; i < 50; i++) listener.pull();
  }
  CHECK(listener.playout.figures().discarded == 0);
  CHECK(listener.playout.delaySamples() / 8 < 60);
}

TEST_CASE("survives any order of packets, gaps and pulls, and allocates nothing") {
  std::mt19937 random(42);
  Playout playout;
  const Pcm said = voiced(120, 200 * kPacket);
  std::array<std::int16_t, kPacket> clean{};
  std::array<std::int16_t, kPacket> raw{};
  std::array<Pass, kPacket> pass{};
  std::array<Pass, 480> each{};
  const std::size_t before = allocations();
  for (int i = 0; i < 200'000; i++) {
    const auto dice = random() % 100;
    if (dice < 47) {
      const std::size_t count = 1 + random() % 480;
      each.fill(static_cast<Pass>(random() % 20 > 2 ? 0 : random() % 3));
      const auto samples = std::span(said).subspan(random() % 30'000, count);
      playout.push(samples, samples, std::span(each).first(count));
    } else if (dice < 99) {
      const std::size_t count = random() % 2 == 0 ? 80 : 160;
      playout.pull({.clean = std::span(clean).first(count),
                    .raw = std::span(raw).first(random() % 2 == 0 ? 0 : count),
                    .pass = std::span(pass).first(count)});
      for (std::size_t n = 0; n < count; n++) {
        REQUIRE(pass[n] != Pass::kMissing);
        if (pass[n] == Pass::kReplaced) REQUIRE(clean[n] == 0);
      }
    } else {
      playout.closeWaiting(playout.level());
    }
  }
  CHECK(allocations() == before);
}

TEST_SUITE_END();
