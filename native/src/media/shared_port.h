#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "media/endpoint.h"
#include "media/port_pool.h"

namespace hushpay {

class Leg;

/// A pair of sockets that several legs have together, told apart by where their packets come from: for peers
/// that send from the address they have told, each call from another port. The kernel hands over and takes
/// the packets of all of them at once.
///
/// The IPC thread makes it, says which leg has which address, and deletes it when its last leg is retired.
/// What the media thread looks up is its own.
class SharedPort {
 public:
  /// What waits in the socket while the worker is late must fit into one buffer.
  static constexpr std::size_t kMostLegs = 64;

  explicit SharedPort(SocketPair sockets) : sockets_(std::move(sockets)) {}

  /// Any thread.
  [[nodiscard]] const SocketPair& sockets() const noexcept { return sockets_; }

  /// IPC thread. A leg has a place here until it leaves.
  [[nodiscard]] bool isFull() const noexcept { return addresses_.size() == kMostLegs; }
  [[nodiscard]] bool isEmpty() const noexcept { return addresses_.empty(); }
  void join(std::uint32_t session) { addresses_.emplace(session, kNobody); }
  void leave(std::uint32_t session) { addresses_.erase(session); }
  /// IPC thread. @return false if another leg hears this address
  bool claim(std::uint32_t session, const Endpoint& rtp);

  /// Media thread. @return whether it is the first, or was the last
  bool add() noexcept { return legs_++ == 0; }
  bool remove(const Leg& leg) noexcept;
  /// Media thread. Where the leg's peer is from now on.
  void place(Leg& leg, const Endpoint& rtp, const Endpoint& rtcp) noexcept;
  /// Media thread. @return whose it may be, null if nobody's: the leg looks closer
  [[nodiscard]] Leg* find(const Endpoint& source, bool isRtcp) const noexcept {
    return (isRtcp ? rtcp_ : rtp_).find(tagOf(source));
  }

 private:
  static constexpr std::uint64_t kNobody = 0;

  /// An address in one word: an IPv4 address and port exactly, of another a part.
  static std::uint64_t tagOf(const Endpoint& endpoint) noexcept;

  class Table {
   public:
    void put(std::uint64_t tag, Leg& leg) noexcept;
    void erase(const Leg& leg) noexcept;
    [[nodiscard]] Leg* find(std::uint64_t tag) const noexcept;

   private:
    struct Entry {
      std::uint64_t tag = kNobody;
      Leg* leg = nullptr;
    };
    static constexpr std::size_t kSlots = 2 * kMostLegs;

    [[nodiscard]] static std::size_t slotOf(std::uint64_t tag) noexcept;

    std::array<Entry, kSlots> entries_{};  // open addressing, at most half full
  };

  SocketPair sockets_;
  std::unordered_map<std::uint32_t, std::uint64_t> addresses_;  // IPC thread: tag by session
  std::size_t legs_ = 0;
  Table rtp_{};
  Table rtcp_{};
};

}  // namespace hushpay
