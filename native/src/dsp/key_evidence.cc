#include "dsp/key_evidence.h"

#include <cmath>

namespace hushpay {
namespace {

constexpr float kMaxHighOverLow = 3.39F;             // +5.3 dB as a ratio of powers; Q.24 asks for +4
constexpr float kMaxLowOverHigh = 8.51F;             // -9.3 dB; Q.24 asks for -8
constexpr float kMinAmplitude = 32767.0F * 0.0045F;  // about -44 dBm0 per tone
constexpr float kMinShare = 0.45F;
// Between what must be accepted (1.5 %) and what must be refused (3.5 %).
constexpr float kMaxOffset = 0.022F;

// Weights of a linear discriminant between keys under noise, speech, music and loss on one side and 25 hours
// of speech on the other. Each is of the kind physics asks for: a key is two steady sines and little else,
// begins and ends at once, comes from a crystal, and has no voice below it.
constexpr float kBase = -26.8F;
constexpr float kPerRest = -3.6F;          // logarithm of the energy outside the pair
constexpr float kPerIncoherence = -0.91F;  // logarithm, of both tones
constexpr float kPerBefore = -7.8F;
constexpr float kPerAfter = -3.4F;
constexpr float kForEnd = 3.1F;
constexpr float kPerOffset = -1.77F;  // per cent squared, of both tones
constexpr float kPerTwist = -0.141F;  // square of decibels from kUsualTwistDb
constexpr float kPerLow = -2.56F;     // logarithm of the low energy
constexpr float kPerLength = 1.75F;   // block
constexpr float kPerLengthSquared = -0.06F;
// Nobody has the fourth column on a telephone: it must be plainer than the others.
constexpr float kForFourthColumn = -3.0F;

constexpr float kRestFloor = 0.02F;
constexpr float kIncoherenceFloor = 0.004F;
constexpr float kLowFloor = 0.04F;
constexpr float kUsualTwistDb = -2;  // a line is steeper for the high tone

float squared(float value) noexcept { return value * value; }

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
  const float rest = 1 - std::min(pair.share, 1.0F) + kRestFloor;
  const float incoherence =
      (1 - low.coherence + kIncoherenceFloor) * (1 - high.coherence + kIncoherenceFloor);
  const float twistDb = 10 * std::log10(high.power / low.power);
  const auto length = static_cast<float>(pair.blocks);
  float evidence = kBase + kPerRest * std::log(rest) + kPerIncoherence * std::log(incoherence);
  evidence += kPerBefore * std::min(around.before, 1.0F);
  if (around.hasEnded) evidence += kForEnd + kPerAfter * std::min(around.after, 1.0F);
  evidence += kPerOffset * (squared(100 * low.offset) + squared(100 * high.offset));
  evidence += kPerTwist * squared(twistDb - kUsualTwistDb);
  evidence += kPerLow * std::log(around.lowEnergy + kLowFloor);
  evidence += kPerLength * length + kPerLengthSquared * squared(length);
  return high.index == 7 ? evidence + kForFourthColumn : evidence;
}

}  // namespace hushpay
