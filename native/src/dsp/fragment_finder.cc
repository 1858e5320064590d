#include "dsp/fragment_finder.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kHopsPerSecond = static_cast<float>(kSampleRateHz) / kHop;
constexpr float kMinShare = 0.94F;
constexpr float kMaxOffset = 0.025F;
constexpr float kMaxStep = 1.25F;  // of a tone's amplitude from block to block
constexpr float kMinAmplitude = 32767.0F * 0.0045F;
constexpr float kMaxHighOverLow = 3.39F;  // powers: +5.3 and -9.3 dB
constexpr float kMaxLowOverHigh = 8.51F;
constexpr float kQuietShare = 0.35F;  // of a tone's amplitude, 8 ms before and after
constexpr int kMinRun = 3;            // blocks: 16 ms

std::size_t strongest(const Spectrum& block, std::size_t first) noexcept {
  std::size_t best = first;
  for (std::size_t i = first + 1; i < first + 4; i++) {
    if (block.power[i] > block.power[best]) best = i;
  }
  return best;
}

}  // namespace

bool FragmentFinder::feed(std::span<const std::int16_t> pcm, Fragment& into) noexcept {
  bool found = false;
  for (const std::int16_t sample : pcm) {
    window_[static_cast<std::size_t>(kBlock - kHop + filled_)] = sample;
    fed_++;
    if (++filled_ < kHop) continue;
    filled_ = 0;
    found = analyse(into) || found;
    std::copy(window_.begin() + kHop, window_.end(), window_.begin());
  }
  return found;
}

bool FragmentFinder::analyse(Fragment& into) noexcept {
  Spectrum block;
  filterBlock(window_, blockCount_++, block);
  bool found = false;
  if (ended_.blocks + 1 >= kMinRun && isQuietAround(ended_, block)) {
    const float amplitude = 2 * std::sqrt(std::max(ended_.last[0], ended_.last[1])) / kHannSum;
    into = {
        .begin = fed_ - kHop * (ended_.blocks + 2) - kBlock,
        .end = fed_ - 2 * kHop,
        .levelDbm0 = static_cast<float>(kFullScaleDbm0) + 20 * std::log10(std::max(1.0F, amplitude) / 32767)};
    found = true;
  }
  ended_ = {};
  if (continues(block)) {
    const std::array<std::size_t, 2> bins{strongest(block, 0), strongest(block, 4)};
    if (run_.blocks == 0) {
      run_.bin = bins;
      for (std::size_t group = 0; group < 2; group++) {
        run_.first[group] = past_[0].power[bins[group]];
        run_.before[group] = past_[2].power[bins[group]];
      }
    }
    run_.blocks++;
    for (std::size_t group = 0; group < 2; group++) run_.last[group] = block.power[bins[group]];
  } else {
    ended_ = run_;
    run_ = {};
  }
  past_ = {block, past_[0], past_[1]};
  return found;
}

bool FragmentFinder::isQuietAround(const Run& run, const Spectrum& next) noexcept {
  for (std::size_t group = 0; group < 2; group++) {
    const float after = next.power[run.bin[group]];
    if (run.before[group] > kQuietShare * kQuietShare * run.first[group]) return false;
    if (after > kQuietShare * kQuietShare * run.last[group]) return false;
  }
  return true;
}

/// Does the block hold the same two tones as the one before, and little else?
bool FragmentFinder::continues(const Spectrum& block) const noexcept {
  float total = 0;
  std::array<float, 2> powers{};
  for (std::size_t group = 0; group < 2; group++) {
    const std::size_t bin = strongest(block, 4 * group);
    if (bin != strongest(past_[0], 4 * group)) return false;
    const float now = std::sqrt(block.power[bin]);
    const float before = std::sqrt(past_[0].power[bin]);
    if (now > kMaxStep * before || before > kMaxStep * now) return false;
    const float advance = std::arg(block.tone(bin) * std::conj(past_[0].tone(bin)));
    const auto nominalHz = static_cast<float>(kToneHz[bin]);
    const float offHz = advance * kHopsPerSecond / (2 * kPi);
    if (std::abs(offHz) > kMaxOffset * nominalHz) return false;
    const float amplitude = 2 * now / (kHannSum * responseAt(offHz));
    if (amplitude < kMinAmplitude) return false;
    powers[group] = amplitude * amplitude;
    total += powers[group] / 2;
  }
  if (powers[1] > kMaxHighOverLow * powers[0] || powers[0] > kMaxLowOverHigh * powers[1]) return false;
  return total * kHannSum >= kMinShare * block.energy;
}

}  // namespace hushpay
