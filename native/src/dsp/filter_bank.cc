#include "dsp/filter_bank.h"

#include <cmath>
#include <numbers>

// The matrix product is compiled twice, and the processor's own kind is chosen when the program starts.
// Sanitizers cannot run before main(), where that choice is made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define HUSHPAY_FOR_EVERY_PROCESSOR __attribute__((target_clones("arch=haswell", "default")))
#else
#define HUSHPAY_FOR_EVERY_PROCESSOR
#endif

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
// Hops after which every nominal frequency, being whole hertz, is back in phase: 32 / 8000 s = 1 / 250 s.
constexpr int kPhasePeriod = 250;
constexpr int kHalf = kBlock / 2;
// Bins of the block's own Fourier transform, 125 Hz apart: 0 to 500 Hz.
constexpr int kLowBins = 5;
constexpr int kColumns = 16;           // eight tones, then the low bins, then nothing: whole vectors
constexpr float kSquaredHannSum = 24;  // of 64: 3/8

/// Rows: pairs of samples as far before the block's centre as after it. A cosine about the centre sees only
/// their sum, a sine only their difference: half the products.
struct FilterBank {
  alignas(64) std::array<std::array<float, kColumns>, kHalf> cosine{};
  alignas(64) std::array<std::array<float, kColumns>, kHalf> sine{};
  alignas(64) std::array<float, kHalf> squaredHann{};
  std::array<std::array<std::complex<float>, kTones>, kPhasePeriod> turn{};  // undoes a hop's phase advance
};

FilterBank makeFilterBank() {
  FilterBank bank;
  for (std::size_t row = 0; row < kHalf; row++) {
    const double fromCentre = static_cast<double>(row) + 0.5;
    const double hann = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * fromCentre / kBlock);
    bank.squaredHann[row] = static_cast<float>(hann * hann);
    const auto put = [&](std::size_t column, double hz, double weight) {
      const double angle = 2 * std::numbers::pi * hz * fromCentre / kSampleRateHz;
      bank.cosine[row][column] = static_cast<float>(weight * hann * std::cos(angle));
      bank.sine[row][column] = static_cast<float>(-weight * hann * std::sin(angle));
    };
    for (std::size_t tone = 0; tone < kTones; tone++) put(tone, kToneHz[tone], 1);
    for (std::size_t bin = 0; bin < kLowBins; bin++) {
      // Parseval: every bin but the first stands for its mirror image too.
      const double weight = std::sqrt((bin == 0 ? 1.0 : 2.0) / kBlock);
      put(kTones + bin, static_cast<double>(bin) * kSampleRateHz / kBlock, weight);
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

HUSHPAY_FOR_EVERY_PROCESSOR
void filterBlock(std::span<const float, kBlock> samples, std::int64_t number, Spectrum& into) noexcept {
  alignas(64) std::array<float, kColumns> real{};
  alignas(64) std::array<float, kColumns> imaginary{};
  float energy = 0;
  for (std::size_t row = 0; row < kHalf; row++) {
    const float after = samples[kHalf + row];
    const float before = samples[kHalf - 1 - row];
    const float sum = after + before;
    const float difference = after - before;
    energy += kBank.squaredHann[row] * (after * after + before * before);
    for (std::size_t i = 0; i < kColumns; i++) real[i] += sum * kBank.cosine[row][i];
    for (std::size_t i = 0; i < kColumns; i++) imaginary[i] += difference * kBank.sine[row][i];
  }
  float low = 0;
  for (std::size_t i = kTones; i < kColumns; i++) low += real[i] * real[i] + imaginary[i] * imaginary[i];
  into.energy = (energy > low ? energy - low : 0) * (kHannSum / kSquaredHannSum);
  into.low = low * (kHannSum / kSquaredHannSum);
  const auto& turn = kBank.turn[static_cast<std::size_t>(number % kPhasePeriod)];
  for (std::size_t tone = 0; tone < kTones; tone++) {
    into.tone[tone] = std::complex<float>(real[tone], imaginary[tone]) * turn[tone];
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
