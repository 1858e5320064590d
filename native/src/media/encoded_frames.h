#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codec/codec.h"
#include "rtp/packet.h"
#include "rtp/reorder_buffer.h"

namespace hushpay {

/// What one mix of a room has been encoded to in this block, so that listeners who hear the same in the same
/// codec are sent the same payload. Media thread: no allocation, lock, log or throw; leaves no audio behind.
class EncodedFrames {
 public:
  struct Frame {
    Codec codec = Codec::kPcmu;
    OpusWishes wishes{};
    const AudioEncoder* encoder = nullptr;  // that has made it, and has not gone on since
    std::size_t sampleCount = 0;
    std::array<std::int16_t, kMaxEncodedSamples> pcm{};
    std::size_t size = 0;
    std::array<std::uint8_t, kMaxPayloadSize> payload{};
  };

  EncodedFrames() = default;
  ~EncodedFrames() { clear(); }
  EncodedFrames(const EncodedFrames&) = delete;
  EncodedFrames& operator=(const EncodedFrames&) = delete;

  /// @return null if nobody was sent these samples so
  [[nodiscard]] const Frame* find(Codec codec, const OpusWishes& wishes,
                                  std::span<const std::int16_t> pcm) const noexcept;
  /// Does nothing when there are more kinds of listeners than it has places for.
  void keep(Codec codec, const OpusWishes& wishes, const AudioEncoder& encoder,
            std::span<const std::int16_t> pcm, ByteView payload) noexcept;
  void clear() noexcept;

 private:
  static constexpr std::size_t kMost = 4;

  std::array<Frame, kMost> frames_{};
  std::size_t count_ = 0;
};

}  // namespace hushpay
