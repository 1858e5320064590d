#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hushpay {

/// The distance at which a stretch of a signal is most like what went before it.
struct Pitch {
  std::size_t lag = 0;
  float likeness = 0;  // normalised correlation, at most 1; 0 for silence
};

/// Compares samples[at, at + count) with the same number of samples `lag` before, for every lag from minLag
/// to maxLag.
/// @param samples  at >= maxLag, at + count <= size; count at most 160
Pitch findPitch(std::span<const std::int16_t> samples, std::size_t at, std::size_t count, std::size_t minLag,
                std::size_t maxLag) noexcept;

}  // namespace hushpay
