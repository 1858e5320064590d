#include "rtp/rtcp.h"

#include <algorithm>

#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr std::uint8_t kSenderReport = 200;
constexpr std::uint8_t kReceiverReport = 201;
constexpr std::uint8_t kSourceDescription = 202;
constexpr std::uint8_t kBye = 203;
constexpr std::uint8_t kCnameItem = 1;
constexpr std::size_t kHeaderSize = 8;  // with the SSRC
constexpr std::size_t kSenderInfoSize = 20;
constexpr std::size_t kBlockSize = 24;
constexpr double kMaxRoundTripMs = 10'000;

ReportBlock readBlock(ByteView block) noexcept {
  const std::uint32_t loss = readU32(block, 4);
  const auto cumulative =
      static_cast<std::int32_t>((loss & 0xffffff) ^ 0x800000) - 0x800000;  // 24 bits, signed
  return {.ssrc = readU32(block, 0),
          .fractionLost = static_cast<std::uint8_t>(loss >> 24),
          .cumulativeLost = cumulative,
          .highestSequence = readU32(block, 8),
          .jitterTs = readU32(block, 12),
          .lastReport = readU32(block, 16),
          .sinceLastReport = readU32(block, 20)};
}

/// @param body  one SR or RR of the compound, header included
bool readReport(ByteView body, std::uint32_t ourSsrc, IncomingRtcp& into) noexcept {
  const bool isSender = body[1] == kSenderReport;
  const std::size_t blocksAt = kHeaderSize + (isSender ? kSenderInfoSize : 0);
  const std::size_t count = body[0] & 0x1f;
  if (body.size() < blocksAt + count * kBlockSize) return false;
  if (isSender) into.senderNtp = (std::uint64_t{readU32(body, 8)} << 32) | readU32(body, 12);
  for (std::size_t i = 0; i < count; i++) {
    const ReportBlock block = readBlock(body.subspan(blocksAt + i * kBlockSize, kBlockSize));
    if (block.ssrc == ourSsrc) into.aboutUs = block;
  }
  return true;
}

class Writer {
 public:
  explicit Writer(ByteSpan out) noexcept : out_(out) {}

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void u8(std::uint32_t value) noexcept { out_[size_++] = static_cast<std::uint8_t>(value); }
  void u32(std::uint32_t value) noexcept {
    writeU32(out_, size_, value);
    size_ += 4;
  }
  void header(std::uint8_t type, std::uint32_t count) noexcept {
    start_ = size_;
    u8(0x80 | count);
    u8(type);
    size_ += 2;
  }
  void finish() noexcept { writeU16(out_, start_ + 2, static_cast<std::uint32_t>((size_ - start_) / 4 - 1)); }

 private:
  ByteSpan out_;
  std::size_t size_ = 0;
  std::size_t start_ = 0;
};

void writeBlock(Writer& writer, const ReportBlock& block) noexcept {
  writer.u32(block.ssrc);
  writer.u32((std::uint32_t{block.fractionLost} << 24) |
             (static_cast<std::uint32_t>(block.cumulativeLost) & 0xffffff));
  writer.u32(block.highestSequence);
  writer.u32(block.jitterTs);
  writer.u32(block.lastReport);
  writer.u32(block.sinceLastReport);
}

}  // namespace

std::optional<IncomingRtcp> parseRtcp(ByteView datagram, std::uint32_t ourSsrc) noexcept {
  IncomingRtcp incoming;
  bool first = true;
  while (!datagram.empty()) {
    if (datagram.size() < 4 || (datagram[0] >> 6) != 2) return std::nullopt;
    const std::size_t size = 4 * (std::size_t{readU16(datagram, 2)} + 1);
    const std::uint8_t type = datagram[1];
    const bool isReport = type == kSenderReport || type == kReceiverReport;
    const bool isPadded = (datagram[0] & 0x20) != 0;
    if (size > datagram.size() || (first && (!isReport || isPadded))) return std::nullopt;
    const ByteView packet = datagram.first(size);
    if (isReport && (size < kHeaderSize || !readReport(packet, ourSsrc, incoming))) return std::nullopt;
    if (type == kBye) incoming.bye = true;
    datagram = datagram.subspan(size);
    first = false;
  }
  if (first) return std::nullopt;
  return incoming;
}

std::size_t writeRtcp(ByteSpan out, const OutgoingRtcp& packet) noexcept {
  Writer writer(out);
  writer.header(packet.sender ? kSenderReport : kReceiverReport, packet.report ? 1 : 0);
  writer.u32(packet.ssrc);
  if (packet.sender) {
    writer.u32(static_cast<std::uint32_t>(packet.sender->ntp >> 32));
    writer.u32(static_cast<std::uint32_t>(packet.sender->ntp));
    writer.u32(packet.sender->timestamp);
    writer.u32(packet.sender->packets);
    writer.u32(packet.sender->octets);
  }
  if (packet.report) writeBlock(writer, *packet.report);
  writer.finish();

  const std::string_view cname = packet.cname.substr(0, 64);
  writer.header(kSourceDescription, 1);
  writer.u32(packet.ssrc);
  writer.u8(kCnameItem);
  writer.u8(static_cast<std::uint32_t>(cname.size()));
  for (const char c : cname) writer.u8(static_cast<std::uint8_t>(c));
  do writer.u8(0);
  while (writer.size() % 4 != 0);
  writer.finish();

  if (packet.bye) {
    writer.header(kBye, 1);
    writer.u32(packet.ssrc);
    writer.finish();
  }
  return writer.size();
}

std::optional<double> roundTripMs(const ReportBlock& block, std::uint64_t nowNtp) noexcept {
  if (block.lastReport == 0) return std::nullopt;
  const std::uint32_t sentAt = block.lastReport + block.sinceLastReport;
  const double ms = ahead(sentAt, middleOfNtp(nowNtp)) / 65.536;
  if (ms > kMaxRoundTripMs || ms < -kMaxRoundTripMs) return std::nullopt;
  return std::max(0.0, ms);
}

}  // namespace hushpay
