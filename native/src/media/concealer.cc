#include "media/concealer.h"

#include <algorithm>
#include <cmath>

#include "dsp/pitch.h"

namespace hushpay {
namespace {

constexpr std::size_t kSamplesPerMs = 8;
constexpr std::size_t kMinPeriod = 40;  // 200 Hz; higher voices repeat two periods or more
constexpr std::size_t kMaxPeriod = 120;
constexpr std::size_t kCompared = 100;
constexpr float kVoiced = 0.15F;                          // less alike: noise, which buzzes in short periods
constexpr std::size_t kGrowEvery = 20 * kSamplesPerMs;    // G.711 Appendix I: 10 ms, which fits speech less
constexpr std::size_t kFadeFrom = 15 * kSamplesPerMs;     // G.711 Appendix I: 10 ms, 20 % each further 10 ms
constexpr std::size_t kFadeSamples = 50 * kSamplesPerMs;  // until nothing is left of it
constexpr std::size_t kMinOverlap = 4 * kSamplesPerMs;    // into what is heard again
constexpr std::size_t kMaxOverlap = 10 * kSamplesPerMs;
constexpr float kMaxNoiseRms = 60;     // about -52 dBm0: more is no background
constexpr float kNoiseRise = 1.0025F;  // per 10 ms: doubles in 3 s
constexpr float kNoiseFall = 0.3F;

std::int16_t rounded(float value) noexcept {
  return static_cast<std::int16_t>(std::lrint(std::clamp(value, -32768.0F, 32767.0F)));
}

}  // namespace

void Concealer::heard(std::span<const std::int16_t> samples) noexcept {
  gap_ = 0;
  if (samples.empty()) return;
  float energy = 0;
  for (const std::int16_t sample : samples) {
    const float value = sample;
    energy += value * value;
  }
  const float count = static_cast<float>(samples.size());
  const float rms = std::min(kMaxNoiseRms, std::sqrt(energy / count));
  if (noiseRms_ == 0)
    noiseRms_ = rms;
  else if (rms < noiseRms_)
    noiseRms_ += (rms - noiseRms_) * kNoiseFall;
  else
    noiseRms_ = std::min(rms, std::max(noiseRms_, 1.0F) * (1 + (kNoiseRise - 1) * count / 80));
  remember(samples);
}

void Concealer::conceal(std::span<std::int16_t> samples) noexcept {
  if (gap_ == 0) begin();
  for (std::int16_t& sample : samples) sample = next();
  remember(samples);
}

void Concealer::resume(std::span<std::int16_t> samples) noexcept {
  const std::size_t wanted = std::clamp(kMinOverlap + gap_ / 10, kMinOverlap, kMaxOverlap);
  const std::size_t overlap = std::min(wanted, samples.size());
  if (gap_ == 0) begin();
  for (std::size_t i = 0; i < overlap; i++) {
    const float weight = static_cast<float>(i + 1) / static_cast<float>(overlap + 1);
    samples[i] = rounded(static_cast<float>(samples[i]) * weight + static_cast<float>(next()) * (1 - weight));
  }
  heard(samples);
}

void Concealer::forget() noexcept {
  history_.fill(0);
  source_.fill(0);
  gap_ = 0;
}

void Concealer::begin() noexcept {
  source_ = history_;
  const Pitch pitch = findPitch(source_, kHistory - kCompared, kCompared, kMinPeriod, kMaxPeriod);
  const bool voiced = pitch.likeness >= kVoiced;
  period_ = voiced ? pitch.lag : kMaxPeriod;
  periods_ = nextPeriods_ = voiced ? 1 : 3;
  back_ = periods_ * period_;
  step_ = static_cast<float>(source_[kHistory - 1]) - static_cast<float>(source_[kHistory - 1 - back_]);
}

std::int16_t Concealer::next() noexcept {
  const std::size_t quarter = period_ / 4;
  float value = source_[kHistory - back_];
  if (back_ == quarter) {
    const std::size_t due = 1 + gap_ / kGrowEvery;
    nextPeriods_ = std::clamp(due, periods_, std::size_t{3});
  }
  if (back_ <= quarter) {  // the end of the turn flows into the beginning of the next
    const float weight = 1 - static_cast<float>(back_) / static_cast<float>(quarter + 1);
    const float lead = source_[kHistory - back_ - nextPeriods_ * period_];
    value += (lead - value) * weight;
  }
  if (gap_ < quarter) value += step_ * (1 - static_cast<float>(gap_ + 1) / static_cast<float>(quarter + 1));
  if (--back_ == 0) {
    periods_ = nextPeriods_;
    back_ = periods_ * period_;
  }
  const std::size_t faded = gap_ > kFadeFrom ? std::min(gap_ - kFadeFrom, kFadeSamples) : 0;
  const float gone = static_cast<float>(faded) / static_cast<float>(kFadeSamples);
  gap_++;
  return rounded(value * (1 - gone) + (gone > 0 ? noise() * gone : 0));
}

/// Evenly distributed, as loud as the line's own noise.
float Concealer::noise() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  const float even = static_cast<float>(random_ >> 8) / static_cast<float>(1U << 23) - 1;
  return even * noiseRms_ * 1.732F;
}

void Concealer::remember(std::span<const std::int16_t> samples) noexcept {
  if (samples.size() >= kHistory) {
    std::ranges::copy(samples.last(kHistory), history_.begin());
    return;
  }
  const auto kept = static_cast<std::ptrdiff_t>(kHistory - samples.size());
  std::copy(history_.end() - kept, history_.end(), history_.begin());
  std::ranges::copy(samples, history_.begin() + kept);
}

}  // namespace hushpay
