#include "rtp/packet.h"

namespace hushpay {

std::optional<RtpPacket> parseRtp(ByteView datagram) noexcept {
  if (datagram.size() < kRtpHeaderSize || (datagram[0] >> 6) != 2) return std::nullopt;
  std::size_t start = kRtpHeaderSize + 4u * (datagram[0] & 0x0f);
  if ((datagram[0] & 0x10) != 0) {
    if (datagram.size() < start + 4) return std::nullopt;
    start += 4 + 4u * readU16(datagram, start + 2);
  }
  if (datagram.size() < start) return std::nullopt;
  std::size_t padding = 0;
  if ((datagram[0] & 0x20) != 0) {
    padding = datagram.back();
    if (padding == 0 || padding > datagram.size() - start) return std::nullopt;
  }
  return RtpPacket{.payloadType = static_cast<std::uint8_t>(datagram[1] & 0x7f),
                   .marker = (datagram[1] & 0x80) != 0,
                   .sequence = readU16(datagram, 2),
                   .timestamp = readU32(datagram, 4),
                   .ssrc = readU32(datagram, 8),
                   .payload = datagram.subspan(start, datagram.size() - start - padding)};
}

void writeRtpHeader(ByteSpan datagram, const RtpPacket& packet) noexcept {
  datagram[0] = 0x80;
  datagram[1] = static_cast<std::uint8_t>((packet.marker ? 0x80 : 0) | packet.payloadType);
  writeU16(datagram, 2, packet.sequence);
  writeU32(datagram, 4, packet.timestamp);
  writeU32(datagram, 8, packet.ssrc);
}

}  // namespace hushpay
