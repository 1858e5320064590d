#include "dsp/tone_generator.h"

#include <cmath>
#include <numbers>

#include "dsp/dtmf.h"

namespace hushpay {
namespace {

constexpr std::uint32_t kPauseMs = 60;
constexpr double kPeak = 7200;  // -10 dBm0 each

double sineAt(std::uint32_t hz, std::uint32_t sample) noexcept {
  const double cycles = static_cast<double>(std::uint64_t{hz} * sample % kSampleRateHz) / kSampleRateHz;
  return std::sin(2 * std::numbers::pi * cycles);
}

}  // namespace

void ToneGenerator::press(std::uint8_t key, std::uint32_t durationMs) noexcept {
  for (std::size_t row = 0; row < 4; row++) {
    for (std::size_t column = 0; column < 4; column++) {
      if (keyAt(row, column) != key) continue;
      lowHz_ = static_cast<std::uint32_t>(kToneHz[row]);
      highHz_ = static_cast<std::uint32_t>(kToneHz[4 + column]);
    }
  }
  toneLeft_ = durationMs * (kSampleRateHz / 1000);
  pauseLeft_ = kPauseMs * (kSampleRateHz / 1000);
  sample_ = 0;
}

bool ToneGenerator::render(std::span<std::int16_t> pcm) noexcept {
  if (toneLeft_ == 0 && pauseLeft_ == 0) return false;
  for (std::int16_t& out : pcm) {
    out = 0;
    if (toneLeft_ > 0) {
      out = static_cast<std::int16_t>(
          std::lround(kPeak * (sineAt(lowHz_, sample_) + sineAt(highHz_, sample_))));
      sample_++;
      toneLeft_--;
    } else if (pauseLeft_ > 0) {
      pauseLeft_--;
    }
  }
  if (toneLeft_ == 0 && pauseLeft_ == 0) wipe();
  return true;
}

void ToneGenerator::wipe() noexcept {
  lowHz_ = highHz_ = 0;
  toneLeft_ = pauseLeft_ = 0;
}

}  // namespace hushpay
