#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "media/endpoint.h"
#include "rtp/bytes.h"

namespace hushpay {

/// One that has arrived, or is to be sent.
struct Datagram {
  static constexpr std::size_t kMaxSize = 2048;

  int fd = -1;
  Endpoint peer{};
  std::size_t size = 0;
  /// Larger than any that is taken: were the distance of two a power of two, they would all want the same
  /// few places of a cache.
  std::array<std::uint8_t, kMaxSize + 192> bytes{};

  [[nodiscard]] ByteView view() const noexcept { return ByteView(bytes).first(size); }
  void wipe() noexcept;
};

/// Takes what waits at a socket, one datagram. An ICMP error that is queued before it counts as one.
/// @return false if there was none
bool fetch(int fd, Datagram& into) noexcept;

/// What is to be sent, until as much has come together that the kernel is worth a visit: its code and ours do
/// not fit into the first cache side by side. Order is kept. Media thread: no allocation, lock, log or throw.
class Outbox {
 public:
  static constexpr std::size_t kMost = 64;

  Outbox() = default;
  ~Outbox() { flush(); }
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Where the next one is to be written, as far as Datagram::kMaxSize.
  [[nodiscard]] ByteSpan room() noexcept {
    return ByteSpan(datagrams_[count_].bytes).first(Datagram::kMaxSize);
  }
  /// Sends what was written there; a full box first sends all.
  void put(int fd, const Endpoint& to, std::size_t size) noexcept;
  /// Sends all, before a socket that something is to be sent by is closed. One that cannot be sent is lost
  /// like one on the way; the peer's reports tell.
  void flush() noexcept;

 private:
  std::array<Datagram, kMost> datagrams_{};
  std::size_t count_ = 0;
};

}  // namespace hushpay
