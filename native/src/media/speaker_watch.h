#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

namespace hushpay {

/// Follows who speaks in a room, from the levels of its members. Another member takes over when they are the
/// louder one for a while, or when who spoke has fallen silent; so a cough or the echo of a room does not.
/// Media thread.
class SpeakerWatch {
 public:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  static constexpr float kSpeechDbm0 = -42;
  static constexpr float kSilenceDbm0 = -48;
  static constexpr std::size_t kTakeOverMs = 200;
  static constexpr std::size_t kSilentMs = 800;
  static constexpr std::size_t kApartMs = 400;  // changes are told no faster

  /// @param levelsDbm0  one per place; what is no member's is as faint as can be
  /// @return the place of the new speaker, or kNobody, if that has changed
  std::optional<std::size_t> note(std::span<const float> levelsDbm0, std::size_t elapsedMs) noexcept;
  /// Nobody is in this place any more.
  void forget(std::size_t place) noexcept;

 private:
  std::size_t speaker_ = kNobody;
  std::size_t rival_ = kNobody;
  std::size_t rivalMs_ = 0;   // the rival has been the loudest for so long
  std::size_t silentMs_ = 0;  // of the speaker
  std::size_t sinceMs_ = kApartMs;
};

}  // namespace hushpay
