#pragma once

#include <cstdint>
#include <span>

#include "rtp/bytes.h"

namespace hushpay {

enum class Codec : std::uint8_t { kPcmu, kPcma };

std::uint8_t encodeMuLaw(std::int16_t sample) noexcept;
std::uint8_t encodeALaw(std::int16_t sample) noexcept;
std::int16_t decodeMuLaw(std::uint8_t code) noexcept;
std::int16_t decodeALaw(std::uint8_t code) noexcept;

/// G.711 of 16-bit linear samples; `codes` is as long as `pcm`.
void encode(Codec codec, std::span<const std::int16_t> pcm, ByteSpan codes) noexcept;
void decode(Codec codec, ByteView codes, std::span<std::int16_t> pcm) noexcept;

}  // namespace hushpay
