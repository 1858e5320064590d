#include "dsp/filter_bank.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

// Four floats that are added and multiplied as one: what every processor of 64 bits can do.
using Quad = float __attribute__((vector_size(4 * sizeof(float))));

constexpr float kPi = std::numbers::pi_v<float>;
// Hops after which every nominal frequency, being whole hertz, is back in phase: 32 / 8000 s = 1 / 250 s.
constexpr int kPhasePeriod = 250;
constexpr int kHalf = kBlock / 2;
constexpr float kSquaredHannSum = 24;  // of 64: 3/8

/// Weights of a pair of samples, as far before the block's centre as after it. A cosine about the centre sees
/// only their sum, a sine only their difference: half the products.
struct PairWeights {
  Quad rowCosine{};
  Quad rowSine{};
  Quad columnCosine{};
  Quad columnSine{};
  Quad lowCosine{};
  Quad lowSine{};
};

struct FilterBank {
  std::array<PairWeights, kHalf> pairs{};
  std::array<float, kHalf> hann{};
  std::array<std::array<std::complex<float>, kTones>, kPhasePeriod> turn{};  // undoes a hop's phase advance
};

FilterBank makeFilterBank() {
  FilterBank bank;
  for (std::size_t i = 0; i < kHalf; i++) {
    const double fromCentre = static_cast<double>(i) + 0.5;
    const double hann = 0.5 + 0.5 * std::cos(2 * std::numbers::pi * fromCentre / kBlock);
    bank.hann[i] = static_cast<float>(hann);
    const auto put = [&](Quad& cosine, Quad& sine, int lane, double hz, double weight) {
      const double angle = 2 * std::numbers::pi * hz * fromCentre / kSampleRateHz;
      cosine[lane] = static_cast<float>(weight * hann * std::cos(angle));
      sine[lane] = static_cast<float>(-weight * hann * std::sin(angle));
    };
    PairWeights& pair = bank.pairs[i];
    for (int lane = 0; lane < 4; lane++) {
      put(pair.rowCosine, pair.rowSine, lane, kToneHz[static_cast<std::size_t>(lane)], 1);
      put(pair.columnCosine, pair.columnSine, lane, kToneHz[static_cast<std::size_t>(lane + 4)], 1);
      // Bins of the block's own Fourier transform, 125 to 500 Hz, beside that at 0 Hz. Parseval: each of them
      // stands for its mirror image too.
      const double lowHz = static_cast<double>(lane + 1) * kSampleRateHz / kBlock;
      put(pair.lowCosine, pair.lowSine, lane, lowHz, std::sqrt(2.0 / kBlock));
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

float sumOf(const Quad& quad) noexcept { return quad[0] + quad[1] + quad[2] + quad[3]; }

}  // namespace

void filterBlock(std::span<const float, kBlock> samples, std::int64_t number, Spectrum& into) noexcept {
  std::array<float, kHalf> sums;
  std::array<float, kHalf> differences;
  float energy = 0;
  float mean = 0;
  for (std::size_t i = 0; i < kHalf; i++) {
    const float after = kBank.hann[i] * samples[kHalf + i];
    const float before = kBank.hann[i] * samples[kHalf - 1 - i];
    energy += after * after + before * before;
    mean += after + before;
    sums[i] = samples[kHalf + i] + samples[kHalf - 1 - i];
    differences[i] = samples[kHalf + i] - samples[kHalf - 1 - i];
  }
  PairWeights heard;  // each sum of products in the place of its weights
  for (std::size_t i = 0; i < kHalf; i++) {
    const PairWeights& pair = kBank.pairs[i];
    heard.rowCosine += sums[i] * pair.rowCosine;
    heard.rowSine += differences[i] * pair.rowSine;
    heard.columnCosine += sums[i] * pair.columnCosine;
    heard.columnSine += differences[i] * pair.columnSine;
    heard.lowCosine += sums[i] * pair.lowCosine;
    heard.lowSine += differences[i] * pair.lowSine;
  }
  const float low =
      mean * mean / kBlock + sumOf(heard.lowCosine * heard.lowCosine + heard.lowSine * heard.lowSine);
  into.energy = std::max(energy - low, 0.0F) * (kHannSum / kSquaredHannSum);
  into.low = low * (kHannSum / kSquaredHannSum);
  const auto& turn = kBank.turn[static_cast<std::size_t>(number % kPhasePeriod)];
  const auto store = [&](const Quad& cosine, const Quad& sine, std::size_t first) {
    for (std::size_t lane = 0; lane < 4; lane++) {
      const auto tone = std::complex<float>(cosine[lane], sine[lane]) * turn[first + lane];
      into.real[first + lane] = tone.real();
      into.imaginary[first + lane] = tone.imag();
      into.power[first + lane] = std::norm(tone);
    }
  };
  store(heard.rowCosine, heard.rowSine, 0);
  store(heard.columnCosine, heard.columnSine, 4);
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
