#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

#include "dsp/dtmf.h"

namespace hushpay {

constexpr int kTones = 8;
constexpr int kHop = 32;    // samples from one block to the next, 4 ms
constexpr int kBlock = 64;  // 8 ms
constexpr float kHannSum = kBlock / 2.0F;

using ByTone = std::array<float, kTones>;  // rows, then columns

/// What the filters make of one block.
struct Spectrum {
  // Sum of squares under the Hann window, of what lies above 560 Hz: hum, dial tone and the pitch of a voice
  // do not count beside the tones. A tone of amplitude A alone gives A * A / 2 * kHannSum.
  float energy = 0;
  float low = 0;   // the same of what lies below: the rest of the energy
  ByTone power{};  // squared magnitude in every filter
  ByTone real{};   // demodulated at the nominal frequency, phase from block 0
  ByTone imaginary{};

  [[nodiscard]] std::complex<float> tone(std::size_t index) const noexcept {
    return {real[index], imaginary[index]};
  }
};

/// Filters one block: eight Goertzel filters under a Hann window, as one matrix product.
/// @param number  of the block since the beginning: its phase is told against block 0
void filterBlock(std::span<const float, kBlock> samples, std::int64_t number, Spectrum& into) noexcept;

/// How much of a tone so far off a filter's frequency comes through.
float responseAt(float offHz) noexcept;

/// Amplitude share of a block whose tone begins so many samples before its centre, inverted from the Hann
/// window's step response.
float samplesBeforeCentre(float share) noexcept;

}  // namespace hushpay
