#include "dsp/tone_alarm.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kHopSeconds = static_cast<float>(ToneAlarm::kHop) / kSampleRateHz;
constexpr int kSlackHops = ToneAlarm::kSlack / static_cast<int>(ToneAlarm::kHop);
constexpr float kMaxOffset = 0.030F;  // relative, from a nominal frequency
constexpr float kMinRms = 14;         // about -62 dBm0: what is fainter has no pair worth hiding
/// Ratios of powers, high tone over low.
struct Twist {
  float most;
  float least;
};
constexpr Twist kTwist = {.most = 8, .least = 0.05F};              // +9, -13 dB
constexpr Twist kTwistWhileKeying = {.most = 32, .least = 0.01F};  // +15, -20 dB
// Within these a pair need explain less: most keys are, and so few voices.
constexpr float kEasyHighOverLow = 2.5F;
constexpr float kEasyLowOverHigh = 3.6F;
constexpr float kSustainedShare = 0.55F;
constexpr float kEndedShare = 0.1F;  // of the energy of a hop: with less in the newest, the pair has ended
constexpr float kFirmShare = 0.75F;

/// What the alarm asks of a stretch in which a pair has begun suddenly: one of the two shares.
struct Rule {
  int hops;
  float wholeShare;
  float share;
};
constexpr std::array<Rule, 4> kRules = {{
    {.hops = 3, .wholeShare = 0.965F, .share = 0.99F},
    {.hops = 4, .wholeShare = 0.93F, .share = 0.97F},
    {.hops = 6, .wholeShare = 0.82F, .share = 0.82F},
    {.hops = 8, .wholeShare = 0.82F, .share = 0.82F},
}};
constexpr float kFragmentShare = 0.9F;
constexpr float kClearShare = 0.93F;
constexpr float kSuddenBefore = 0.10F;  // of a tone's power, at most, 6 ms before
// A pair that may have been there longer must explain so much of both energies.
constexpr float kLastingShare = 0.955F;
constexpr float kTwistedShare = 0.90F;   // and a sudden one so much, with a twist that few keys have
constexpr float kMinWholeShare = 0.35F;  // however sudden: a voice an octave below is more
constexpr int kLastingHops = 6;
// Two tones that were not there: a key over whatever goes on.
constexpr float kAddedShare = 0.5F;
constexpr float kAddedWholeShare = 0.3F;
constexpr float kAddedHighOverLow = 2.8F;
constexpr float kAddedLowOverHigh = 5;
/// And what of them may have been there, or begin with them.
struct Added {
  float before;
  float rest;
  float offset;
};
constexpr Added kAdded = {.before = 0.03F, .rest = 2, .offset = 0.012F};
constexpr Added kAddedWhileKeying = {.before = 0.4F, .rest = 20, .offset = 0.016F};
// Of what a pair explains, at least, before its frequencies are known: anywhere, and near the nominal ones.
constexpr float kRoughShare = 0.65F;
constexpr float kRoughShareNear = 0.85F;
// Of a pair that is believed to be a key although nobody counts it.
constexpr float kMaxDrift = 0.008F;  // of the frequency, from one half to the other

/// How coherent a tone must be, up to an offset: what a good telephone sends is near to its nominal
/// frequency.
struct Steadiness {
  float maxOffset;
  float minCoherence;
};
constexpr std::array<Steadiness, 3> kSteadiness = {{
    {.maxOffset = 0.009F, .minCoherence = 0.7F},
    {.maxOffset = 0.0235F, .minCoherence = 0.9F},
    {.maxOffset = 0.0265F, .minCoherence = 0.985F},
}};
// Both tones far off: a telephone may, a voice more often does. Such a pair has to last longer, and be purer.
constexpr float kMaxOffsets = 0.03F;  // the sum
constexpr int kOffsetsHops = 20;
constexpr float kOffsetsCoherence = 0.98F;
constexpr int kRefusedHops = 25;  // 50 ms

// Four floats that are added and multiplied as one.
using Quad = float __attribute__((vector_size(4 * sizeof(float))));

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

/// Hops that are looked at together, and the sum of a triangle's weights over them.
struct Length {
  int hops;
  float weights;
};
constexpr std::array<Length, 5> kLengths = {{{2, 2}, {3, 4}, {4, 6}, {6, 12}, {8, 20}}};
constexpr std::size_t kLongest = 8;
constexpr std::size_t kOfFragment = 2;  // the first of them are a fragment's; of the others each has its rule

}  // namespace

struct ToneAlarm::Look {
  using Power = std::array<Quad, 2>;  // by group

  std::array<std::array<Quad, 4>, kLengths.size()> sum;  // as AlarmHop::tone
  std::array<float, kLengths.size()> energy;             // above 560 Hz
  std::array<float, kLengths.size()> wholeEnergy;

  [[nodiscard]] Power power(std::size_t length) const noexcept {
    const auto& of = sum[length];
    return {of[0] * of[0] + of[2] * of[2], of[1] * of[1] + of[3] * of[3]};
  }
  static float most(const Quad& power) noexcept {
    return std::max(std::max(power[0], power[1]), std::max(power[2], power[3]));
  }
  /// Does the strongest pair, its frequencies taken as nominal, explain about so much?
  [[nodiscard]] bool mayHold(std::size_t length, float share) const noexcept {
    const float samples = static_cast<float>(kLengths[length].hops) * kHop;
    if (energy[length] < samples * kMinRms * kMinRms) return false;
    const Power tones = power(length);
    const float halfWeights = kLengths[length].weights * kHop / 2;
    return samples / 2 * (most(tones[0]) + most(tones[1])) >=
           share * halfWeights * halfWeights * energy[length];
  }
  [[nodiscard]] std::array<int, 2> strongest(std::size_t length) const noexcept {
    const Power tones = power(length);
    std::array<int, 2> bin{};
    for (int group = 0; group < 2; group++) {
      const Quad& of = tones[static_cast<std::size_t>(group)];
      const float strongest = most(of);
      bin[static_cast<std::size_t>(group)] = 4 * group + (of[0] == strongest   ? 0
                                                          : of[1] == strongest ? 1
                                                          : of[2] == strongest ? 2
                                                                               : 3);
    }
    return bin;
  }
};

ToneAlarm::Verdict ToneAlarm::feed(std::span<const std::int16_t, kHop> hop, Context context) noexcept {
  AlarmHop& newest = ring_[static_cast<std::size_t>(filter_.count() % kRing)];
  filter_.next(hop, newest);
  if (!context.heard) newest = {};
  heardRun_ = context.heard ? heardRun_ + 1 : 0;

  refusedHops_ = std::max(0, refusedHops_ - 1);
  Verdict verdict;
  if (heardRun_ < kRules.front().hops) return verdict;
  Look sums;
  look(sums);
  for (std::size_t which = 0; which < kRules.size(); which++) {
    const Rule& rule = kRules[which];
    if (heardRun_ < rule.hops) break;
    const bool mayAlarm = !verdict.alarm;
    const bool maySustain = rule.hops == 6 && (context.follows || refusedHops_ > 0);
    if (!mayAlarm && !maySustain) continue;
    const bool mayBeAdded = rule.hops >= kLastingHops;
    const float least = std::min(rule.share, rule.wholeShare);
    Wanted wanted = maySustain   ? Wanted{kAddedShare, kRoughShare * kAddedShare}
                    : mayBeAdded ? Wanted{kAddedShare, kRoughShareNear * kAddedShare}
                                 : Wanted{least, kRoughShare * least};
    wanted.expected = context.expected;
    if (!sums.mayHold(which + 1, wanted.roughShare)) continue;
    const Fit found = fit(sums, which + 1, wanted);
    if (!found.found) continue;
    if (mayAlarm && (isKey(rule.hops, rule.wholeShare, rule.share, found) ||
                     (mayBeAdded && isAdded(found, context.expected)))) {
      verdict.alarm = true;
      verdict.clear = std::min(found.share, found.wholeShare) > kClearShare;
      verdict.reach = rule.hops * static_cast<int>(kHop) + kSlack;
      verdict.another = pair_ != found.bin;
      pair_ = found.bin;
    }
    if (maySustain && isRefused(found)) refusedHops_ = kRefusedHops;
    const bool hasEnded = newest.energy < kEndedShare * found.energy;
    if (maySustain && found.share > kSustainedShare && found.bin == pair_ && !hasEnded) {
      verdict.sustained = true;
      verdict.firm = found.share > kFirmShare;
    }
  }
  return verdict;
}

void ToneAlarm::refuse() noexcept {
  refused_ = pair_;
  refusedHops_ = kRefusedHops;
}

/// Or its neighbour: a sound that glides comes nearer to that.
bool ToneAlarm::isRefused(const Fit& found) const noexcept {
  return refusedHops_ > 0 && std::abs(found.bin[0] - refused_[0]) <= 1 &&
         std::abs(found.bin[1] - refused_[1]) <= 1;
}

bool ToneAlarm::isAdded(const Fit& found, bool expected) noexcept {
  const Added& limit = expected ? kAddedWhileKeying : kAdded;
  return found.wholeShare > kAddedWholeShare && found.before < limit.before && found.rest < limit.rest &&
         found.offset < limit.offset && found.highOverLow < kAddedHighOverLow &&
         found.highOverLow * kAddedLowOverHigh > 1;
}

bool ToneAlarm::isKey(int hops, float minWholeShare, float minShare, const Fit& found) const noexcept {
  const float lesser = std::min(found.wholeShare, found.share);
  if (hops >= kLastingHops && lesser > kLastingShare && !isRefused(found)) return true;
  if (found.before > kSuddenBefore || found.wholeShare < kMinWholeShare) return false;
  const bool isEasy = found.highOverLow < kEasyHighOverLow && found.highOverLow * kEasyLowOverHigh > 1;
  const float more = isEasy ? 0 : kTwistedShare;
  return lesser > std::max(minWholeShare, more) || found.share > std::max(minShare, more);
}

bool ToneAlarm::endsInFragment() const noexcept {
  Look sums;
  look(sums);
  for (std::size_t length = 0; length < kOfFragment; length++) {
    if (!sums.mayHold(length, kRoughShare * kFragmentShare)) continue;
    const Fit found = fit(sums, length, {kFragmentShare, kRoughShare * kFragmentShare});
    if (found.found && found.wholeShare > kFragmentShare && found.before < kSuddenBefore) return true;
  }
  return false;
}

const AlarmHop& ToneAlarm::back(int count) const noexcept {
  return ring_[static_cast<std::size_t>(filter_.count() - 1 - count) % kRing];
}

/// A triangle over the hops of each length, so that a strong tone of one group does not spill into the
/// other's filters: made of sums of neighbours, which the lengths share.
void ToneAlarm::look(Look& into) const noexcept {
  std::array<float, kLongest + 1> energy{};
  std::array<float, kLongest + 1> wholeEnergy{};
  for (std::size_t i = 0; i < kLongest; i++) {
    energy[i + 1] = energy[i] + back(static_cast<int>(i)).energy;
    wholeEnergy[i + 1] = wholeEnergy[i] + back(static_cast<int>(i)).wholeEnergy;
  }
  for (std::size_t length = 0; length < kLengths.size(); length++) {
    into.energy[length] = energy[static_cast<std::size_t>(kLengths[length].hops)];
    into.wholeEnergy[length] = wholeEnergy[static_cast<std::size_t>(kLengths[length].hops)];
  }
  for (std::size_t part = 0; part < 4; part++) {
    std::array<Quad, kLongest> tone;
    for (std::size_t i = 0; i < kLongest; i++)
      std::memcpy(&tone[i], &back(static_cast<int>(i)).tone[4 * part], sizeof tone[i]);
    std::array<Quad, kLongest - 1> two;
    for (std::size_t i = 0; i + 1 < kLongest; i++) two[i] = tone[i] + tone[i + 1];
    const Quad middle = two[3] + two[4];
    into.sum[0][part] = two[0];                                          // 1 1
    into.sum[1][part] = two[0] + two[1];                                 // 1 2 1
    into.sum[2][part] = into.sum[1][part] + two[2];                      // 1 2 2 1
    into.sum[3][part] = into.sum[2][part] + two[2] + middle;             // 1 2 3 3 2 1
    into.sum[4][part] = into.sum[3][part] + middle + (two[5] + two[6]);  // 1 2 3 4 4 3 2 1
  }
}

ToneAlarm::Fit ToneAlarm::fit(const Look& look, std::size_t length, Wanted wanted) const noexcept {
  Fit result;
  const int hops = kLengths[length].hops;
  const float energy = look.energy[length];
  const float wholeEnergy = look.wholeEnergy[length];
  const float samples = static_cast<float>(hops) * kHop;
  result.bin = look.strongest(length);
  std::array<float, 2> w{};
  std::array<std::complex<float>, 2> along{};  // cosine and sine about the middle of the stretch
  for (std::size_t group = 0; group < 2; group++) {
    const auto bin = static_cast<std::size_t>(result.bin[group]);
    const auto nominalHz = static_cast<float>(kToneHz[bin]);
    // The phase between two overlapping pieces of the stretch tells the frequency.
    const int shift = std::max(1, hops / 3);
    std::array<std::complex<float>, 2> piece{};
    for (int i = 0; i < hops - shift; i++) {
      const auto weight = static_cast<float>(std::min(i + 1, hops - shift - i));
      piece[0] += weight * back(i).of(bin);
      piece[1] += weight * back(i + shift).of(bin);
    }
    const float perHop = std::arg(product(piece[0], std::conj(piece[1]))) / static_cast<float>(shift);
    const float offHz = perHop / (2 * kPi * kHopSeconds);
    if (std::abs(offHz) > kMaxOffset * nominalHz) return result;
    result.offset = std::max(result.offset, std::abs(offHz) / nominalHz);
    std::complex<float> steady = 0;
    const std::complex<float> step = unit(perHop);
    std::complex<float> turn = 1;
    for (int i = 0; i < hops; i++) {
      steady += product(back(i).of(bin), turn);
      turn = product(turn, step);
    }
    w[group] = 2 * kPi * (nominalHz + offHz) / kSampleRateHz;
    // From the phase of hop 0 and the centre of the newest hop to the middle of the stretch.
    const std::complex<float> atStart = std::conj(AlarmFilter::turn(filter_.count() - hops, bin));
    const float toMiddle =
        2 * kPi * nominalHz / kSampleRateHz * (samples - 1) / 2 - perHop * static_cast<float>(hops - 1) / 2;
    const std::complex<float> z = product(steady, product(atStart, unit(toMiddle)));
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
  if (result.share < wanted.share) return result;
  const float lowIn = low / AlarmFilter::gain(lowBin);
  const float highIn = high / AlarmFilter::gain(highBin);
  result.highOverLow = highIn / (lowIn + 1e-3F);
  const Twist& twist = wanted.expected ? kTwistWhileKeying : kTwist;
  if (result.highOverLow > twist.most || result.highOverLow < twist.least) return result;
  result.wholeShare = samples / 2 * (lowIn + highIn) / wholeEnergy;
  result.before = std::max(powerBefore(hops, lowBin) / (low + 1), powerBefore(hops, highBin) / (high + 1));
  float energyBefore = 0;
  for (int i = 0; i < hops; i++) energyBefore += back(hops + kSlackHops + i).energy;
  result.rest = energy * (1 - result.share) / (energyBefore + 1);
  result.energy = energy / static_cast<float>(hops);
  result.found = true;
  return result;
}

/// Squared amplitude over 8 ms that end 6 ms before the stretch.
float ToneAlarm::powerBefore(int hops, std::size_t bin) const noexcept {
  constexpr int kApart = 3;
  constexpr int kLength = 4;
  std::complex<float> sum = 0;
  for (int i = 0; i < kLength; i++) sum += back(hops + kApart + i).of(bin);
  constexpr float kHalfSamples = kLength * kHop / 2.0F;
  return std::norm(sum) / (kHalfSamples * kHalfSamples);
}

bool ToneAlarm::isSteady(int hops, int hopsAgo) const noexcept {
  const Sine low = sine(pair_[0], hops, hopsAgo);
  const Sine high = sine(pair_[1], hops, hopsAgo);
  if (!isSteady(low) || !isSteady(high)) return false;
  if (low.offset + high.offset < kMaxOffsets) return true;
  return hops >= kOffsetsHops && std::min(low.coherence, high.coherence) > kOffsetsCoherence;
}

bool ToneAlarm::isSteady(const Sine& sine) noexcept {
  return sine.drift < kMaxDrift && std::ranges::any_of(kSteadiness, [&](const Steadiness& limit) {
           return sine.offset < limit.maxOffset && sine.coherence > limit.minCoherence;
         });
}

ToneAlarm::Sine ToneAlarm::sine(int tone, int hops, int hopsAgo) const noexcept {
  // Newest first; over four hops, so that the other tone does not spill in.
  std::array<std::complex<float>, kMaxSteadyHops> z;
  const int count = hops - 3;
  float power = 0;
  for (int i = 0; i < count; i++) {
    const auto bin = static_cast<std::size_t>(tone);
    const auto hop = [&](int more) { return back(hopsAgo + i + more).of(bin); };
    auto& value = z[static_cast<std::size_t>(i)];
    value = hop(0) + 2.0F * hop(1) + 2.0F * hop(2) + hop(3);
    power += std::norm(value);
  }
  const auto turned = [&](int from, int to, float perHop) {
    std::complex<float> sum = 0;
    for (int i = from; i < to; i++)
      sum += product(z[static_cast<std::size_t>(i)], unit(perHop * static_cast<float>(i)));
    return sum;
  };
  const auto advance = [&](int from, int to) {
    constexpr int kShift = 3;
    std::complex<float> sum = 0;
    for (int i = from; i + kShift < to; i++)
      sum += product(z[static_cast<std::size_t>(i)], std::conj(z[static_cast<std::size_t>(i + kShift)]));
    return std::arg(sum) / kShift;
  };
  const int half = count / 2;
  float perHop = advance(0, count);
  const auto late = turned(0, half, perHop);
  const auto early = turned(count - half, count, perHop);
  perHop += std::arg(product(late, std::conj(early))) / static_cast<float>(count - half);
  const float perHopOfNominal =
      2 * kPi * kHopSeconds * static_cast<float>(kToneHz[static_cast<std::size_t>(tone)]);
  const float offset = std::abs(perHop) / perHopOfNominal;
  const float drift = std::abs(advance(0, half) - advance(half, count)) / perHopOfNominal;
  const float coherence = std::norm(turned(0, count, perHop)) / (static_cast<float>(count) * power + 1);
  return {.offset = offset, .drift = drift, .coherence = coherence};
}

void ToneAlarm::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
