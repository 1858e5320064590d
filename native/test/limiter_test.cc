#include "media/limiter.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <numbers>

#include "media/dc_offset.h"
#include "media/wav.h"
#include "party.h"

using namespace hushpay;

TEST_SUITE_BEGIN("limiter_test");

namespace {

std::vector<float> sine(double hz, double peak, std::size_t count, std::size_t from = 0) {
  std::vector<float> samples(count);
  for (std::size_t n = 0; n < count; n++)
    samples[n] =
        static_cast<float>(peak * std::sin(2 * std::numbers::pi * hz * static_cast<double>(n + from) / 8000));
  return samples;
}

double amplitude(std::span<const float> samples, double hz) {
  double re = 0;
  double im = 0;
  for (std::size_t n = 0; n < samples.size(); n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / 8000;
    re += samples[n] * std::cos(at);
    im += samples[n] * std::sin(at);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(samples.size());
}

}  // namespace

TEST_CASE("touches nothing that one talker can say") {
  Limiter limiter;
  for (std::size_t block = 0; block < 50; block++) {
    const auto before = sine(440, 32'256, 160, block * 160);
    auto mix = before;
    limiter.apply(mix);
    CHECK(mix == before);
  }
}

TEST_CASE("two loud talkers are turned down, not clipped: no harmonic rises above -50 dB") {
  Limiter limiter;
  std::vector<float> out;
  for (std::size_t block = 0; block < 50; block++) {
    auto mix = sine(400, 60'000, 160, block * 160);
    limiter.apply(mix);
    for (const float sample : mix) REQUIRE(std::abs(sample) <= 32'767);
    out.insert(out.end(), mix.begin(), mix.end());
  }
  const auto settled = std::span<const float>(out).subspan(1600);
  const double wanted = amplitude(settled, 400);
  CHECK(wanted == doctest::Approx(32'256).epsilon(0.01));
  for (const double hz : {800.0, 1200.0, 2000.0, 2800.0}) CHECK(amplitude(settled, hz) < wanted / 316);
}

TEST_CASE("comes back after a shout within two seconds and then touches nothing") {
  Limiter limiter;
  auto shout = sine(400, 90'000, 160);
  limiter.apply(shout);
  for (int block = 0; block < 100; block++) {
    auto mix = sine(400, 8000, 160);
    limiter.apply(mix);
  }
  const auto before = sine(400, 8000, 160);
  auto mix = before;
  limiter.apply(mix);
  CHECK(mix == before);
}

TEST_CASE("a room of loud talkers is sent no clipped sample") {
  Call call({20, 20});
  Party& listener = call.join(20, Codec::kL16);
  for (const std::size_t speaker : {0U, 1U}) call.hear(2, speaker, {.access = Access::kOpen, .gain = 6});
  call.run(1000);
  const auto heard = std::span(listener.ear.heard).subspan(2400);
  CHECK(*std::ranges::max_element(heard) > 31'000);
  CHECK(*std::ranges::max_element(heard) <= 32'256);
  CHECK(*std::ranges::min_element(heard) >= -32'256);
}

TEST_CASE("a constant offset is gone after a tenth of a second, the tone on it is as it was") {
  for (const double offset : {-6000.0, -500.0, 150.0, 3000.0}) {
    CAPTURE(offset);
    DcOffset dc;
    std::vector<float> out;
    for (std::size_t block = 0; block < 100; block++) {
      const auto tone = sine(697, 9000, 160, block * 160);
      std::array<std::int16_t, 160> samples{};
      for (std::size_t i = 0; i < 160; i++) samples[i] = static_cast<std::int16_t>(tone[i] + offset);
      dc.remove(samples);
      for (const std::int16_t sample : samples) out.push_back(sample);
    }
    const auto settled = std::span<const float>(out).last(12'000);
    double mean = 0;
    for (const float sample : settled) mean += sample;
    CHECK(std::abs(mean / 12'000) < 25);
    CHECK(amplitude(settled, 697) == doctest::Approx(9000).epsilon(0.002));
    double early = 0;
    for (std::size_t i = 1600; i < 2400; i++) early += out[i];
    CHECK(std::abs(early / 800) < 64);
  }
}

TEST_CASE("an ordinary line is left to the bit: silence of A-law, and speech-like swings") {
  DcOffset dc;
  std::array<std::int16_t, 160> idle;
  for (std::size_t block = 0; block < 50; block++) {
    idle.fill(8);
    dc.remove(idle);
    CHECK(std::ranges::all_of(idle, [](std::int16_t sample) { return sample == 8; }));
  }
  for (std::size_t block = 0; block < 500; block++) {
    const auto voice =
        sine(100 + static_cast<double>(block % 7) * 11, block % 50 < 30 ? 12'000 : 100, 160, block * 160);
    std::array<std::int16_t, 160> samples{};
    for (std::size_t i = 0; i < 160; i++) samples[i] = static_cast<std::int16_t>(voice[i]);
    const auto before = samples;
    dc.remove(samples);
    CHECK(samples == before);
  }
}

TEST_CASE("recorded speech is left to the bit") {
  std::size_t recordings = 0;
  for (const auto& file : std::filesystem::directory_iterator(HUSHPAY_AUDIO "/en-GB")) {
    if (file.path().extension() != ".wav") continue;
    const WavResult wav = readWav(file.path().string());
    auto samples = std::get<std::vector<std::int16_t>>(wav);
    const auto before = samples;
    DcOffset dc;
    for (std::size_t at = 0; at + 160 <= samples.size(); at += 160)
      dc.remove(std::span(samples).subspan(at, 160));
    CAPTURE(file.path().filename().string());
    CHECK(samples == before);
    recordings++;
  }
  CHECK(recordings > 100);
}

TEST_CASE("a leg with an offset is heard without it, and its keys are found and clamped") {
  Call call({20, 20, 20});
  call.hear(1, 0, kOpen);
  call.hear(2, 0, kClamped);
  const auto lifted = [](Pcm pcm) {
    for (auto& sample : pcm) sample = static_cast<std::int16_t>(sample + 5000);
    return pcm;
  };
  call.run(1000, [&](Party& party) {
    party.send(call.nowMs, &party == &call[0] ? lifted(party.hum()) : party.hum());
  });
  for (const std::size_t listener : {1U, 2U}) {
    double mean = 0;
    const auto heard = std::span(call[listener].ear.heard).last(4800);
    for (const std::int16_t sample : heard) mean += sample;
    CHECK(std::abs(mean / 4800) < 100);
    CHECK(call[listener].hears(kHz[0]) == doctest::Approx(kPeak).epsilon(0.06));
  }
  call.run(400,
           [&](Party& party) { party.send(call.nowMs, &party == &call[0] ? lifted(Pcm(160)) : Pcm(160)); });
  std::uint32_t at = 0;
  call.run(120, [&](Party& party) {
    if (&party != &call[0]) return party.send(call.nowMs, Pcm(160));
    Pcm key(160);
    for (auto& sample : key) {
      const double angle = 2 * std::numbers::pi * at++ / 8000;
      sample = static_cast<std::int16_t>(5000 * (std::sin(angle * 770) + std::sin(angle * 1336)));
    }
    party.send(call.nowMs, lifted(key));
  });
  call.run(400,
           [&](Party& party) { party.send(call.nowMs, &party == &call[0] ? lifted(Pcm(160)) : Pcm(160)); });
  CHECK(call[0].session.counts().clamp.tonePresses == 1);
  CHECK(call[0].session.counts().clamp.worstResidualDbm0 < -50);
  CHECK(call[2].hears(770, 700) < 30);
}

TEST_SUITE_END();
