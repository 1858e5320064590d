#pragma once

#include <cstdint>

#include "rtp/bytes.h"

namespace hushpay {

enum class DatagramKind : std::uint8_t { kStun, kDtls, kRtp, kRtcp, kNone };

/// Which protocol a datagram on a media port speaks: by its first byte (RFC 7983), RTP and RTCP by the second
/// (RFC 5761 section 4).
constexpr DatagramKind kindOf(ByteView datagram) noexcept {
  if (datagram.size() < 2) return DatagramKind::kNone;
  const std::uint8_t first = datagram[0];
  if (first <= 3) return DatagramKind::kStun;
  if (first >= 20 && first <= 63) return DatagramKind::kDtls;
  if (first < 128 || first > 191) return DatagramKind::kNone;
  return datagram[1] >= 192 && datagram[1] <= 223 ? DatagramKind::kRtcp : DatagramKind::kRtp;
}

}  // namespace hushpay
