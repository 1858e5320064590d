#pragma once

#include <cstdint>
#include <optional>

#include "rtp/bytes.h"

namespace hushpay {

constexpr std::size_t kRtpHeaderSize = 12;
constexpr std::size_t kMaxPayloadSize = 1280;  // a whole Opus frame (RFC 6716 section 3.2.1), 60 ms of L16

/// One RTP packet; the payload lies in the datagram it was parsed from.
struct RtpPacket {
  std::uint8_t payloadType;
  bool marker;
  std::uint16_t sequence;
  std::uint32_t timestamp;
  std::uint32_t ssrc;
  ByteView payload;
};

/// Parses a datagram (RFC 3550 section 5.1).
///
///     0                   1                   2                   3
///    |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///    |                           timestamp                           |
///    |                             SSRC                              |
///    |                    CSRC, CC times (skipped)                   |
///    |     profile of extension      |  length in 32-bit words       |  if X, skipped
///
/// @return nothing if version, CSRC list, extension or padding do not fit the datagram: counted by the
/// caller, not thrown.
std::optional<RtpPacket> parseRtp(ByteView datagram) noexcept;

/// Writes a header without CSRC, extension or padding.
void writeRtpHeader(ByteSpan datagram, const RtpPacket& packet) noexcept;

}  // namespace hushpay
