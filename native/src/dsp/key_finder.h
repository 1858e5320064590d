#pragma once

#include <array>
#include <cstdint>

#include "dsp/block_history.h"
#include "dsp/key_evidence.h"

namespace hushpay {

/// A key that was found, and how its two tones are followed from then on.
struct FoundKey {
  std::uint8_t key = 0;          // RFC 4733 event code 0..15
  std::int64_t onset = 0;        // sample, counted as the caller counts
  std::array<int, 2> bin{};      // filters of its tones
  std::array<float, 2> level{};  // magnitude in them
};

/// How much of a key's tones a block holds; the lesser of the two.
float shareOf(const FoundKey& key, const Block& block) noexcept;

/// When a key is looked for.
struct Moment {
  std::int64_t fed;  // samples so far: the end of the newest block
  bool isKeying;     // a key was pressed a short while ago: another is likelier than in mere speech
};

/// Looks for a key in the newest blocks.
bool findKey(const BlockHistory& history, Moment moment, FoundKey& found) noexcept;

}  // namespace hushpay
