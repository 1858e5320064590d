#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "media/endpoint.h"
#include "rtp/bytes.h"
#include "secure/hmac_sha1.h"
#include "secure/stun.h"

namespace hushpay {

struct IceCredentials {
  std::string localUser;
  std::string localPassword;
  std::string remoteUser;
  bool operator==(const IceCredentials&) const = default;
};

/// Our side of ICE for one leg (RFC 8445 section 2.5): a lite agent has one candidate, sends no checks, and
/// answers those of the peer, who decides. An address is proven when a check with our password has come from
/// it; only then is anything sent there. IPC thread.
class IceLite {
 public:
  static constexpr std::size_t kProven = 4;

  explicit IceLite(IceCredentials credentials);

  struct Outcome {
    std::size_t replySize = 0;  // 0: the datagram is worth no answer
    bool proved = false;        // its source is proven by it
    bool nominated = false;     // … and chosen by the peer
  };
  /// @param reply  has kMaxStunSize bytes
  Outcome receive(ByteView datagram, const Endpoint& source, ByteSpan reply);

  /// An address that a check came from before this agent was made, for another that was this one.
  void trust(const Endpoint& source) { prove(source); }

  [[nodiscard]] bool isProven(const Endpoint& source) const noexcept;
  /// Newest first; those of size 0 are none.
  [[nodiscard]] const std::array<Endpoint, kProven>& proven() const noexcept { return proven_; }
  [[nodiscard]] const IceCredentials& credentials() const noexcept { return credentials_; }

 private:
  void prove(const Endpoint& source);

  IceCredentials credentials_;
  std::string user_;
  HmacSha1 hmac_;
  std::array<Endpoint, kProven> proven_{};  // newest first
};

}  // namespace hushpay
