#include "secure/stun.h"

#include <openssl/crypto.h>

#include <algorithm>

namespace hushpay {
namespace {

constexpr std::size_t kHeaderSize = 20;
constexpr std::uint16_t kBindingRequest = 0x0001;
constexpr std::uint16_t kBindingSuccess = 0x0101;
constexpr std::uint16_t kBindingError = 0x0111;
constexpr std::uint32_t kMagic = 0x2112a442;
constexpr std::uint32_t kFingerprintMask = 0x5354554e;
constexpr std::size_t kIntegritySize = 4 + kSha1Size;
constexpr std::size_t kFingerprintSize = 8;

enum Attribute : std::uint16_t {
  kUsername = 0x0006,
  kMessageIntegrity = 0x0008,
  kErrorCode = 0x0009,
  kUnknownAttributes = 0x000a,
  kMessageIntegritySha256 = 0x001c,
  kXorMappedAddress = 0x0020,
  kPriority = 0x0024,
  kUseCandidate = 0x0025,
  kFingerprint = 0x8028,
  kIceControlled = 0x8029,
};
constexpr std::uint16_t kFirstOptional = 0x8000;

constexpr std::array<std::uint32_t, 256> makeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); byte++) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
    table[byte] = crc;
  }
  return table;
}

/// CRC-32 of ITU-T V.42, XORed (RFC 8489 section 14.7).
std::uint32_t fingerprintOf(ByteView bytes) noexcept {
  static constexpr std::array<std::uint32_t, 256> kTable = makeCrcTable();
  std::uint32_t crc = 0xffff'ffff;
  for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xff];
  return ~crc ^ kFingerprintMask;
}

/// The digest of a message whose length field counts up to the end of MESSAGE-INTEGRITY.
Sha1Digest integrityOf(ByteView message, std::size_t integrityAt, const HmacSha1& hmac) noexcept {
  std::array<std::uint8_t, kHeaderSize> header{};
  std::ranges::copy(message.first(kHeaderSize), header.begin());
  writeU16(header, 2, static_cast<std::uint32_t>(integrityAt + kIntegritySize - kHeaderSize));
  return hmac.digest(header, message.subspan(kHeaderSize, integrityAt - kHeaderSize));
}

bool isKnown(std::uint16_t type) noexcept {
  return type >= kFirstOptional || type == kUsername || type == kMessageIntegrity ||
         type == kMessageIntegritySha256 || type == kPriority || type == kUseCandidate;
}

/// Writes a message from front to back.
class Writer {
 public:
  Writer(ByteSpan out, std::uint16_t type, const StunTransaction& transaction) noexcept : out_(out) {
    writeU16(out_, 0, type);
    writeU32(out_, 4, kMagic);
    std::ranges::copy(transaction, out_.begin() + 8);
  }

  ByteSpan attribute(std::uint16_t type, std::size_t size) noexcept {
    writeU16(out_, size_, type);
    writeU16(out_, size_ + 2, static_cast<std::uint32_t>(size));
    const std::size_t padded = (size + 3) / 4 * 4;
    const ByteSpan value = out_.subspan(size_ + 4, padded);
    std::ranges::fill(value, std::uint8_t{0});
    size_ += 4 + padded;
    return value.first(size);
  }

  std::size_t finish(const HmacSha1& hmac) noexcept {
    const std::size_t integrityAt = size_;
    const ByteSpan integrity = attribute(kMessageIntegrity, kSha1Size);
    std::ranges::copy(integrityOf(out_, integrityAt, hmac), integrity.begin());
    const std::size_t fingerprintAt = size_;
    const ByteSpan fingerprint = attribute(kFingerprint, 4);
    writeU16(out_, 2, static_cast<std::uint32_t>(size_ - kHeaderSize));
    writeU32(fingerprint, 0, fingerprintOf(out_.first(fingerprintAt)));
    return size_;
  }

 private:
  ByteSpan out_;
  std::size_t size_ = kHeaderSize;
};

}  // namespace

std::optional<StunRequest> parseStunRequest(ByteView datagram) noexcept {
  const std::size_t size = datagram.size();
  if (size < kHeaderSize || size > kMaxStunSize || size % 4 != 0) return std::nullopt;
  if (readU16(datagram, 0) != kBindingRequest || readU32(datagram, 4) != kMagic) return std::nullopt;
  if (readU16(datagram, 2) != size - kHeaderSize) return std::nullopt;
  StunRequest request;
  std::ranges::copy(datagram.subspan(8, request.transaction.size()), request.transaction.begin());
  for (std::size_t at = kHeaderSize; at < size;) {
    const std::uint16_t type = readU16(datagram, at);
    const std::size_t length = readU16(datagram, at + 2);
    if (length > size - at - 4) return std::nullopt;
    const ByteView value = datagram.subspan(at + 4, length);
    if (type == kFingerprint) {  // the last attribute, always
      const bool isRight = length == 4 && at + kFingerprintSize == size &&
                           readU32(value, 0) == fingerprintOf(datagram.first(at));
      return isRight ? std::optional(request) : std::nullopt;
    }
    if (request.integrityAt ==
        0) {  // what stands behind MESSAGE-INTEGRITY is not protected, so it counts for nothing
      if (type == kUsername) request.user = {reinterpret_cast<const char*>(value.data()), value.size()};
      if (type == kUseCandidate) request.useCandidate = true;
      if (type == kIceControlled) request.isControlled = true;
      if (type == kMessageIntegrity && length == kSha1Size) request.integrityAt = at;
      if (!isKnown(type) && request.unknown == 0) request.unknown = type;
    }
    at += 4 + (length + 3) / 4 * 4;
  }
  return std::nullopt;
}

bool hasStunIntegrity(ByteView datagram, const StunRequest& request, const HmacSha1& hmac) noexcept {
  if (request.integrityAt == 0) return false;
  const Sha1Digest digest = integrityOf(datagram, request.integrityAt, hmac);
  return CRYPTO_memcmp(digest.data(), datagram.data() + request.integrityAt + 4, digest.size()) == 0;
}

std::size_t writeStunSuccess(ByteSpan out, const StunTransaction& transaction, const Endpoint& source,
                             const HmacSha1& hmac) noexcept {
  Writer writer(out, kBindingSuccess, transaction);
  const bool isV6 = source.family() == AF_INET6;
  const ByteSpan value = writer.attribute(kXorMappedAddress, isV6 ? 20 : 8);
  value[1] = isV6 ? 2 : 1;
  writeU16(value, 2, source.port() ^ (kMagic >> 16));
  std::array<std::uint8_t, 16> mask{};
  writeU32(mask, 0, kMagic);
  std::ranges::copy(transaction, mask.begin() + 4);
  const auto* address = isV6 ? reinterpret_cast<const std::uint8_t*>(&source.storage.v6.sin6_addr)
                             : reinterpret_cast<const std::uint8_t*>(&source.storage.v4.sin_addr);
  for (std::size_t i = 0; i < value.size() - 4; i++) value[4 + i] = address[i] ^ mask[i];
  return writer.finish(hmac);
}

std::size_t writeStunError(ByteSpan out, const StunTransaction& transaction, int code, std::uint16_t unknown,
                           const HmacSha1& hmac) noexcept {
  Writer writer(out, kBindingError, transaction);
  const ByteSpan error = writer.attribute(kErrorCode, 4);
  error[2] = static_cast<std::uint8_t>(code / 100);
  error[3] = static_cast<std::uint8_t>(code % 100);
  if (unknown != 0) writeU16(writer.attribute(kUnknownAttributes, 2), 0, unknown);
  return writer.finish(hmac);
}

}  // namespace hushpay
