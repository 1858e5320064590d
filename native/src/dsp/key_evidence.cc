#include "dsp/key_evidence.h"

#include <cmath>

namespace hushpay {
namespace {

constexpr float kMaxHighOverLow = 3.98F;             // +6 dB as a ratio of powers; Q.24 asks for +4
constexpr float kMaxLowOverHigh = 12.6F;             // -11 dB; Q.24 asks for -8, a live room may take more
constexpr float kMinAmplitude = 32767.0F * 0.0045F;  // about -44 dBm0 per tone
constexpr float kMinShare = 0.45F;
// Between what must be accepted (1.5 %) and what must be refused (3.5 %).
constexpr float kMaxOffset = 0.022F;

// Weights of a linear discriminant. On one side stand keys at every frequency, twist and length Q.24 allows,
// under noise, speech, music and loss; on the other 32 hours of recorded speech and the tones of a line. Each
// weight is of the kind physics asks for: a key is two steady sines and little else, begins and ends at once,
// comes from a crystal, and has no voice below it.
constexpr float kBase = -28.8F;
constexpr float kPerRest = -4.1F;          // logarithm of the energy outside the pair
constexpr float kPerIncoherence = -0.97F;  // logarithm, of both tones
constexpr float kPerBefore = -8.7F;
constexpr float kPerAfter = -5.2F;
constexpr float kForEnd = 3.45F;
constexpr float kPerOffset = -3.0F;  // sixth power, 1 at 1.5 %: flat within what is accepted, then steep
constexpr float kAcceptedOffset = 0.015F;
constexpr float kPerTwist = -3.6F;   // to the fourth, 1 at the limits of what is accepted
constexpr float kPerLow = -2.67F;    // logarithm of the low energy
constexpr float kPerLength = 1.74F;  // block
constexpr float kPerLengthSquared = -0.0584F;

constexpr float kRestFloor = 0.02F;
constexpr float kIncoherenceFloor = 0.004F;
constexpr float kLowFloor = 0.04F;
constexpr float kMiddleTwistDb = -2;  // of the -8 to +4 dB that are accepted
constexpr float kTwistRangeDb = 6;

// Four and five times the pitch of a voice are the only harmonics of its first six that can pass for a key,
// the star.
constexpr float kForHarmonics = -3.0F;
constexpr float kHarmonicRatio = 1.25F;
constexpr float kNearHarmonic = 0.013F;

// No telephone has the fourth column: its keys must be plainer, and alone on the line.
constexpr float kForFourthColumn = -3.0F;
constexpr float kMinAloneShare = 0.90F;
constexpr float kMaxAloneLow = 0.15F;

float squared(float value) noexcept { return value * value; }

float fourthPower(float value) noexcept { return squared(squared(value)); }

float sixthPower(float value) noexcept { return squared(value) * fourthPower(value); }

float frequencyOf(const ToneFit& fit) noexcept {
  return static_cast<float>(kToneHz[static_cast<std::size_t>(fit.index)]) * (1 + fit.offset);
}

bool isHarmonic(const ToneFit& low, const ToneFit& high) noexcept {
  return std::abs(frequencyOf(high) / frequencyOf(low) / kHarmonicRatio - 1) < kNearHarmonic;
}

}  // namespace

bool isWithinLimits(const TonePair& pair) noexcept {
  constexpr float kMinPower = kMinAmplitude * kMinAmplitude;
  const ToneFit& low = pair.low;
  const ToneFit& high = pair.high;
  if (low.power < kMinPower || high.power < kMinPower || pair.share < kMinShare) return false;
  if (std::abs(low.offset) > kMaxOffset || std::abs(high.offset) > kMaxOffset) return false;
  return high.power <= kMaxHighOverLow * low.power && low.power <= kMaxLowOverHigh * high.power;
}

float minFlatness(int blocks) noexcept {
  // A tone of 23 ms reaches into six or seven blocks, but does not fill the first and the last of them.
  if (blocks <= 6) return 0.85F;
  return blocks == 7 ? 0.36F : 0.09F;
}

float evidenceOf(const TonePair& pair, const Surroundings& around) noexcept {
  const ToneFit& low = pair.low;
  const ToneFit& high = pair.high;
  const float rest = 1 - pair.share + kRestFloor;
  const float incoherence =
      (1 - low.coherence + kIncoherenceFloor) * (1 - high.coherence + kIncoherenceFloor);
  const float twistDb = 10 * std::log10(high.power / low.power);
  const auto length = static_cast<float>(pair.blocks);
  float evidence = kBase + kPerRest * std::log(rest) + kPerIncoherence * std::log(incoherence);
  evidence += kPerBefore * std::min(around.before, 1.0F);
  if (around.hasEnded) evidence += kForEnd + kPerAfter * std::min(around.after, 1.0F);
  evidence +=
      kPerOffset * (sixthPower(low.offset / kAcceptedOffset) + sixthPower(high.offset / kAcceptedOffset));
  evidence += kPerTwist * fourthPower((twistDb - kMiddleTwistDb) / kTwistRangeDb);
  evidence += kPerLow * std::log(around.lowEnergy + kLowFloor);
  evidence += kPerLength * length + kPerLengthSquared * squared(length);
  if (isHarmonic(low, high)) evidence += kForHarmonics;
  if (high.index < 7) return evidence;
  const bool isAlone = pair.share >= kMinAloneShare && around.lowEnergy <= kMaxAloneLow;
  return isAlone ? evidence + kForFourthColumn : kBase;
}

}  // namespace hushpay
