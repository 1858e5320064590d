#include "dsp/tone_alarm.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr int kPhasePeriod = 500;  // hops after which every nominal frequency is back in phase
constexpr float kHopSeconds = static_cast<float>(ToneAlarm::kHop) / kSampleRateHz;
constexpr float kMaxOffset = 0.030F;      // relative, from a nominal frequency
constexpr float kMinRms = 14;             // about -62 dBm0: what is fainter has no pair worth hiding
constexpr float kMaxHighOverLow = 8.0F;   // +9 dB
constexpr float kMinHighOverLow = 0.05F;  // -13 dB
// Within these the alarm is easy to raise: what a key may have by Q.24, and the error of a short fit.
constexpr float kEasyHighOverLow = 3.6F;
constexpr float kEasyLowOverHigh = 9.5F;
constexpr float kSustainedShare = 0.55F;
constexpr float kFirmShare = 0.75F;

/// What the alarm asks of a stretch. `wholeShare` is enough; so is `share` of a pair that began suddenly.
struct Rule {
  int hops;
  float wholeShare;
  float wholeShareBefore;  // at most so much of the pair's power 6 ms before; 1000: whatever
  float share;
  float before;
};
constexpr std::array<Rule, 4> kRules = {{
    {.hops = 3, .wholeShare = 0.965F, .wholeShareBefore = 0.1F, .share = 2.0F, .before = 0},
    {.hops = 4, .wholeShare = 0.93F, .wholeShareBefore = 0.1F, .share = 0.97F, .before = 0.1F},
    {.hops = 6, .wholeShare = 0.80F, .wholeShareBefore = 1000, .share = 0.80F, .before = 0.12F},
    {.hops = 8, .wholeShare = 0.80F, .wholeShareBefore = 1000, .share = 0.80F, .before = 0.12F},
}};
constexpr int kSlackHops = 3;          // by which a pair may have begun before the stretch that tells of it
constexpr float kUneasyShare = 0.90F;  // of all energy, with a twist no key should have

struct Coefficients {
  float b0, b1, b2, a1, a2;
};

/// Butterworth high-pass of fourth order at 560 Hz: 300 Hz loses 22 dB, 697 Hz 0.7 dB.
struct HighPass {
  std::array<Coefficients, 2> section{};
  std::array<float, 8> gain{};  // power, of the nominal frequencies
};

HighPass makeHighPass() {
  HighPass pass;
  constexpr std::array<double, 2> kQuality = {0.54120, 1.30656};
  const double w = 2 * std::numbers::pi * 560 / kSampleRateHz;
  pass.gain.fill(1);
  for (std::size_t i = 0; i < 2; i++) {
    const double alpha = std::sin(w) / (2 * kQuality[i]);
    const double a0 = 1 + alpha;
    const double b = (1 + std::cos(w)) / 2 / a0;
    const double a1 = -2 * std::cos(w) / a0;
    const double a2 = (1 - alpha) / a0;
    pass.section[i] = {.b0 = static_cast<float>(b),
                       .b1 = static_cast<float>(-2 * b),
                       .b2 = static_cast<float>(b),
                       .a1 = static_cast<float>(a1),
                       .a2 = static_cast<float>(a2)};
    for (std::size_t tone = 0; tone < 8; tone++) {
      const auto z = std::polar(1.0, -2 * std::numbers::pi * kToneHz[tone] / kSampleRateHz);
      pass.gain[tone] *=
          static_cast<float>(std::norm(b * (1.0 - 2.0 * z + z * z) / (1.0 + a1 * z + a2 * z * z)));
    }
  }
  return pass;
}

/// Rows are samples of a hop; the columns cosines, then sines of the eight tones.
struct Demodulator {
  alignas(64) std::array<std::array<float, 16>, ToneAlarm::kHop> row{};
  std::array<std::array<std::complex<float>, 8>, kPhasePeriod> turn{};
};

Demodulator makeDemodulator() {
  Demodulator bank;
  for (std::size_t n = 0; n < ToneAlarm::kHop; n++) {
    for (std::size_t tone = 0; tone < 8; tone++) {
      const double angle = 2 * std::numbers::pi * kToneHz[tone] * static_cast<double>(n) / kSampleRateHz;
      bank.row[n][tone] = static_cast<float>(std::cos(angle));
      bank.row[n][8 + tone] = static_cast<float>(-std::sin(angle));
    }
  }
  for (std::size_t hop = 0; hop < kPhasePeriod; hop++) {
    for (std::size_t tone = 0; tone < 8; tone++) {
      const auto steps = hop * static_cast<std::size_t>(kToneHz[tone]) % kPhasePeriod;
      const double cycles = static_cast<double>(steps) / kPhasePeriod;
      bank.turn[hop][tone] = std::polar(1.0F, static_cast<float>(-2 * std::numbers::pi * cycles));
    }
  }
  return bank;
}

const HighPass kHighPass = makeHighPass();
const Demodulator kDemodulator = makeDemodulator();

std::complex<float> unit(float angle) noexcept { return {std::cos(angle), std::sin(angle)}; }

std::complex<float> product(std::complex<float> a, std::complex<float> b) noexcept {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Sum of cos(w * n) over `count` samples about their middle.
float kernel(float w, float count) noexcept {
  const float s = std::sin(w / 2);
  return std::abs(s) < 1e-6F ? count : std::sin(count * w / 2) / s;
}

/// Best a and b of a * x + b * y for what was measured along x and y, and the energy they explain.
struct Pairing {
  float first, second, explained;
};
Pairing solve(float xx, float xy, float yy, float alongX, float alongY) noexcept {
  const float determinant = xx * yy - xy * xy;
  const float a = (yy * alongX - xy * alongY) / determinant;
  const float b = (xx * alongY - xy * alongX) / determinant;
  return {a, b, a * alongX + b * alongY};
}

}  // namespace

ToneAlarm::Verdict ToneAlarm::feed(std::span<const std::int16_t, kHop> hop, bool heard) noexcept {
  Hop& newest = ring_[static_cast<std::size_t>(count_ % kRing)];
  filter(hop, newest);
  if (!heard) newest = {};
  count_++;
  heardRun_ = heard ? heardRun_ + 1 : 0;

  Verdict verdict;
  for (const Rule& rule : kRules) {
    if (heardRun_ < rule.hops) break;
    const bool mayAlarm = !verdict.alarm;
    const bool maySustain = rule.hops == 6;
    if (!mayAlarm && !maySustain) continue;
    const Fit found = fit(rule.hops, maySustain ? kSustainedShare : std::min(rule.share, rule.wholeShare));
    if (!found.found) continue;
    if (mayAlarm) {
      const bool isEasy = found.highOverLow < kEasyHighOverLow && found.highOverLow * kEasyLowOverHigh > 1;
      const bool isWhole =
          found.wholeShare > (isEasy ? rule.wholeShare : std::max(kUneasyShare, rule.wholeShare)) &&
          found.before < rule.wholeShareBefore;
      const bool isSudden = isEasy && found.share > rule.share && found.before < rule.before;
      verdict.alarm = isWhole || isSudden;
      verdict.reach = (rule.hops + kSlackHops) * static_cast<int>(kHop);
    }
    if (verdict.alarm) pair_ = found.bin;
    if (maySustain && found.bin == pair_ && found.share > kSustainedShare) {
      verdict.sustained = true;
      verdict.firm = found.share > kFirmShare;
    }
  }
  return verdict;
}

const ToneAlarm::Hop& ToneAlarm::back(int count) const noexcept {
  return ring_[static_cast<std::size_t>((count_ - 1 - count + kRing) % kRing)];
}

void ToneAlarm::filter(std::span<const std::int16_t, kHop> hop, Hop& into) noexcept {
  std::array<float, kHop> samples;
  float whole = 0;
  float energy = 0;
  for (std::size_t n = 0; n < kHop; n++) {
    float value = hop[n];
    whole += value * value;
    for (std::size_t i = 0; i < 2; i++) {
      const Coefficients& c = kHighPass.section[i];
      Section& s = sections_[i];
      const float out = c.b0 * value + s.first;
      s.first = c.b1 * value - c.a1 * out + s.second;
      s.second = c.b2 * value - c.a2 * out;
      value = out;
    }
    energy += value * value;
    samples[n] = value;
  }
  alignas(64) std::array<float, 16> sum{};
  for (std::size_t n = 0; n < kHop; n++) {
    for (std::size_t i = 0; i < 16; i++) sum[i] += samples[n] * kDemodulator.row[n][i];
  }
  const auto& turn = kDemodulator.turn[static_cast<std::size_t>(count_ % kPhasePeriod)];
  for (std::size_t tone = 0; tone < 8; tone++)
    into.tone[tone] = product({sum[tone], sum[8 + tone]}, turn[tone]);
  into.energy = energy;
  into.wholeEnergy = whole;
}

/// @param minShare  less than this of the energy above 560 Hz is of no interest
ToneAlarm::Fit ToneAlarm::fit(int hops, float minShare) const noexcept {
  Fit result;
  const int later = hops / 2;
  std::array<Sums, 2> half{};
  float energy = 0;
  float wholeEnergy = 0;
  for (int i = 0; i < hops; i++) {
    const Hop& hop = back(i);
    energy += hop.energy;
    wholeEnergy += hop.wholeEnergy;
    Sums& into = half[i < later ? 1 : 0];
    for (std::size_t tone = 0; tone < 8; tone++) into[tone] += hop.tone[tone];
  }
  const float samples = static_cast<float>(hops) * kHop;
  if (energy < samples * kMinRms * kMinRms) return result;

  std::array<float, 2> strongest{-1, -1};
  for (std::size_t tone = 0; tone < 8; tone++) {
    const float power = std::norm(half[0][tone]) + std::norm(half[1][tone]);
    if (power <= strongest[tone / 4]) continue;
    strongest[tone / 4] = power;
    result.bin[tone / 4] = static_cast<int>(tone);
  }
  // About what the pair explains, its frequencies still nominal: each half of the stretch for itself.
  if (4 * (strongest[0] + strongest[1]) / samples < 0.6F * minShare * energy) return result;

  std::array<float, 2> w{};
  std::array<std::complex<float>, 2> along{};  // cosine and sine about the middle of the stretch
  for (std::size_t group = 0; group < 2; group++) {
    const auto bin = static_cast<std::size_t>(result.bin[group]);
    const auto nominalHz = static_cast<float>(kToneHz[bin]);
    std::complex<float> advance = 0;
    for (int i = 0; i + 1 < hops; i++)
      advance += product(back(i).tone[bin], std::conj(back(i + 1).tone[bin]));
    float perHop = std::arg(advance);
    const int lag = std::max(1, later);
    std::complex<float> rest = 0;
    for (int i = 0; i + lag < hops; i++)
      rest += product(back(i).tone[bin], std::conj(back(i + lag).tone[bin]));
    perHop += std::arg(product(rest, unit(-perHop * static_cast<float>(lag)))) / static_cast<float>(lag);
    const float offHz = perHop / (2 * kPi * kHopSeconds);
    if (std::abs(offHz) > kMaxOffset * nominalHz) return result;
    std::complex<float> sum = 0;
    const std::complex<float> step = unit(perHop);
    std::complex<float> turn = 1;
    for (int i = 0; i < hops; i++) {
      sum += product(back(i).tone[bin], turn);
      turn = product(turn, step);
    }
    w[group] = 2 * kPi * (nominalHz + offHz) / kSampleRateHz;
    // From the phase of hop 0 and the centre of the newest hop to the middle of the stretch.
    const auto start = static_cast<std::size_t>((count_ - hops) % kPhasePeriod);
    const std::complex<float> atStart = std::conj(kDemodulator.turn[start][bin]);
    const float toMiddle =
        2 * kPi * nominalHz / kSampleRateHz * (samples - 1) / 2 - perHop * static_cast<float>(hops - 1) / 2;
    const std::complex<float> z = product(sum, product(atStart, unit(toMiddle)));
    along[group] = {z.real(), -z.imag()};
  }
  const float sumKernel = kernel(w[0] + w[1], samples);
  const float differenceKernel = kernel(w[1] - w[0], samples);
  const float ownLow = kernel(2 * w[0], samples);
  const float ownHigh = kernel(2 * w[1], samples);
  const Pairing cosine = solve((samples + ownLow) / 2, (differenceKernel + sumKernel) / 2,
                               (samples + ownHigh) / 2, along[0].real(), along[1].real());
  const Pairing sine = solve((samples - ownLow) / 2, (differenceKernel - sumKernel) / 2,
                             (samples - ownHigh) / 2, along[0].imag(), along[1].imag());
  const auto lowBin = static_cast<std::size_t>(result.bin[0]);
  const auto highBin = static_cast<std::size_t>(result.bin[1]);
  const float low = cosine.first * cosine.first + sine.first * sine.first;
  const float high = cosine.second * cosine.second + sine.second * sine.second;
  result.share = (cosine.explained + sine.explained) / energy;
  if (result.share < minShare) return result;
  const float lowIn = low / kHighPass.gain[lowBin];
  const float highIn = high / kHighPass.gain[highBin];
  result.highOverLow = highIn / (lowIn + 1e-3F);
  if (result.highOverLow > kMaxHighOverLow || result.highOverLow < kMinHighOverLow) return result;
  result.wholeShare = samples / 2 * (lowIn + highIn) / wholeEnergy;
  result.before = std::max(powerBefore(hops, lowBin) / (low + 1), powerBefore(hops, highBin) / (high + 1));
  result.found = true;
  return result;
}

/// Squared amplitude over 8 ms that end 6 ms before the stretch.
float ToneAlarm::powerBefore(int hops, std::size_t bin) const noexcept {
  constexpr int kApart = 3;
  constexpr int kLength = 4;
  std::complex<float> sum = 0;
  for (int i = 0; i < kLength; i++) sum += back(hops + kApart + i).tone[bin];
  constexpr float kHalfSamples = kLength * kHop / 2.0F;
  return std::norm(sum) / (kHalfSamples * kHalfSamples);
}

void ToneAlarm::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
