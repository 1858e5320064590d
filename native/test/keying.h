#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "dsp/tone_detector.h"
#include "leak_meter.h"
#include "media/clamp.h"
#include "media/clamp_fill.h"
#include "tone_maker.h"

namespace hushpay {

/// One way keys may reach the clamp.
struct Keying {
  std::string name;
  double onMs = 80;
  double offMs = 80;
  double levelDbm0 = -10;
  double highOverLowDb = 0;
  double offset = 0;         // of both tones, relative
  double noiseDbm0 = -70;    // white, of the line
  double speechUnderDb = 0;  // speech so far below the tones; 0: nobody speaks
  double breakMs = 0;        // in the middle of a key
  int lossPercent = 0;
  enum class Loss : std::uint8_t { kMarked, kZeros, kRepeats } loss = Loss::kMarked;
};

/// The conditions of tests and benchmark: what lines, phones and packets do to keys.
inline std::vector<Keying> conditions() {
  using Loss = Keying::Loss;
  return {
      {.name = "plain"},
      {.name = "40 ms on, 40 ms off", .onMs = 40, .offMs = 40},
      {.name = "long", .onMs = 900, .offMs = 200},
      {.name = "loud", .levelDbm0 = -2},
      {.name = "faint", .levelDbm0 = -38},
      {.name = "high tone 4 dB louder", .highOverLowDb = 4},
      {.name = "high tone 8 dB fainter", .highOverLowDb = -8},
      {.name = "sharp", .offset = 0.018},
      {.name = "flat", .offset = -0.018},
      {.name = "noise 15 dB below", .noiseDbm0 = -25},
      {.name = "speech 15 dB below", .speechUnderDb = 15},
      {.name = "speech 10 dB below", .speechUnderDb = 10},
      {.name = "a break of 18 ms", .breakMs = 18},
      {.name = "5 % lost, and known", .lossPercent = 5},
      {.name = "5 % lost, zeros", .lossPercent = 5, .loss = Loss::kZeros},
      {.name = "5 % lost, repeats", .lossPercent = 5, .loss = Loss::kRepeats},
      {.name = "50 ms, 5 % lost, and known", .onMs = 50, .offMs = 50, .lossPercent = 5},
  };
}

struct Press {
  std::int64_t onset;
  std::int64_t end;
  std::uint8_t key;
};

/// What a microphone heard, which packets of 20 ms of it were lost, and what was keyed.
struct Take {
  std::vector<std::int16_t> pcm;
  std::vector<bool> lost;
  std::vector<Press> presses;
};

/// @param speech  any samples of a voice; scaled, repeated
inline Take record(const Keying& how, int digits, std::span<const std::int16_t> speech, unsigned seed) {
  std::mt19937 random(seed);
  Take take;
  ToneMaker maker;
  maker.silence(300);
  for (int i = 0; i < digits; i++) {
    const auto key = static_cast<std::uint8_t>(random() % 16);
    maker.silence(static_cast<double>(random() % 160) / 8);
    const auto onset = static_cast<std::int64_t>(maker.pcm.size());
    maker.tone({.key = key,
                .durationMs = how.onMs,
                .levelDbm0 = how.levelDbm0 - std::max(0.0, how.highOverLowDb),
                .highOverLowDb = how.highOverLowDb,
                .lowOffset = how.offset,
                .highOffset = how.offset});
    const auto end = static_cast<std::int64_t>(maker.pcm.size());
    const auto gap = static_cast<std::int64_t>(how.breakMs * 8);
    const auto middle = (onset + end - gap) / 2;
    std::fill_n(maker.pcm.begin() + middle, gap, std::int16_t{0});
    take.presses.push_back({onset, end, key});
    maker.silence(how.offMs);
  }
  maker.silence(300);
  if (how.speechUnderDb > 0 && !speech.empty()) {
    double power = 0;
    for (const double value : speech) power += value * value / static_cast<double>(speech.size());
    const double wanted = ToneMaker::peakOf(how.levelDbm0 + 3 - how.speechUnderDb) / std::numbers::sqrt2;
    const double gain = wanted / std::sqrt(power);
    const std::size_t start = random() % speech.size();
    for (std::size_t n = 0; n < maker.pcm.size(); n++)
      maker.pcm[n] = ToneMaker::clipped(maker.pcm[n] + gain * speech[(start + n) % speech.size()]);
  }
  maker.noise(how.noiseDbm0, seed + 1);
  maker.pcm.resize(maker.pcm.size() / 160 * 160);
  take.lost.resize(maker.pcm.size() / 160);
  for (std::size_t packet = 11; packet < take.lost.size(); packet++) {
    if (static_cast<int>(random() % 100) >= how.lossPercent) continue;
    const auto at = maker.pcm.begin() + static_cast<std::ptrdiff_t>(160 * packet);
    if (how.loss == Keying::Loss::kRepeats)
      std::copy_n(at - 160, 160, at);
    else
      std::fill_n(at, 160, std::int16_t{0});
    take.lost[packet] = how.loss == Keying::Loss::kMarked;
  }
  take.pcm = std::move(maker.pcm);
  return take;
}

/// What a listener hears of it, each sample at the instant it was spoken.
struct Clamped {
  std::vector<std::int16_t> pcm;
  std::vector<Pass> pass;
  ClampReport report;
};

inline void feedTone(ToneDetector& detector, std::span<const std::int16_t> pcm, bool lost, Clamp& clamp) {
  ToneEdges edges;
  if (lost)
    detector.conceal(pcm.size(), edges);
  else
    detector.feed(pcm, edges);
  for (std::size_t i = 0; i < edges.count; i++) {
    const ToneEdge& edge = edges.items[i];
    const auto ago = static_cast<int>(detector.samplesFed() - edge.onsetSample);
    if (edge.down)
      clamp.keyDown(KeyCarrier::kTone, edge.key, ago);
    else
      clamp.keyUp(KeyCarrier::kTone, ago - static_cast<int>(edge.durationSamples));
  }
}

inline Clamped clampTake(const Take& take, ClampMode mode = ClampMode::kComfortNoise) {
  const auto clamp = std::make_unique<Clamp>();
  const auto detector = std::make_unique<ToneDetector>();
  const auto fill = std::make_unique<ClampFill>();
  clamp->arm();
  std::vector<std::int16_t> in = take.pcm;
  in.resize(in.size() + Clamp::kLookAhead);
  Clamped result{
      .pcm = std::vector<std::int16_t>(in.size()), .pass = std::vector<Pass>(in.size()), .report = {}};
  for (std::size_t at = 0; at < in.size(); at += 160) {
    const bool lost = at / 160 < take.lost.size() && take.lost[at / 160];
    const auto frame = std::span<const std::int16_t>(in).subspan(at, 160);
    const auto out = std::span(result.pcm).subspan(at, 160);
    const auto pass = std::span(result.pass).subspan(at, 160);
    clamp->process(frame, lost ? Heard::kLost : Heard::kAudio, out, pass);
    feedTone(*detector, frame, lost, *clamp);
    fill->learn(out, pass);
    fill->fill(mode, out, pass);
  }
  constexpr auto kDelay = static_cast<std::ptrdiff_t>(Clamp::kLookAhead);
  result.pcm.erase(result.pcm.begin(), result.pcm.begin() + kDelay);
  result.pass.erase(result.pass.begin(), result.pass.begin() + kDelay);
  result.report = clamp->report();
  return result;
}

struct Leak {
  int presses = 0;
  int decoded = 0;
  float residualP95Dbm0 = -99;
};

inline Leak leakOf(std::span<const std::int16_t> pcm, const std::vector<Press>& presses) {
  Leak leak;
  std::vector<float> residuals;
  for (const Press& press : presses) {
    const auto reading = LeakMeter::read(pcm, press.onset, press.end, press.key);
    leak.presses++;
    leak.decoded += reading.heard && reading.key == press.key ? 1 : 0;
    residuals.push_back(reading.residualDbm0);
  }
  std::ranges::sort(residuals);
  if (!residuals.empty()) leak.residualP95Dbm0 = residuals[(residuals.size() - 1) * 95 / 100];
  return leak;
}

}  // namespace hushpay
