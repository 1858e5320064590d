#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "media/board.h"
#include "media/endpoint.h"
#include "media/port_pool.h"
#include "media/session.h"

namespace hushpay {

/// A session on its sockets. The IPC thread makes it and deletes it once it is retired; between, it is the
/// media thread's.
class Leg final : public PacketSink {
 public:
  /// @param local  address the RTP socket is bound to
  /// @param slot   where its position is noted
  Leg(std::uint32_t id, SocketPair sockets, const Endpoint& local, const StreamSeed& seed, BoardSlot& slot,
      std::uint32_t mediaTimeoutMs, EventSink& events);

  void sendRtp(ByteView datagram) noexcept override;
  void sendRtcp(ByteView datagram) noexcept override;

  /// Media thread. Packets come from these addresses alone and go to them.
  void connect(const Endpoint& rtp, const Endpoint& rtcp, const StreamSettings& settings,
               double nowMs) noexcept;

  /// Media thread. Takes what has arrived on a socket.
  void receiveRtp(double nowMs) noexcept;
  void receiveRtcp(double nowMs) noexcept;

  /// IPC thread. @return false if the player's queue has no room for another item
  bool reservePlayItem() noexcept;
  /// IPC thread. The item was not sent after all.
  void returnPlayItem() noexcept { playItemsSent_--; }

  /// IPC thread, before the session enters its first room: what it needs there.
  Voice& makeVoice();

  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const SocketPair& sockets() const noexcept { return sockets_; }
  [[nodiscard]] Session& session() noexcept { return session_; }
  [[nodiscard]] BoardSlot& slot() noexcept { return slot_; }
  /// Media thread: the one made before, or null. IPC thread: for its figures.
  [[nodiscard]] Voice* voice() noexcept { return voice_.get(); }

  /// Media thread, after every tick.
  void publish(double nowMs) noexcept {
    Board::save(slot_, session_.position(nowMs));
    playItemsConsumed_.store(session_.playItemsConsumed(), std::memory_order_release);
  }
  /// Media thread's last touch: from here on the leg is the IPC thread's again.
  void retire() noexcept { retired_.store(true, std::memory_order_release); }
  [[nodiscard]] bool retired() const noexcept { return retired_.load(std::memory_order_acquire); }

 private:
  template <typename Take>
  void receive(int fd, const Endpoint& expected, Take take) noexcept;

  SocketPair sockets_;
  Endpoint local_;
  Endpoint remoteRtp_{};
  Endpoint remoteRtcp_{};
  BoardSlot& slot_;
  std::unique_ptr<Voice> voice_;
  Session session_;
  std::uint32_t playItemsSent_ = 0;
  std::atomic<std::uint32_t> playItemsConsumed_{0};
  std::atomic<bool> retired_{false};
};

}  // namespace hushpay
