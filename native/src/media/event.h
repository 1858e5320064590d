#pragma once

#include <cstdint>

#include "media/player.h"
#include "rtp/bytes.h"

namespace hushpay {

enum class KeyCarrier : std::uint8_t { kEvent, kTone };

/// What the media thread tells the IPC thread. Plain data: it crosses a queue that wipes it.
struct MediaEvent {
  enum class Kind : std::uint8_t {
    kPlayProgress,
    kPlayFinished,
    kKeyDown,
    kKeyUp,
    kMediaTimeout,
    kActiveSpeaker
  };

  Kind kind = Kind::kPlayProgress;
  KeyCarrier carrier = KeyCarrier::kEvent;
  std::uint8_t key = 0;
  PlayEnd playEnd = PlayEnd::kFinished;
  std::uint32_t session = 0;
  std::uint32_t play = 0;
  std::uint32_t clipsStarted = 0;
  std::uint32_t playedMs = 0;
  std::uint32_t starvedMs = 0;
  std::uint32_t press = 0;
  std::uint32_t durationMs = 0;
  double onsetMs = 0;
  std::uint32_t room = 0;  // of kActiveSpeaker, whose session is 0 when nobody speaks
  float levelDbm0 = 0;
};

/// Where a session's events go; the engine's queue, or a test's list.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void emit(const MediaEvent& event) noexcept = 0;
};

/// Where a session's packets go.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void sendRtp(ByteView datagram) noexcept = 0;
  virtual void sendRtcp(ByteView datagram) noexcept = 0;
  /// A packet is about to be sent.
  virtual void prefetch() const noexcept {}
};

}  // namespace hushpay
