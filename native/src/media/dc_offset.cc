#include "media/dc_offset.h"

#include <algorithm>
#include <cmath>

namespace hushpay {
namespace {

constexpr std::size_t kMemory = 16'000;  // 2 s: of speech too little is left of a mean over so much
constexpr std::size_t kEnough = 800;     // 100 ms
constexpr float kNoticed = 64;           // of 32768: 54 dB below full scale
constexpr float kForgotten = 32;
constexpr float kSureSquared = 64;  // an offset is so many times as large, squared, as chance makes it

}  // namespace

void DcOffset::remove(std::span<std::int16_t> samples) noexcept {
  if (samples.empty()) return;
  int sum = 0;
  for (const std::int16_t sample : samples) sum += sample;
  const auto count = static_cast<float>(samples.size());
  const bool isFirst = seen_ == 0;
  seen_ = std::min(kMemory, seen_ + samples.size());
  const float weight = std::min(1.0F, count / static_cast<float>(seen_));
  const float change = static_cast<float>(sum) / count - mean_;
  mean_ += change * weight;
  if (!isFirst) variance_ += (change * change - variance_) * weight;
  const bool isSure = mean_ * mean_ > kSureSquared * variance_ * weight / 2;
  const bool isOffset = applied_ == 0 ? isSure && std::abs(mean_) >= kNoticed : std::abs(mean_) >= kForgotten;
  const float wanted = seen_ >= kEnough && isOffset ? mean_ : 0;
  if (wanted == 0 && applied_ == 0) return;
  const float step = (wanted - applied_) / count;
  for (std::size_t i = 0; i < samples.size(); i++) {
    const float offset = applied_ + step * static_cast<float>(i + 1);
    const float value = static_cast<float>(samples[i]) - offset;
    samples[i] = static_cast<std::int16_t>(std::lrint(std::clamp(value, -32'768.0F, 32'767.0F)));
  }
  applied_ = wanted;
}

}  // namespace hushpay
