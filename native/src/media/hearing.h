#pragma once

#include <cstdint>

#include "media/clamp_fill.h"

namespace hushpay {

enum class Access : std::uint8_t {
  kNone,
  kOpen,    // all of it
  kClamped  // without key presses
};

/// How one listener hears one source of a room.
struct Hearing {
  Access access = Access::kNone;
  ClampMode mode = ClampMode::kComfortNoise;  // of kClamped
  float gain = 1;                             // linear
  std::uint16_t delayMs = 0;                  // of a voice: that much later than it could be

  friend bool operator==(const Hearing&, const Hearing&) = default;
};

/// What a member brings into its room.
enum class Source : std::uint8_t {
  kVoice,   // what its peer says
  kPrompts  // what its player plays
};

}  // namespace hushpay
