#include "media/clamp_fill.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "dsp/dtmf.h"

namespace hushpay {
namespace {

constexpr std::size_t kNoiseSize = 8192;  // about a second
constexpr std::size_t kBandCount = 3;
// Below 450, above 2100 Hz, and what lies between.
constexpr double kLowHz = 450;
constexpr double kHighHz = 2100;
// Rms of the bands at most, together -60 dBm0: what anybody measures of a pair of tones is less.
constexpr std::array<float, kBandCount> kMaxLevel = {8, 2.5F, 13};
constexpr float kMinFloor = 0.25F;       // mean square: digital silence tells nothing of a line
constexpr float kRise = 1.005F;          // of the floor with every block: about 1 dB a second
constexpr float kFadePerSample = 0.72F;  // of the step at an edge: gone within 2 ms
constexpr float kNeutralPeak = 520;      // about -33 dBm0
constexpr int kNeutralHz = 400;          // no key has it, nor a harmonic of it

struct Noise {
  std::array<std::array<float, kNoiseSize>, kBandCount> band{};  // each of rms 1
};

/// Noise of one band out of white noise: a windowed sinc of 255 taps, about 74 dB beside the band.
void bandOf(std::array<float, kNoiseSize>& into, double fromHz, double toHz, unsigned seed) {
  constexpr int kHalf = 127;
  std::array<double, 2 * kHalf + 1> tap{};
  for (int i = -kHalf; i <= kHalf; i++) {
    const auto low = [&](double hz) {
      const double w = 2 * std::numbers::pi * hz / kSampleRateHz;
      return i == 0 ? w / std::numbers::pi : std::sin(w * i) / (std::numbers::pi * i);
    };
    const double x = std::numbers::pi * (i + kHalf + 1) / (kHalf + 1);
    const double blackman = 0.42 - 0.5 * std::cos(x) + 0.08 * std::cos(2 * x);
    tap[static_cast<std::size_t>(i + kHalf)] = (low(toHz) - low(fromHz)) * blackman;
  }
  std::mt19937 random(seed);
  std::normal_distribution<double> gauss;
  std::array<double, kNoiseSize> white{};
  std::ranges::generate(white, [&] { return gauss(random); });
  double power = 0;
  std::array<double, kNoiseSize> out{};
  for (std::size_t n = 0; n < kNoiseSize; n++) {
    for (std::size_t i = 0; i < tap.size(); i++) out[n] += tap[i] * white[(n + i) % kNoiseSize];
    power += out[n] * out[n];
  }
  const double scale = 1 / std::sqrt(power / kNoiseSize);
  for (std::size_t n = 0; n < kNoiseSize; n++) into[n] = static_cast<float>(out[n] * scale);
}

Noise makeNoise() {
  Noise noise;
  bandOf(noise.band[0], 60, kLowHz - 50, 1);
  bandOf(noise.band[1], kLowHz + 50, kHighHz - 50, 2);
  bandOf(noise.band[2], kHighHz + 50, 3500, 3);
  return noise;
}

const Noise& noise() {
  static const Noise kNoise = makeNoise();
  return kNoise;
}
const Noise& kNoise = noise();  // made before the first call

constexpr std::size_t kBlockSize = 160;
constexpr std::size_t kBins = kBlockSize / 2 - 1;  // without those of 0 and 4000 Hz
constexpr std::size_t kLanes = 8;                  // bins that are worked on as one
constexpr std::size_t kBinSteps = (kBins + kLanes - 1) / kLanes;

/// For the transform of a block under a Hann window, bin by bin (Goertzel).
struct Transform {
  std::array<float, kBlockSize> hann{};
  std::array<std::array<float, kLanes>, kBinSteps> turn{};
  std::array<std::array<std::size_t, kLanes>, kBinSteps> band{};
};

Transform makeTransform() {
  Transform transform;
  constexpr double kTurn = 2 * std::numbers::pi / kBlockSize;
  for (std::size_t n = 0; n < kBlockSize; n++)
    transform.hann[n] = static_cast<float>(0.5 - 0.5 * std::cos(kTurn * static_cast<double>(n)));
  for (std::size_t i = 0; i < kBinSteps * kLanes; i++) {
    const double hz = static_cast<double>(i + 1) * kSampleRateHz / kBlockSize;
    transform.turn[i / kLanes][i % kLanes] =
        static_cast<float>(2 * std::cos(kTurn * static_cast<double>(i + 1)));
    transform.band[i / kLanes][i % kLanes] = i >= kBins ? kBandCount : hz < kLowHz ? 0 : hz < kHighHz ? 1 : 2;
  }
  return transform;
}

const Transform kTransform = makeTransform();

/// Mean square of each band of a block.
std::array<float, kBandCount> bandPowers(std::span<const std::int16_t, kBlockSize> block) noexcept {
  constexpr float kHannPower = 0.375F;
  constexpr float kScale = 2 / (kHannPower * kBlockSize * kBlockSize);
  std::array<float, kBandCount + 1> power{};
  for (std::size_t step = 0; step < kBinSteps; step++) {
    const auto& turn = kTransform.turn[step];
    std::array<float, kLanes> one{};
    std::array<float, kLanes> two{};
    for (std::size_t n = 0; n < kBlockSize; n++) {
      const float value = kTransform.hann[n] * static_cast<float>(block[n]);
      for (std::size_t lane = 0; lane < kLanes; lane++) {
        const float now = value + turn[lane] * one[lane] - two[lane];
        two[lane] = one[lane];
        one[lane] = now;
      }
    }
    for (std::size_t lane = 0; lane < kLanes; lane++) {
      const float square = one[lane] * one[lane] + two[lane] * two[lane] - turn[lane] * one[lane] * two[lane];
      power[kTransform.band[step][lane]] += square * kScale;
    }
  }
  return {power[0], power[1], power[2]};
}

}  // namespace

void ClampFill::learn(std::span<const std::int16_t> samples, std::span<const Pass> pass) noexcept {
  const bool isOpen = isAllOpen(pass);
  for (std::size_t done = 0; done < samples.size();) {
    const std::size_t part = std::min(samples.size() - done, kBlock - filled_);
    if (!isOpen && !isAllOpen(pass.subspan(done, part))) {  // begins anew behind the last sample that is not
      filled_ = 0;
      while (pass[done] == Pass::kOpen) done++;
      done++;
      continue;
    }
    std::ranges::copy(samples.subspan(done, part), &block_[filled_]);
    filled_ += part;
    done += part;
    if (filled_ < kBlock) continue;
    judgeBlock();
    filled_ = 0;
  }
}

/// Is this the line itself, nobody speaking?
void ClampFill::judgeBlock() noexcept {
  std::int64_t energy = 0;
  for (const std::int16_t value : block_) energy += value * value;
  const float power = static_cast<float>(energy) / kBlock;
  floor_ *= kRise;
  if (power < kMinFloor || (floor_ > 0 && power > floor_)) return;
  floor_ = power;
  quietest_ = block_;
  isNew_ = true;
}

/// Only for who fills something: the transform costs more than all else that a packet which passes needs.
void ClampFill::learnLevels() noexcept {
  isNew_ = false;
  const auto powers = bandPowers(quietest_);
  for (std::size_t i = 0; i < kBands; i++) level_[i] = std::min(std::sqrt(powers[i]), kMaxLevel[i]);
}

void ClampFill::fill(ClampMode mode, std::span<std::int16_t> samples, std::span<const Pass> pass) noexcept {
  if (isNew_) learnLevels();
  Voice& voice = voice_[static_cast<std::size_t>(mode)];
  for (std::size_t i = 0; i < samples.size(); i++) {
    const bool isOpen = pass[i] == Pass::kOpen;
    const float wanted = isOpen ? samples[i] : replacement(mode, voice);
    if (isOpen != voice.wasOpen) voice.step = voice.last - wanted;
    voice.wasOpen = isOpen;
    voice.last = wanted + voice.step;
    voice.step *= kFadePerSample;
    if (std::abs(voice.step) < 0.5F) voice.step = 0;
    samples[i] = static_cast<std::int16_t>(std::lround(std::clamp(voice.last, -32768.0F, 32767.0F)));
  }
}

float ClampFill::replacement(ClampMode mode, Voice& voice) const noexcept {
  switch (mode) {
    case ClampMode::kSilence:
      return 0;
    case ClampMode::kNeutralTone: {
      constexpr float kStep = 2 * std::numbers::pi_v<float> * kNeutralHz / kSampleRateHz;
      voice.toneAt = (voice.toneAt + 1) % (kSampleRateHz / kNeutralHz);
      return kNeutralPeak * std::sin(kStep * static_cast<float>(voice.toneAt));
    }
    case ClampMode::kComfortNoise:
      break;
  }
  voice.noiseAt = (voice.noiseAt + 1) % kNoiseSize;
  float sum = 0;
  for (std::size_t band = 0; band < kBands; band++) sum += level_[band] * kNoise.band[band][voice.noiseAt];
  return sum;
}

void ClampFill::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
