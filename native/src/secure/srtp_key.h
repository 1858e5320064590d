#pragma once

#include <string.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "rtp/bytes.h"

namespace hushpay {

/// What RFC 4568 and RFC 7714 call a crypto suite, RFC 5764 a protection profile.
enum class SrtpSuite : std::uint8_t { kAesCm128Sha1_80, kAesCm128Sha1_32, kAeadAes128Gcm, kAeadAes256Gcm };

struct SrtpShape {
  std::size_t keySize;
  std::size_t saltSize;
  std::size_t rtpTagSize;
  std::size_t rtcpTagSize;
  bool isAead;
};

constexpr SrtpShape shapeOf(SrtpSuite suite) noexcept {
  switch (suite) {
    case SrtpSuite::kAesCm128Sha1_80:
      return {.keySize = 16, .saltSize = 14, .rtpTagSize = 10, .rtcpTagSize = 10, .isAead = false};
    case SrtpSuite::kAesCm128Sha1_32:  // RTCP keeps the long tag (RFC 4568 section 6.2.2)
      return {.keySize = 16, .saltSize = 14, .rtpTagSize = 4, .rtcpTagSize = 10, .isAead = false};
    case SrtpSuite::kAeadAes128Gcm:
      return {.keySize = 16, .saltSize = 12, .rtpTagSize = 16, .rtcpTagSize = 16, .isAead = true};
    case SrtpSuite::kAeadAes256Gcm:
      return {.keySize = 32, .saltSize = 12, .rtpTagSize = 16, .rtcpTagSize = 16, .isAead = true};
  }
  return {};
}

/// A master key with its salt behind it. Wiped where it ends.
struct SrtpKey {
  static constexpr std::size_t kMaxSize = 44;

  SrtpSuite suite = SrtpSuite::kAesCm128Sha1_80;
  std::array<std::uint8_t, kMaxSize> bytes{};

  SrtpKey() = default;
  SrtpKey(const SrtpKey&) = default;
  SrtpKey& operator=(const SrtpKey&) = default;
  ~SrtpKey() { explicit_bzero(bytes.data(), bytes.size()); }

  [[nodiscard]] static constexpr std::size_t sizeOf(SrtpSuite suite) noexcept {
    return shapeOf(suite).keySize + shapeOf(suite).saltSize;
  }
  [[nodiscard]] ByteView master() const noexcept { return ByteView(bytes).first(shapeOf(suite).keySize); }
  [[nodiscard]] ByteView salt() const noexcept {
    return ByteView(bytes).subspan(shapeOf(suite).keySize, shapeOf(suite).saltSize);
  }
  bool operator==(const SrtpKey&) const = default;
};

/// Where a protected stream stands: with its key all that another process needs to go on with it.
struct SrtpPosition {
  std::uint32_t ssrc = 0;
  std::uint64_t index = 0;  // of the newest RTP packet: roll-over counter above 16 bits of sequence number
  std::uint32_t rtcpIndex = 0;  // of the newest RTCP packet
  bool operator==(const SrtpPosition&) const = default;
};

}  // namespace hushpay
