#include "dsp/tone_fit.h"

#include <cmath>
#include <complex>
#include <numbers>

namespace hushpay {
namespace {

using Complex = std::complex<float>;
using Turned = std::array<Complex, Stretch::kMost>;

constexpr float kHopsPerSecond = static_cast<float>(kSampleRateHz) / kHop;
// Further than this from a filter's centre its response is not used to scale up what it heard.
constexpr float kLeastResponse = 0.2F;
// Of the filter to a tone as far off as may still be a key.
constexpr float kWorstResponse = 0.94F;

float squared(float value) noexcept { return value * value; }

Complex unit(Complex value) noexcept {
  const float length = std::sqrt(std::norm(value));
  return length > 0 ? value / length : Complex(1);
}

/// Phase advance from one block to the next: coarse, but without doubt.
Complex advancePerHop(const Stretch& stretch, const Turned& heard) noexcept {
  Complex advance = 0;
  for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(stretch.count); i++) {
    if (stretch.age[i + 1] == stretch.age[i] + 1) advance += heard[i] * std::conj(heard[i + 1]);
  }
  return unit(advance);
}

/// Turns every block on to the newest, if phase advances so from hop to hop.
void undo(const Stretch& stretch, const Turned& heard, Complex perHop, Turned& steady) noexcept {
  Complex turn = 1;
  int age = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(stretch.count); i++) {
    for (; age < stretch.age[i] - stretch.age[0]; age++) turn *= perHop;
    steady[i] = heard[i] * turn;
  }
}

/// Phase advance that is left, told over half the stretch: finer than any block can resolve.
float restPerHop(const Stretch& stretch, const Turned& steady) noexcept {
  const auto size = static_cast<std::size_t>(stretch.count);
  const std::size_t lag = size / 2;
  Complex rest = 0;
  int distance = 0;
  for (std::size_t i = 0; i + lag < size; i++) {
    rest += steady[i] * std::conj(steady[i + lag]);
    distance += stretch.age[i + lag] - stretch.age[i];
  }
  return std::arg(rest) * static_cast<float>(size - lag) / static_cast<float>(distance);
}

void findNominal(float measuredHz, int firstBin, ToneFit& fit) noexcept {
  for (int index = firstBin; index < firstBin + 4; index++) {
    const auto nominalHz = static_cast<float>(kToneHz[static_cast<std::size_t>(index)]);
    const float offset = (measuredHz - nominalHz) / nominalHz;
    if (std::abs(offset) < std::abs(fit.offset)) {
      fit.offset = offset;
      fit.index = index;
    }
  }
}

}  // namespace

ToneFit fitTone(const Stretch& stretch, int bin, float minCoherence) noexcept {
  const auto size = static_cast<std::size_t>(stretch.count);
  const auto count = static_cast<float>(stretch.count);
  const auto filter = static_cast<std::size_t>(bin);
  ToneFit fit;
  Turned heard;
  for (std::size_t i = 0; i < size; i++) heard[i] = stretch.block[i]->tone(filter);

  const Complex coarse = advancePerHop(stretch, heard);
  Turned steady;
  undo(stretch, heard, coarse, steady);
  const float rest = restPerHop(stretch, steady);
  undo(stretch, heard, coarse * std::polar(1.0F, rest), steady);
  Complex sum = 0;
  for (std::size_t i = 0; i < size; i++) sum += steady[i];
  fit.coherence = std::norm(sum) / (count * std::max(stretch.power[filter], 1e-9F));
  if (fit.coherence < minCoherence) return fit;

  const float perHop = std::arg(coarse) + rest;
  const float offHz = perHop * kHopsPerSecond / (2 * std::numbers::pi_v<float>);
  findNominal(static_cast<float>(kToneHz[filter]) + offHz, bin < 4 ? 0 : 4, fit);
  const float response = std::max(kLeastResponse, responseAt(offHz));
  fit.power = 4 * std::norm(sum) / squared(count * kHannSum * response);
  return fit;
}

float mostPower(float meanPower) noexcept { return 4 * meanPower / squared(kHannSum * kWorstResponse); }

}  // namespace hushpay
