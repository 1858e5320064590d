#include "media/speaker_watch.h"

#include <algorithm>

namespace hushpay {

std::optional<std::size_t> SpeakerWatch::note(std::span<const float> levelsDbm0,
                                              std::size_t elapsedMs) noexcept {
  constexpr float kLouderDb = 6;
  sinceMs_ = std::min(sinceMs_ + elapsedMs, kApartMs);
  const auto loudest = static_cast<std::size_t>(std::ranges::max_element(levelsDbm0) - levelsDbm0.begin());
  const float levelNow = speaker_ < levelsDbm0.size() ? levelsDbm0[speaker_] : kSilenceDbm0;
  silentMs_ = levelNow > kSilenceDbm0 ? 0 : silentMs_ + elapsedMs;
  const bool isSpeech = levelsDbm0[loudest] > kSpeechDbm0;
  const bool isLouder = silentMs_ > 0 || levelsDbm0[loudest] > levelNow + kLouderDb;
  const std::size_t rival = isSpeech && isLouder && loudest != speaker_ ? loudest : kNobody;
  rivalMs_ = rival != kNobody && rival == rival_ ? rivalMs_ + elapsedMs : 0;
  rival_ = rival;
  if (sinceMs_ < kApartMs) return std::nullopt;
  std::size_t next = speaker_;
  if (rival != kNobody && rivalMs_ + elapsedMs >= kTakeOverMs)
    next = rival;
  else if (silentMs_ >= kSilentMs)
    next = kNobody;
  if (next == speaker_) return std::nullopt;
  speaker_ = next;
  rival_ = kNobody;
  rivalMs_ = silentMs_ = sinceMs_ = 0;
  return next;
}

void SpeakerWatch::forget(std::size_t place) noexcept {
  if (rival_ == place) rival_ = kNobody;
  if (speaker_ != place) return;
  silentMs_ = kSilentMs;  // told with the next look
}

}  // namespace hushpay
