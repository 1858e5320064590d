#include "media/limiter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace hushpay {
namespace {

constexpr float kCeiling = 32'256;  // of A-law
constexpr float kFullScale = 32'767;
constexpr std::size_t kShortestFall = 8;        // samples: 1 ms, in which what is louder is cut off
constexpr float kRisePerSample = 1.000'359'8F;  // 0.5 dB in 160 samples

float peakOf(std::span<const float> mix) noexcept {
  float peak = 0;
  for (const float sample : mix) peak = std::max(peak, std::abs(sample));
  return peak;
}

}  // namespace

void Limiter::apply(std::span<float> mix) noexcept {
  const float peak = peakOf(mix);
  if (peak <= kCeiling && gain_ >= 1) return;
  const float highest = std::min(1.0F, kCeiling / std::max(peak, 1.0F));
  const float risen = gain_ * std::pow(kRisePerSample, static_cast<float>(mix.size()));
  const float wanted = std::min(highest, risen);
  std::size_t glide = mix.size();
  if (wanted < gain_) {
    const auto loud =
        std::ranges::find_if(mix, [this](float sample) { return std::abs(sample) * gain_ > kCeiling; });
    glide = std::clamp(static_cast<std::size_t>(loud - mix.begin()), std::min(kShortestFall, mix.size()),
                       mix.size());
  }
  const float step = (wanted - gain_) / static_cast<float>(glide);
  for (std::size_t i = 0; i < mix.size(); i++) {
    const float gain = i < glide ? gain_ + step * static_cast<float>(i + 1) : wanted;
    mix[i] = std::clamp(mix[i] * gain, -kFullScale, kFullScale);
  }
  gain_ = wanted;
}

}  // namespace hushpay
