#pragma once

#include <cstdint>

#include "media/stream_settings.h"

namespace hushpay {

enum class PayloadKind : std::uint8_t { kUnknown, kAudio, kEvent, kComfortNoise, kRedundant };

/// What the payload types of an incoming stream stand for. After a re-INVITE the peer may go on with the old
/// ones for a moment (RFC 3264 section 8.3.2), in the middle of a key press too. Media thread.
class PayloadTypes {
 public:
  struct Meaning {
    PayloadKind kind = PayloadKind::kUnknown;
    Codec codec = Codec::kPcmu;    // of audio
    std::uint32_t clockHz = 8000;  // of events
  };

  void set(const StreamSettings& settings, double nowMs) noexcept;
  [[nodiscard]] Meaning of(std::uint8_t payloadType, double nowMs) const noexcept;

 private:
  StreamSettings current_{};
  StreamSettings previous_{};
  double previousUntilMs_ = 0;
  bool hasCurrent_ = false;
};

}  // namespace hushpay
