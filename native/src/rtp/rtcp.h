#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rtp/bytes.h"

namespace hushpay {

constexpr std::size_t kMaxRtcpSize = 256;  // of what we send

/// What one side says about a stream it receives (RFC 3550 section 6.4.1).
struct ReportBlock {
  std::uint32_t ssrc = 0;
  std::uint8_t fractionLost = 0;  // of 256
  std::int32_t cumulativeLost = 0;
  std::uint32_t highestSequence = 0;
  std::uint32_t jitterTs = 0;
  std::uint32_t lastReport = 0;       // middle 32 bits of the NTP time in the last sender report
  std::uint32_t sinceLastReport = 0;  // 1/65536 s
};

struct SenderInfo {
  std::uint64_t ntp = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
};

/// What we use of an incoming compound packet.
struct IncomingRtcp {
  std::optional<std::uint64_t> senderNtp;
  std::optional<ReportBlock> aboutUs;
  bool bye = false;
};

/// Parses a compound packet (RFC 3550 appendix A.2).
/// @return nothing if it is not well-formed to its last byte.
std::optional<IncomingRtcp> parseRtcp(ByteView datagram, std::uint32_t ourSsrc) noexcept;

struct OutgoingRtcp {
  std::uint32_t ssrc = 0;
  std::optional<SenderInfo> sender;  // absent: a receiver report
  std::optional<ReportBlock> report;
  std::string_view cname;  // at most 64 bytes
  bool bye = false;
};

/// Writes SR or RR, then SDES with the CNAME, then BYE if asked.
/// @return the size used of `out`, which has kMaxRtcpSize bytes
std::size_t writeRtcp(ByteSpan out, const OutgoingRtcp& packet) noexcept;

/// The middle 32 bits of an NTP time, as report blocks carry it.
constexpr std::uint32_t middleOfNtp(std::uint64_t ntp) noexcept {
  return static_cast<std::uint32_t>(ntp >> 16);
}

/// Round trip from a report block about us (RFC 3550 figure 2).
/// @return milliseconds, or nothing if the peer has not seen a sender report or its figures cannot be true
std::optional<double> roundTripMs(const ReportBlock& block, std::uint64_t nowNtp) noexcept;

}  // namespace hushpay
