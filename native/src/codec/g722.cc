#include "codec/g722.h"

#include <string.h>

#include <algorithm>
#include <utility>

namespace hushpay {
namespace {

constexpr int saturate(int value) noexcept { return std::clamp(value, -32768, 32767); }

// Table 11: coefficients of the mirror filter, the first half; the second is its mirror.
constexpr std::array<int, 12> kMirror = {3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11};

// Decision levels of the lower band, the last open (clause 6.2.1.1, table Q6).
constexpr std::array<int, 29> kLowLevels = {35,   72,   110,  150,  190,  233,  276,  323,  370,  422,
                                            473,  530,  587,  650,  714,  786,  858,  940,  1023, 1121,
                                            1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919};
constexpr int kHighLevel = 564;

// Outputs of the inverse quantizers, of the lower band's six bits and its upper four (QM6, QM4), and of the
// higher band's two (QM2).
constexpr std::array<int, 64> kLowOf6 = {
    -136,  -136,  -136,  -136,  -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576,  -6000,  -5456,  -4944,  -4464,  -4008,  -3576,  -3168,  -2776,
    -2400, -2032, -1688, -1360, -1040,  -728,   24808,  21904,  19008,  16704,  14984,  13512,  12280,
    11192, 10232, 9360,  8576,  7856,   7192,   6576,   6000,   5456,   4944,   4464,   4008,   3576,
    3168,  2776,  2400,  2032,  1688,   1360,   1040,   728,    432,    136,    -432,   -136};
constexpr std::array<int, 16> kLowOf4 = {0,     -20456, -12896, -8968, -6288, -4240, -2584, -1200,
                                         20456, 12896,  8968,   6288,  4240,  2584,  1200,  0};
constexpr std::array<int, 4> kHighOf2 = {-7408, -1616, 7408, 1616};

// What a code does to the logarithm of the step (WL by RL42, WH by RH2).
constexpr std::array<int, 16> kLowMultipliers = {-60,  3042, 1198, 538, 334, 172, 58,  -30,
                                                 3042, 1198, 538,  334, 172, 58,  -30, -60};
constexpr std::array<int, 4> kHighMultipliers = {798, -214, 798, -214};

constexpr int kMaxLowLog = 18432;
constexpr int kMaxHighLog = 22528;
constexpr int kMaxBandSample = 16383;

int scaled(int step, int output) noexcept { return (step * output) >> 15; }

void followLow(G722Band& band, unsigned code) noexcept {
  const unsigned upper = code >> 2;
  const int difference = scaled(band.step(), kLowOf4[upper]);
  band.adapt(kLowMultipliers[upper], kMaxLowLog, 8);
  band.predict(difference);
}

void followHigh(G722Band& band, unsigned code) noexcept {
  const int difference = scaled(band.step(), kHighOf2[code]);
  band.adapt(kHighMultipliers[code], kMaxHighLog, 10);
  band.predict(difference);
}

/// The six bits of a difference (QUANTL).
unsigned quantizeLow(int difference, int step) noexcept {
  const int magnitude = difference < 0 ? ~difference : difference;
  const auto level =
      std::ranges::upper_bound(kLowLevels, magnitude, {}, [step](int each) { return (each * step) >> 12; });
  const auto rank = static_cast<unsigned>(level - kLowLevels.begin());
  if (difference >= 0) return 61 - rank;
  return rank < 2 ? 63 - rank : 33 - rank;
}

unsigned quantizeHigh(int difference, int step) noexcept {
  const int magnitude = difference < 0 ? ~difference : difference;
  const bool isOuter = magnitude >= (kHighLevel * step) >> 12;
  if (difference < 0) return isOuter ? 0 : 1;
  return isOuter ? 2 : 3;
}

/// Both halves of the mirror filter over 24 samples.
std::pair<int, int> mirrored(const std::array<int, 24>& past) noexcept {
  int even = 0;
  int odd = 0;
  for (std::size_t i = 0; i < kMirror.size(); i++) {
    odd += past[2 * i] * kMirror[i];
    even += past[2 * i + 1] * kMirror[kMirror.size() - 1 - i];
  }
  return {even, odd};
}

void shiftIn(std::array<int, 24>& past, int older, int newer) noexcept {
  std::copy(past.begin() + 2, past.end(), past.begin());
  past[22] = older;
  past[23] = newer;
}

}  // namespace

void G722Analyser::encode(std::span<const std::int16_t> wide, ByteSpan payload) noexcept {
  for (std::size_t n = 0; n < payload.size(); n++) {
    shiftIn(past_, wide[2 * n], wide[2 * n + 1]);
    const auto [even, odd] = mirrored(past_);
    payload[n] = encodePair((even + odd) >> 14, (even - odd) >> 14);
  }
}

std::uint8_t G722Analyser::encodePair(int low, int high) noexcept {
  const unsigned lowCode = quantizeLow(saturate(low - low_.estimate()), low_.step());
  followLow(low_, lowCode);
  const unsigned highCode = quantizeHigh(saturate(high - high_.estimate()), high_.step());
  followHigh(high_, highCode);
  return static_cast<std::uint8_t>((highCode << 6) | lowCode);
}

void G722Analyser::wipe() noexcept {
  explicit_bzero(static_cast<void*>(this), sizeof *this);
  *this = {};
}

void G722Synthesiser::decode(ByteView payload, std::span<std::int16_t> wide) noexcept {
  for (std::size_t n = 0; n < payload.size(); n++) {
    const unsigned lowCode = payload[n] & 0x3f;
    const unsigned highCode = payload[n] >> 6;
    const int low = std::clamp(low_.estimate() + scaled(low_.step(), kLowOf6[lowCode]), -kMaxBandSample - 1,
                               kMaxBandSample);
    followLow(low_, lowCode);
    const int high = std::clamp(high_.estimate() + scaled(high_.step(), kHighOf2[highCode]),
                                -kMaxBandSample - 1, kMaxBandSample);
    followHigh(high_, highCode);
    shiftIn(past_, low + high, low - high);
    const auto [first, second] = mirrored(past_);
    wide[2 * n] = static_cast<std::int16_t>(saturate(first >> 11));
    wide[2 * n + 1] = static_cast<std::int16_t>(saturate(second >> 11));
  }
}

void G722Synthesiser::wipe() noexcept {
  explicit_bzero(static_cast<void*>(this), sizeof *this);
  *this = {};
}

std::size_t G722Decoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  if (sampleCount(payload) == 0) return 0;
  std::array<std::int16_t, 2 * kMaxDecodedSamples> wide;
  const auto samples = std::span(wide).first(2 * payload.size());
  synthesiser_.decode(payload, samples);
  decimator_.process(samples, pcm.first(payload.size()));
  return payload.size();
}

std::size_t G722Decoder::sampleCount(ByteView payload) const noexcept {
  return payload.size() <= kMaxDecodedSamples ? payload.size() : 0;
}

void G722Decoder::reset() noexcept {
  synthesiser_.wipe();
  decimator_.wipe();
}

std::size_t G722Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (pcm.size() > payload.size() || pcm.size() > kMaxEncodedSamples) return 0;
  std::array<std::int16_t, 2 * kMaxEncodedSamples> wide;
  const auto samples = std::span(wide).first(2 * pcm.size());
  interpolator_.process(pcm, samples);
  analyser_.encode(samples, payload.first(pcm.size()));
  return pcm.size();
}

void G722Encoder::reset() noexcept {
  interpolator_.wipe();
  analyser_.wipe();
}

}  // namespace hushpay
