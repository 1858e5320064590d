#pragma once

#include <array>
#include <cstdint>

#include "media/endpoint.h"
#include "secure/srtp.h"

namespace hushpay {

/// How a leg's packets travel. Plain data: made by the IPC thread, which owns what it points at, obeyed by
/// the media thread.
struct Link {
  static constexpr std::size_t kProven = 4;

  Endpoint rtp{};  // where the peer is; of size 0: not known yet, nothing is sent
  Endpoint rtcp{};
  bool rtcpMux = false;        // RTCP by the RTP port (RFC 5761)
  bool learns = false;         // by the rules of SourceGuard
  Endpoint learnFrom{};        // of size 0: from any host
  bool limitsUnheard = false;  // by the rules of UnheardLimit
  bool ice = false;            // only from `proven` anything is heard
  std::array<Endpoint, kProven> proven{};
  bool dtls = false;             // handshakes are handed to the IPC thread
  bool awaitsKeys = false;       // nothing is sent or heard yet
  SrtpSender* sender = nullptr;  // both or none; none: nothing is protected
  SrtpReceiver* receiver = nullptr;
  std::uint32_t generation = 0;  // of `sender` and `receiver`
};

/// A datagram of STUN or DTLS on its way from the media thread to the IPC thread.
struct SetupDatagram {
  static constexpr std::size_t kMaxSize = 1500;

  std::uint32_t session = 0;
  Endpoint source{};
  std::uint16_t size = 0;
  std::array<std::uint8_t, kMaxSize> bytes{};
};

/// Where a leg puts them. Media thread: no allocation, lock, log or throw; a full inbox drops.
class SetupInbox {
 public:
  virtual ~SetupInbox() = default;
  virtual void put(const SetupDatagram& datagram) noexcept = 0;
};

}  // namespace hushpay
