#pragma once

#include <vector>

#include "codec/codec.h"

struct OpusDecoder;
struct OpusEncoder;

namespace hushpay {

/// Opus (RFC 6716, RFC 7587) at any bandwidth, mono or stereo; libopus hands it out at 8000 Hz. Its state is
/// one block of memory, taken when it is made.
class OpusAudioDecoder final : public AudioDecoder {
 public:
  OpusAudioDecoder();
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
  [[nodiscard]] std::size_t sampleCount(ByteView payload) const noexcept override;
  std::size_t recover(ByteView next, std::span<std::int16_t> pcm) noexcept override;
  void reset() noexcept override;
  void wipe() noexcept override;

 private:
  [[nodiscard]] OpusDecoder* state() noexcept;

  std::vector<std::uint64_t> memory_;
};

/// Mono, made of 8000 Hz, with redundancy if the peer can use it, never silent (no DTX).
class OpusAudioEncoder final : public AudioEncoder {
 public:
  OpusAudioEncoder();
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;
  void configure(const OpusWishes& wishes) noexcept override;
  void follow(const AudioEncoder& other) noexcept override;
  void reset() noexcept override;
  void wipe() noexcept override;

 private:
  [[nodiscard]] OpusEncoder* state() noexcept;

  std::vector<std::uint64_t> memory_;
};

}  // namespace hushpay
