#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hushpay {

using ByteView = std::span<const std::uint8_t>;
using ByteSpan = std::span<std::uint8_t>;

constexpr std::uint16_t readU16(ByteView bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

constexpr std::uint32_t readU32(ByteView bytes, std::size_t at) noexcept {
  return (static_cast<std::uint32_t>(readU16(bytes, at)) << 16) | readU16(bytes, at + 2);
}

constexpr void writeU16(ByteSpan bytes, std::size_t at, std::uint32_t value) noexcept {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

constexpr void writeU32(ByteSpan bytes, std::size_t at, std::uint32_t value) noexcept {
  writeU16(bytes, at, value >> 16);
  writeU16(bytes, at + 2, value & 0xffff);
}

}  // namespace hushpay
