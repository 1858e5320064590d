#pragma once

#include <cstdint>
#include <span>

#include "codec/codec.h"
#include "rtp/bytes.h"

namespace hushpay {

std::uint8_t encodeMuLaw(std::int16_t sample) noexcept;
std::uint8_t encodeALaw(std::int16_t sample) noexcept;
std::int16_t decodeMuLaw(std::uint8_t code) noexcept;
std::int16_t decodeALaw(std::uint8_t code) noexcept;

/// PCMU and PCMA: a byte per sample, no state.
class G711Decoder final : public AudioDecoder {
 public:
  explicit G711Decoder(Codec law) noexcept;
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
  [[nodiscard]] std::size_t sampleCount(ByteView payload) const noexcept override;

 private:
  const std::int16_t* table_;
};

class G711Encoder final : public AudioEncoder {
 public:
  explicit G711Encoder(Codec law) noexcept : law_(law) {}
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;

 private:
  Codec law_;
};

}  // namespace hushpay
