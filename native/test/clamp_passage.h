#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <span>
#include <vector>

#include "media/clamp.h"
#include "tone_maker.h"

namespace hushpay {

/// A voice of its own: a pitch that wanders, three resonances, pauses.
inline std::vector<std::int16_t> voice(int ms, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> gauss;
  const auto upTo = [&](double base, unsigned more) { return base + static_cast<double>(random() % more); };
  const auto count = static_cast<std::size_t>(8 * ms);
  std::vector<std::int16_t> pcm(count);
  double phase = 0;
  double pitchHz = 120;
  std::array<std::array<double, 2>, 3> memory{};
  std::array<double, 3> formantHz = {500, 1400, 2500};
  bool speaks = true;
  for (std::size_t n = 0; n < count; n++) {
    if (n % 1200 == 0) {
      speaks = random() % 5 != 0;
      formantHz = {upTo(300, 500), upTo(900, 1200), upTo(2200, 800)};
      pitchHz = upTo(90, 120);
    }
    phase += pitchHz / 8000;
    double source = 0.02 * gauss(random);
    if (phase >= 1) {
      phase -= 1;
      source += 1;
    }
    double sum = 0;
    for (std::size_t i = 0; i < 3; i++) {
      const double r = std::exp(-std::numbers::pi * 90 / 8000);
      const double now = source +
                         2 * r * std::cos(2 * std::numbers::pi * formantHz[i] / 8000) * memory[i][0] -
                         r * r * memory[i][1];
      memory[i] = {now, memory[i][0]};
      sum += now / static_cast<double>(i + 1);
    }
    pcm[n] = ToneMaker::clipped(speaks ? 900 * sum : 0);
  }
  return pcm;
}

inline std::vector<std::int16_t> sine(int ms, double hz, double dbm0) {
  std::vector<std::int16_t> pcm(static_cast<std::size_t>(8 * ms));
  for (std::size_t n = 0; n < pcm.size(); n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / 8000;
    pcm[n] = ToneMaker::clipped(ToneMaker::peakOf(dbm0) * std::sin(at));
  }
  return pcm;
}

/// What left a clamp.
struct Passage {
  std::vector<std::int16_t> pcm;
  std::vector<Pass> pass;
};

inline Passage through(Clamp& clamp, std::span<const std::int16_t> in, Heard heard = Heard::kAudio) {
  Passage out{.pcm = std::vector<std::int16_t>(in.size()), .pass = std::vector<Pass>(in.size())};
  for (std::size_t at = 0; at < in.size(); at += 160) {
    const std::size_t size = std::min<std::size_t>(160, in.size() - at);
    clamp.process(in.subspan(at, size), heard, std::span(out.pcm).subspan(at, size),
                  std::span(out.pass).subspan(at, size));
  }
  return out;
}

}  // namespace hushpay
