#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "media/delay_line.h"

namespace hushpay {

/// What a listener hears instead of what the clamp closed.
enum class ClampMode : std::uint8_t {
  kComfortNoise,  // as the line itself sounds when nobody speaks
  kSilence,
  kNeutralTone,  // one tone, the same for every key
};

/// Fills what the clamp closed. One per speaker, in the order of the stream, so that every listener's mode is
/// filled from the same knowledge of the line. That comes from open samples alone: nothing of a tone is in
/// it.
///
/// Comfort noise is three bands of noise, each as strong as the quietest 20 ms of the last seconds had it.
/// The middle one, where the tones of keys lie, is held below what anybody could take for a trace of a tone
/// (-60 dBm0 in 5 ms); the two beside it give the line its sound.
///
/// Media thread: no allocation, lock, log or throw; the state is fixed and can be wiped.
class ClampFill {
 public:
  /// Learns how the line sounds. Once for every stretch that leaves the clamp, before it is filled.
  void learn(std::span<const std::int16_t> samples, std::span<const Pass> pass) noexcept;

  /// Replaces in place what is not open (missing samples too, unless the caller has concealed them and says
  /// they are open), and takes the step out of the edges. Once for each mode that somebody listens in, on a
  /// copy of its own.
  void fill(ClampMode mode, std::span<std::int16_t> samples, std::span<const Pass> pass) noexcept;

  /// Instead of fill(), where all is open: what was heard last.
  void pass(ClampMode mode, std::int16_t last) noexcept {
    Voice& voice = voice_[static_cast<std::size_t>(mode)];
    voice.last = last;
    voice.step = 0;
    voice.wasOpen = true;
  }

  void wipe() noexcept;

  void prefetch() const noexcept { hushpay::prefetch(this, sizeof *this); }

 private:
  static constexpr std::size_t kBlock = 160;
  static constexpr std::size_t kBands = 3;  // of frequency
  static constexpr std::size_t kModes = 3;

  /// Where a listening mode is.
  struct Voice {
    std::size_t noiseAt = 0;
    std::uint32_t toneAt = 0;
    float last = 0;  // sample before
    float step = 0;  // what is left of the step at the last edge
    bool wasOpen = false;
  };

  void judgeBlock() noexcept;
  void learnLevels() noexcept;
  [[nodiscard]] float replacement(ClampMode mode, Voice& voice) const noexcept;

  std::array<std::int16_t, kBlock> block_{};  // open samples without a gap
  std::size_t filled_ = 0;
  std::array<std::int16_t, kBlock> quietest_{};  // block lately
  bool isNew_ = false;                           // level_ is not that of it yet
  std::array<float, kBands> level_{};            // rms of the bands
  float floor_ = 0;  // mean square of the quietest block lately; 0 before the first
  std::array<Voice, kModes> voice_{};
};

}  // namespace hushpay
