#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "media/endpoint.h"
#include "rtp/bytes.h"
#include "secure/hmac_sha1.h"

namespace hushpay {

constexpr std::size_t kMaxStunSize = 548;  // what we take: RFC 8489 section 6.1, IPv4 without a known MTU
using StunTransaction = std::array<std::uint8_t, 12>;

/// A Binding request as ICE sends it (RFC 8489 section 5, RFC 8445 section 7).
///
///     |0 0|     type 0x0001           |         length                |
///     |                  magic cookie 0x2112a442                      |
///     |                  transaction id, 96 bits                      |
///     | attributes: type, length, value padded to 4 bytes …           |
struct StunRequest {
  StunTransaction transaction{};
  std::string_view user;      // in the datagram
  std::uint16_t unknown = 0;  // an attribute we would have to know; 0 none
  bool useCandidate = false;
  bool isControlled = false;    // the peer believes us to decide
  std::size_t integrityAt = 0;  // of MESSAGE-INTEGRITY; 0 absent
};

/// @return nothing unless it is a well-formed Binding request that ends with a right FINGERPRINT, as ICE
/// wants it
std::optional<StunRequest> parseStunRequest(ByteView datagram) noexcept;

/// Is MESSAGE-INTEGRITY there and made with the password of `hmac` (RFC 8489 section 14.5)?
bool hasStunIntegrity(ByteView datagram, const StunRequest& request, const HmacSha1& hmac) noexcept;

/// Writes the success response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT.
/// @return size used of `out`
std::size_t writeStunSuccess(ByteSpan out, const StunTransaction& transaction, const Endpoint& source,
                             const HmacSha1& hmac) noexcept;

/// Writes an error response.
/// @param code     420 with the attribute that is not known, or 487
/// @return size used of `out`
std::size_t writeStunError(ByteSpan out, const StunTransaction& transaction, int code, std::uint16_t unknown,
                           const HmacSha1& hmac) noexcept;

}  // namespace hushpay
