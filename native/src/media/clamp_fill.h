#pragma once

#include <cstdint>
#include <span>

#include "media/clamp.h"

namespace hushpay {

/// What a listener hears instead of what the clamp closed.
enum class ClampMode : std::uint8_t {
  kComfortNoise,  // as the line itself sounds when nobody speaks
  kSilence,
  kNeutralTone,  // one tone, the same for every key
};

/// Fills what the clamp closed. One per speaker, in the order of the stream, so that every listener's mode is
/// filled from the same knowledge of the line. That comes from open samples alone: nothing of a tone is in
/// it. Media thread, fixed memory.
class ClampFill {
 public:
  /// Learns how the line sounds. Once for every stretch that leaves the clamp, before it is filled.
  void learn(std::span<const std::int16_t> samples, std::span<const Pass> pass) noexcept;

  /// Replaces in place what is not open (missing samples too, unless the caller has concealed them and says
  /// they are open), and takes the step out of the edges. Once for each mode that somebody listens in, on a
  /// copy of its own.
  void fill(ClampMode mode, std::span<std::int16_t> samples, std::span<const Pass> pass) noexcept;

  void wipe() noexcept;
};

}  // namespace hushpay
