#include "dsp/alarm_filter.h"

#include <cmath>
#include <cstring>
#include <numbers>

#include "dsp/dtmf.h"

namespace hushpay {
namespace {

// Four floats that are added and multiplied as one.
using Quad = float __attribute__((vector_size(4 * sizeof(float))));

constexpr double kCornerHz = 560;
constexpr float kFaintRms = 6;  // about -69 dBm0: no pair is looked for in that
constexpr std::size_t kTones = 8;
constexpr std::size_t kHop = AlarmFilter::kHop;
constexpr std::size_t kInputs = kHop + 4;  // samples and the state of the filter
constexpr std::size_t kQuads = 4 + kHop / 4 + 1;

struct Coefficients {
  double b0, b1, b2, a1, a2;
};

/// Butterworth high-pass of fourth order: 300 Hz loses 22 dB, 697 Hz 0.7 dB.
struct HighPass {
  std::array<Coefficients, 2> section{};
  std::array<float, kTones> gain{};  // power, of the nominal frequencies
};

HighPass makeHighPass() {
  HighPass pass;
  constexpr std::array<double, 2> kQuality = {0.54120, 1.30656};
  const double w = 2 * std::numbers::pi * kCornerHz / kSampleRateHz;
  pass.gain.fill(1);
  for (std::size_t i = 0; i < 2; i++) {
    const double alpha = std::sin(w) / (2 * kQuality[i]);
    const double a0 = 1 + alpha;
    const double b = (1 + std::cos(w)) / 2 / a0;
    const double a1 = -2 * std::cos(w) / a0;
    const double a2 = (1 - alpha) / a0;
    pass.section[i] = {.b0 = b, .b1 = -2 * b, .b2 = b, .a1 = a1, .a2 = a2};
    for (std::size_t tone = 0; tone < kTones; tone++) {
      const auto z = std::polar(1.0, -2 * std::numbers::pi * kToneHz[tone] / kSampleRateHz);
      pass.gain[tone] *=
          static_cast<float>(std::norm(b * (1.0 - 2.0 * z + z * z) / (1.0 + a1 * z + a2 * z * z)));
    }
  }
  return pass;
}

/// Filter and demodulators are linear, so a hop is one product: of its samples and what the filter remembers
/// with what each of them alone makes of the eight tones (real, imaginary), the filtered samples and the next
/// memory.
struct Matrix {
  std::array<std::array<Quad, kQuads>, kInputs> row{};
};

Matrix makeMatrix(const HighPass& pass) {
  Matrix matrix;
  for (std::size_t input = 0; input < kInputs; input++) {
    std::array<double, 4> state{};  // direct form II, transposed
    if (input >= kHop) state[input - kHop] = 1;
    std::array<double, 4 * kQuads> out{};
    for (std::size_t n = 0; n < kHop; n++) {
      double value = n == input ? 1 : 0;
      for (std::size_t i = 0; i < 2; i++) {
        const Coefficients& c = pass.section[i];
        const double passed = c.b0 * value + state[2 * i];
        state[2 * i] = c.b1 * value - c.a1 * passed + state[2 * i + 1];
        state[2 * i + 1] = c.b2 * value - c.a2 * passed;
        value = passed;
      }
      out[2 * kTones + n] = value;
      for (std::size_t tone = 0; tone < kTones; tone++) {
        const double angle = 2 * std::numbers::pi * kToneHz[tone] * static_cast<double>(n) / kSampleRateHz;
        out[tone] += value * std::cos(angle);
        out[kTones + tone] -= value * std::sin(angle);
      }
    }
    for (std::size_t i = 0; i < 4; i++) out[2 * kTones + kHop + i] = state[i];
    for (std::size_t i = 0; i < 4 * kQuads; i++) matrix.row[input][i / 4][i % 4] = static_cast<float>(out[i]);
  }
  return matrix;
}

struct Turns {
  alignas(16) std::array<std::array<float, 2 * kTones>, AlarmFilter::kPhasePeriod> of{};
};

Turns makeTurns() {
  Turns turns;
  for (std::size_t hop = 0; hop < turns.of.size(); hop++) {
    for (std::size_t tone = 0; tone < kTones; tone++) {
      const auto steps = hop * static_cast<std::size_t>(kToneHz[tone]) % turns.of.size();
      const double angle = -2 * std::numbers::pi * static_cast<double>(steps) / AlarmFilter::kPhasePeriod;
      turns.of[hop][tone] = static_cast<float>(std::cos(angle));
      turns.of[hop][kTones + tone] = static_cast<float>(std::sin(angle));
    }
  }
  return turns;
}

const HighPass kHighPass = makeHighPass();
const Matrix kMatrix = makeMatrix(kHighPass);
const Turns kTurns = makeTurns();

/// Adds what four samples make. What a sample does comes behind it: of the filtered ones before there is
/// nothing.
template <std::size_t kGroup>
[[gnu::always_inline]] inline void add(const std::array<float, kHop>& in,
                                       std::array<Quad, kQuads>& sum) noexcept {
  for (std::size_t n = 4 * kGroup; n < 4 * kGroup + 4; n++) {
    for (std::size_t i = 0; i < 4; i++) sum[i] += in[n] * kMatrix.row[n][i];
    for (std::size_t i = 4 + kGroup; i < kQuads; i++) sum[i] += in[n] * kMatrix.row[n][i];
  }
}

float sumOf(Quad quad) noexcept { return quad[0] + quad[1] + quad[2] + quad[3]; }

}  // namespace

void AlarmFilter::next(std::span<const std::int16_t, kHop> samples, AlarmHop& into) noexcept {
  const std::int64_t hop = count_++;
  std::array<float, kHop> in;
  float whole = 0;
  for (std::size_t n = 0; n < kHop; n++) {
    in[n] = samples[n];
    whole += in[n] * in[n];
  }
  if (whole < kHop * kFaintRms * kFaintRms) {
    state_ = {};
    into = {.energy = whole, .wholeEnergy = whole};
    return;
  }
  std::array<Quad, kQuads> sum{};
  add<0>(in, sum);
  add<1>(in, sum);
  add<2>(in, sum);
  add<3>(in, sum);
  for (std::size_t n = 0; n < state_.size(); n++) {
    for (std::size_t i = 0; i < kQuads; i++) sum[i] += state_[n] * kMatrix.row[kHop + n][i];
  }
  std::memcpy(state_.data(), &sum[kQuads - 1], sizeof state_);
  Quad energy{};
  for (std::size_t i = 4; i + 1 < kQuads; i++) energy += sum[i] * sum[i];
  into.energy = sumOf(energy);
  into.wholeEnergy = whole;
  std::array<Quad, 4> turn;
  std::memcpy(turn.data(), kTurns.of[static_cast<std::size_t>(hop % kPhasePeriod)].data(), sizeof turn);
  const std::array<Quad, 4> turned = {
      sum[0] * turn[0] - sum[2] * turn[2], sum[1] * turn[1] - sum[3] * turn[3],
      sum[0] * turn[2] + sum[2] * turn[0], sum[1] * turn[3] + sum[3] * turn[1]};
  std::memcpy(into.tone.data(), turned.data(), sizeof turned);
}

float AlarmFilter::gain(std::size_t bin) noexcept { return kHighPass.gain[bin]; }

std::complex<float> AlarmFilter::turn(std::int64_t hop, std::size_t bin) noexcept {
  const auto& turn = kTurns.of[static_cast<std::size_t>(hop % kPhasePeriod)];
  return {turn[bin], turn[kTones + bin]};
}

}  // namespace hushpay
