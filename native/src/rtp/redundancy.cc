#include "rtp/redundancy.h"

namespace hushpay {
namespace {

constexpr std::size_t kCopyHeaderSize = 4;
constexpr std::uint8_t kMoreFollow = 0x80;

}  // namespace

std::optional<RedundantPacket> parseRedundant(ByteView payload, std::uint32_t timestamp) noexcept {
  RedundantPacket packet;
  std::array<std::size_t, RedundantPacket::kMostCopies> sizes{};
  std::size_t at = 0;
  std::size_t copies = 0;
  for (; at < payload.size() && (payload[at] & kMoreFollow) != 0; at += kCopyHeaderSize, copies++) {
    if (copies == RedundantPacket::kMostCopies || payload.size() - at < kCopyHeaderSize) return std::nullopt;
    const std::uint32_t rest = readU32(payload, at) & 0xffffff;
    packet.blocks_[copies].payloadType = payload[at] & 0x7f;
    packet.blocks_[copies].timestamp = timestamp - (rest >> 10);
    sizes[copies] = rest & 0x3ff;
  }
  if (at == payload.size()) return std::nullopt;
  packet.blocks_[copies].payloadType = payload[at++];
  packet.blocks_[copies].timestamp = timestamp;
  for (std::size_t i = 0; i < copies; i++) {
    if (payload.size() - at < sizes[i]) return std::nullopt;
    packet.blocks_[i].payload = payload.subspan(at, sizes[i]);
    at += sizes[i];
  }
  packet.blocks_[copies].payload = payload.subspan(at);
  packet.count_ = copies + 1;
  return packet;
}

}  // namespace hushpay
