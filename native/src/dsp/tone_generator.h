#pragma once

#include <cstdint>
#include <span>

namespace hushpay {

/// Makes the tones of keys in audio, each followed by a pause. Media thread, fixed memory.
class ToneGenerator {
 public:
  /// Starts a key, replacing one that sounds.
  void press(std::uint8_t key, std::uint32_t durationMs) noexcept;

  /// Overwrites `pcm` while a key sounds or pauses.
  /// @return false if there is nothing to say and pcm is untouched
  bool render(std::span<std::int16_t> pcm) noexcept;

  [[nodiscard]] bool pressing() const noexcept { return toneLeft_ > 0 || pauseLeft_ > 0; }

  void wipe() noexcept;

 private:
  std::uint32_t lowHz_ = 0;
  std::uint32_t highHz_ = 0;
  std::uint32_t toneLeft_ = 0;   // samples
  std::uint32_t pauseLeft_ = 0;  // samples
  std::uint32_t sample_ = 0;
};

}  // namespace hushpay
