#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

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

/// What has arrived, until as much has come together that our own code is worth a visit: it and the kernel's
/// do not fit into the first cache side by side. Media thread: no allocation, lock, log or throw.
class Inbox {
 public:
  static constexpr std::size_t kMost = 64;

  [[nodiscard]] Datagram& operator[](std::size_t at) noexcept { return datagrams_[at]; }
  /// Takes what waits at a socket, one datagram, to a place. An ICMP error that is queued before it counts as
  /// one. @return false if there was none
  bool fetch(int fd, std::size_t to) noexcept;
  /// Takes all that wait at a socket, from a place on. @return how many; fewer than there is room: no more
  /// wait
  std::size_t fetchAll(int fd, std::size_t from) noexcept;

 private:
  std::array<Datagram, kMost> datagrams_{};
};

/// What is to be sent, until as much has come together that the kernel is worth a visit. Order is kept. Media
/// thread.
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
  void send(std::span<Datagram> datagrams) noexcept;

  std::array<Datagram, kMost> datagrams_{};
  std::size_t count_ = 0;
};

}  // namespace hushpay
