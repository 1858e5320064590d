#include "dsp/pitch.h"

#include <array>
#include <cmath>

namespace hushpay {
namespace {

constexpr std::size_t kMaxCount = 160;
constexpr std::size_t kMaxLag = 160;
constexpr float kSilence = 16;  // mean square below which nothing is like anything

}  // namespace

Pitch findPitch(std::span<const std::int16_t> samples, std::size_t at, std::size_t count, std::size_t minLag,
                std::size_t maxLag) noexcept {
  std::array<float, kMaxLag + kMaxCount> signal;
  const std::size_t size = maxLag + count;
  for (std::size_t i = 0; i < size; i++) signal[i] = samples[at - maxLag + i];
  const float* now = signal.data() + maxLag;
  float energy = 0;
  for (std::size_t i = 0; i < count; i++) energy += now[i] * now[i];
  Pitch best{.lag = maxLag, .likeness = 0};
  if (energy < kSilence * static_cast<float>(count)) return best;
  for (std::size_t lag = minLag; lag <= maxLag; lag++) {
    const float* before = now - lag;
    float product = 0;
    float energyBefore = 0;
    for (std::size_t i = 0; i < count; i++) {
      product += now[i] * before[i];
      energyBefore += before[i] * before[i];
    }
    const float likeness = product / std::sqrt(energy * energyBefore + 1);
    if (likeness > best.likeness) best = {.lag = lag, .likeness = likeness};
  }
  return best;
}

}  // namespace hushpay
