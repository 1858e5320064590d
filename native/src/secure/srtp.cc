#include "secure/srtp.h"

#include <openssl/crypto.h>

#include <algorithm>

#include "rtp/packet.h"

namespace hushpay {
namespace {

constexpr std::size_t kRtcpHeaderSize = 8;  // stays readable
constexpr std::size_t kIndexWordSize = 4;
constexpr std::uint32_t kEncrypted = 0x8000'0000;  // the E flag of the index word
constexpr std::uint32_t kLastRtcpIndex = 0x7fff'ffff;
constexpr std::uint64_t kLastIndex = (std::uint64_t{1} << 48) - 1;

/// @return bytes before the payload, or 0 if they do not fit
std::size_t headerSizeOf(ByteView packet) noexcept {
  if (packet.size() < kRtpHeaderSize || packet[0] >> 6 != 2) return 0;
  std::size_t size = kRtpHeaderSize + 4u * (packet[0] & 0x0f);
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < size + 4) return 0;
    size += 4 + 4u * readU16(packet, size + 2);
  }
  return size <= packet.size() ? size : 0;
}

std::array<std::uint8_t, 4> bytesOf(std::uint32_t value) noexcept {
  std::array<std::uint8_t, 4> bytes{};
  writeU32(bytes, 0, value);
  return bytes;
}

std::uint32_t rollOverOf(std::uint64_t index) noexcept { return static_cast<std::uint32_t>(index >> 16); }

/// The index nearest to `newest` that has this sequence number (RFC 3711 appendix A).
std::optional<std::uint64_t> nearest(std::uint64_t newest, std::uint16_t sequence) noexcept {
  const auto step = static_cast<std::int16_t>(sequence - static_cast<std::uint16_t>(newest));
  const std::int64_t index = static_cast<std::int64_t>(newest) + step;
  if (index < 0 || static_cast<std::uint64_t>(index) > kLastIndex) return std::nullopt;
  return static_cast<std::uint64_t>(index);
}

}  // namespace

SrtpSender::SrtpSender(const SrtpKey& key)
    : shape_(shapeOf(key.suite)), rtp_(key, SrtpCipher::For::kRtp), rtcp_(key, SrtpCipher::For::kRtcp) {}

void SrtpSender::resume(const SrtpPosition& position) noexcept {
  position_ = position;
  position_.rtcpIndex = std::min(position.rtcpIndex, kLastRtcpIndex - kRtcpSkip) + kRtcpSkip;
  hasSent_ = true;
}

std::size_t SrtpSender::protectRtp(ByteSpan buffer, std::size_t size) noexcept {
  const std::size_t headerSize = headerSizeOf(buffer.first(size));
  if (headerSize == 0 || size + shape_.rtpTagSize > buffer.size()) return 0;
  const std::uint16_t sequence = readU16(buffer, 2);
  const std::uint32_t ssrc = readU32(buffer, 8);
  if (!hasSent_ || ssrc != position_.ssrc) {
    position_.ssrc = ssrc;
    position_.index = sequence;
    hasSent_ = true;
  } else {
    const std::optional<std::uint64_t> index = nearest(position_.index, sequence);
    if (!index || *index <= position_.index) return 0;  // the same index twice would give the plain text away
    position_.index = *index;
  }
  const ByteSpan payload = buffer.subspan(headerSize, size - headerSize);
  std::uint8_t* tag = buffer.data() + size;
  if (shape_.isAead) {
    const ByteView header = buffer.first(headerSize);
    return rtp_.seal(ssrc, position_.index, header, {}, payload, payload.data(), tag)
               ? size + shape_.rtpTagSize
               : 0;
  }
  if (!rtp_.counterMode(ssrc, position_.index, payload, payload.data())) return 0;
  const Sha1Digest digest = rtp_.authenticate(buffer.first(size), bytesOf(rollOverOf(position_.index)));
  std::copy_n(digest.begin(), shape_.rtpTagSize, tag);
  return size + shape_.rtpTagSize;
}

std::size_t SrtpSender::protectRtcp(ByteSpan buffer, std::size_t size) noexcept {
  if (size < kRtcpHeaderSize || size + kIndexWordSize + shape_.rtcpTagSize > buffer.size()) return 0;
  if (position_.rtcpIndex >= kLastRtcpIndex) return 0;  // the key is used up (RFC 3711 section 9.2)
  const std::uint32_t ssrc = readU32(buffer, 4);
  const std::uint32_t index = ++position_.rtcpIndex;
  const auto word = bytesOf(kEncrypted | index);
  const ByteSpan body = buffer.subspan(kRtcpHeaderSize, size - kRtcpHeaderSize);
  if (shape_.isAead) {  // tag, then index (RFC 7714 section 9)
    std::uint8_t* tag = buffer.data() + size;
    if (!rtcp_.seal(ssrc, index, buffer.first(kRtcpHeaderSize), word, body, body.data(), tag)) return 0;
    std::ranges::copy(word, tag + shape_.rtcpTagSize);
    return size + shape_.rtcpTagSize + kIndexWordSize;
  }
  if (!rtcp_.counterMode(ssrc, index, body, body.data())) return 0;
  std::ranges::copy(word, buffer.data() + size);
  const Sha1Digest digest = rtcp_.authenticate(buffer.first(size + kIndexWordSize), {});
  std::copy_n(digest.begin(), shape_.rtcpTagSize, buffer.data() + size + kIndexWordSize);
  return size + kIndexWordSize + shape_.rtcpTagSize;
}

std::uint64_t ReplayWindow::add(std::uint64_t newest, std::uint64_t index) noexcept {
  if (index > newest) {
    const std::uint64_t step = index - newest;
    seen = step >= 64 ? 1 : (seen << step) | 1;
    return index;
  }
  seen |= std::uint64_t{1} << (newest - index);
  return newest;
}

SrtpReceiver::SrtpReceiver(const SrtpKey& key)
    : shape_(shapeOf(key.suite)), rtp_(key, SrtpCipher::For::kRtp), rtcp_(key, SrtpCipher::For::kRtcp) {}

SrtpReceiver::Source* SrtpReceiver::find(std::uint32_t ssrc) noexcept {
  const auto found =
      std::ranges::find_if(sources_, [ssrc](const Source& s) { return s.used && s.ssrc == ssrc; });
  return found == sources_.end() ? nullptr : &*found;
}

/// A new source takes the place of the one that has been quiet longest.
SrtpReceiver::Source& SrtpReceiver::claim(std::uint32_t ssrc) noexcept {
  Source& source = *std::ranges::min_element(sources_, {}, &Source::lastUse);
  source = {};
  source.used = true;
  source.ssrc = ssrc;
  touch(source);
  return source;
}

bool SrtpReceiver::openRtp(ByteView datagram, std::size_t headerSize, std::uint64_t index,
                           ByteSpan out) noexcept {
  const std::size_t size = datagram.size() - shape_.rtpTagSize;
  const std::uint32_t ssrc = readU32(datagram, 8);
  const ByteView header = datagram.first(headerSize);
  const ByteView payload = datagram.subspan(headerSize, size - headerSize);
  const ByteView tag = datagram.subspan(size);
  if (shape_.isAead) {
    if (!rtp_.open(ssrc, index, header, {}, payload, tag, out.data() + headerSize)) return false;
  } else {
    const Sha1Digest digest = rtp_.authenticate(datagram.first(size), bytesOf(rollOverOf(index)));
    if (CRYPTO_memcmp(digest.data(), tag.data(), tag.size()) != 0) return false;
    if (!rtp_.counterMode(ssrc, index, payload, out.data() + headerSize)) return false;
  }
  std::ranges::copy(header, out.begin());
  return true;
}

/// The first packet of a stream: its roll-over counter is what was known of the stream under the key before,
/// or 0, or 1 when the packets before the first roll-over were lost.
std::optional<std::uint64_t> SrtpReceiver::openFirst(ByteView datagram, std::size_t headerSize,
                                                     const Source* source, ByteSpan out) noexcept {
  const std::uint16_t sequence = readU16(datagram, 2);
  const std::optional<std::uint64_t> known =
      source != nullptr ? nearest(source->index, sequence) : std::nullopt;
  if (known && openRtp(datagram, headerSize, *known, out)) return known;
  if (openRtp(datagram, headerSize, sequence, out)) return sequence;
  const std::uint64_t rolledOver = sequence + (std::uint64_t{1} << 16);
  if (sequence < 0x8000 && openRtp(datagram, headerSize, rolledOver, out)) return rolledOver;
  return std::nullopt;
}

Unprotected SrtpReceiver::unprotectRtp(ByteView datagram, ByteSpan out, std::size_t& size) noexcept {
  const std::size_t headerSize = headerSizeOf(datagram);
  if (headerSize == 0 || datagram.size() < headerSize + shape_.rtpTagSize || out.size() < datagram.size())
    return Unprotected::kMalformed;
  const std::uint16_t sequence = readU16(datagram, 2);
  const std::uint32_t ssrc = readU32(datagram, 8);
  Source* source = find(ssrc);
  std::optional<std::uint64_t> index;
  if (source != nullptr && source->proven) {
    index = nearest(source->index, sequence);
    if (!index) return Unprotected::kForged;
    if (source->window.has(source->index, *index)) return Unprotected::kReplayed;
    if (!openRtp(datagram, headerSize, *index, out)) return Unprotected::kForged;
  } else {
    index = openFirst(datagram, headerSize, source, out);
    if (!index) return Unprotected::kForged;
  }
  if (source == nullptr) source = &claim(ssrc);
  if (!source->proven) source->index = *index;
  source->proven = true;
  source->index = source->window.add(source->index, *index);
  touch(*source);
  size = datagram.size() - shape_.rtpTagSize;
  return Unprotected::kOk;
}

bool SrtpReceiver::openRtcp(ByteView datagram, std::uint32_t word, ByteSpan out) noexcept {
  const std::size_t trailer = kIndexWordSize + shape_.rtcpTagSize;
  const std::size_t size = datagram.size() - trailer;
  const std::uint32_t ssrc = readU32(datagram, 4);
  const ByteView header = datagram.first(kRtcpHeaderSize);
  const ByteView body = datagram.subspan(kRtcpHeaderSize, size - kRtcpHeaderSize);
  const std::uint32_t index = word & ~kEncrypted;
  std::uint8_t* into = out.data() + kRtcpHeaderSize;
  if (shape_.isAead) {
    const ByteView tag = datagram.subspan(size, shape_.rtcpTagSize);
    if (!rtcp_.open(ssrc, index, header, bytesOf(word), body, tag, into)) return false;
  } else {
    const ByteView tag = datagram.last(shape_.rtcpTagSize);
    const Sha1Digest digest = rtcp_.authenticate(datagram.first(size + kIndexWordSize), {});
    if (CRYPTO_memcmp(digest.data(), tag.data(), tag.size()) != 0) return false;
    if (!rtcp_.counterMode(ssrc, index, body, into)) return false;
  }
  std::ranges::copy(header, out.begin());
  return true;
}

Unprotected SrtpReceiver::unprotectRtcp(ByteView datagram, ByteSpan out, std::size_t& size) noexcept {
  const std::size_t trailer = kIndexWordSize + shape_.rtcpTagSize;
  if (datagram.size() < kRtcpHeaderSize + trailer || out.size() < datagram.size())
    return Unprotected::kMalformed;
  const std::size_t wordAt = datagram.size() - (shape_.isAead ? kIndexWordSize : trailer);
  const std::uint32_t word = readU32(datagram, wordAt);
  if ((word & kEncrypted) == 0) return Unprotected::kMalformed;  // unencrypted RTCP was never agreed on
  const std::uint32_t ssrc = readU32(datagram, 4);
  const std::uint32_t index = word & ~kEncrypted;
  Source* source = find(ssrc);
  const bool isKnown = source != nullptr && source->hasRtcp;
  if (isKnown && source->rtcpWindow.has(source->rtcpIndex, index)) return Unprotected::kReplayed;
  if (!openRtcp(datagram, word, out)) return Unprotected::kForged;
  if (source == nullptr) source = &claim(ssrc);
  if (!source->hasRtcp) source->rtcpIndex = index;
  source->hasRtcp = true;
  source->rtcpIndex = static_cast<std::uint32_t>(source->rtcpWindow.add(source->rtcpIndex, index));
  size = datagram.size() - trailer;
  return Unprotected::kOk;
}

SrtpPosition SrtpReceiver::position() const noexcept {
  const Source& newest = *std::ranges::max_element(
      sources_, {}, [](const Source& source) { return source.proven ? source.lastUse : 0; });
  return {.ssrc = newest.ssrc, .index = newest.index, .rtcpIndex = newest.rtcpIndex};
}

void SrtpReceiver::resume(const SrtpPosition& position) noexcept {
  Source& source = claim(position.ssrc);
  source.proven = true;
  source.index = position.index;
  source.window.seen = ~std::uint64_t{0};
  source.hasRtcp = true;
  source.rtcpIndex = position.rtcpIndex;
  source.rtcpWindow.seen = ~std::uint64_t{0};
}

void SrtpReceiver::expectSourcesOf(const SrtpReceiver& previous) noexcept {
  for (const Source& known : previous.sources_) {
    if (known.proven && find(known.ssrc) == nullptr) claim(known.ssrc).index = known.index;
  }
}

}  // namespace hushpay
