#pragma once

#include "codec/codec.h"

namespace hushpay {

/// L16 at 8000 Hz (RFC 3551 section 4.5.11): samples as they are, the high byte first.
class L16Decoder final : public AudioDecoder {
 public:
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
};

class L16Encoder final : public AudioEncoder {
 public:
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;
};

}  // namespace hushpay
