#include "dsp/filter_bank.h"

#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
// Hops after which every nominal frequency, being whole hertz, is back in phase: 32 / 8000 s = 1 / 250 s.
constexpr int kPhasePeriod = 250;

/// Rows: samples of the block; columns: cos and -sin of the eight tones under a Hann window.
struct FilterBank {
  alignas(16) std::array<std::array<float, 2 * kTones>, kBlock> weight{};
  std::array<float, kBlock> hann{};
  std::array<std::array<std::complex<float>, kTones>, kPhasePeriod> turn{};  // undoes a hop's phase advance
};

FilterBank makeFilterBank() {
  FilterBank bank;
  for (int n = 0; n < kBlock; n++) {
    const auto row = static_cast<std::size_t>(n);
    const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * (n + 0.5) / kBlock);
    bank.hann[row] = static_cast<float>(hann);
    for (std::size_t tone = 0; tone < kTones; tone++) {
      const double angle = 2 * std::numbers::pi * kToneHz[tone] * n / kSampleRateHz;
      bank.weight[row][tone] = static_cast<float>(hann * std::cos(angle));
      bank.weight[row][kTones + tone] = static_cast<float>(-hann * std::sin(angle));
    }
  }
  for (std::size_t hop = 0; hop < kPhasePeriod; hop++) {
    for (std::size_t tone = 0; tone < kTones; tone++) {
      const double cycles =
          static_cast<double>(hop * static_cast<std::size_t>(kToneHz[tone]) % kPhasePeriod) / kPhasePeriod;
      bank.turn[hop][tone] = std::polar(1.0F, static_cast<float>(-2 * std::numbers::pi * cycles));
    }
  }
  return bank;
}

const FilterBank kBank = makeFilterBank();

}  // namespace

void filterBlock(std::span<const float, kBlock> samples, std::int64_t number, Spectrum& into) noexcept {
  alignas(16) std::array<float, 2 * kTones> sum{};
  float energy = 0;
  for (std::size_t n = 0; n < kBlock; n++) {
    energy += kBank.hann[n] * samples[n] * samples[n];
    for (std::size_t i = 0; i < 2 * kTones; i++) sum[i] += samples[n] * kBank.weight[n][i];
  }
  into.energy = energy;
  const auto& turn = kBank.turn[static_cast<std::size_t>(number % kPhasePeriod)];
  for (std::size_t tone = 0; tone < kTones; tone++) {
    into.tone[tone] = std::complex<float>(sum[tone], sum[kTones + tone]) * turn[tone];
  }
}

float responseAt(float offHz) noexcept {
  const float x = offHz * kBlock / kSampleRateHz;
  return std::abs(x) < 0.01F ? 1.0F : std::sin(kPi * x) / (kPi * x) / (1 - x * x);
}

float samplesBeforeCentre(float share) noexcept {
  float low = -kBlock / 2.0F;
  float high = kBlock / 2.0F;
  for (int i = 0; i < 12; i++) {
    const float middle = (low + high) / 2;
    const float reached = 0.5F + middle / kBlock + std::sin(2 * kPi * middle / kBlock) / (2 * kPi);
    (reached < share ? low : high) = middle;
  }
  return low;
}

}  // namespace hushpay
