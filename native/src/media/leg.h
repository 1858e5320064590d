#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "media/board.h"
#include "media/datagram.h"
#include "media/endpoint.h"
#include "media/link.h"
#include "media/port_pool.h"
#include "media/session.h"
#include "media/shared_port.h"
#include "media/source_guard.h"
#include "media/tape.h"
#include "media/unheard_limit.h"
#include "rtp/prefetch.h"

namespace hushpay {

/// What happened to packets of the right source that were not what they should be.
struct LinkCounts {
  std::uint64_t forged = 0;    // wrong authentication tag
  std::uint64_t replayed = 0;  // sequence number seen before, or too old to know
};

/// A session on its sockets: source check and protection stand between the two. The IPC thread makes it and
/// deletes it once it is retired; between, it is the media thread's.
class Leg final : public PacketSink {
 public:
  /// @param sockets  its own; none if it shares a port
  /// @param shared  the port it shares; outlives it
  /// @param local  address the RTP socket is bound to
  /// @param slot   where its position is noted
  /// @param inbox  takes what sets up ICE and DTLS
  /// @param outbox  takes what is sent; the media thread's
  Leg(std::uint32_t id, SocketPair sockets, SharedPort* shared, const Endpoint& local, const StreamSeed& seed,
      BoardSlot& slot, std::uint32_t mediaTimeoutMs, EventSink& events, SetupInbox& inbox, Outbox& outbox);

  /// IPC thread, before the leg is the media thread's: what is sent goes to a tape, and nothing is ever
  /// heard.
  void recordOn(std::shared_ptr<Tape> tape, std::size_t channel) noexcept {
    tape_ = std::move(tape);
    track_ = &tape_->track(channel);
  }
  /// Null: it has a peer.
  [[nodiscard]] Tape* tape() const noexcept { return tape_.get(); }

  void sendRtp(ByteView datagram) noexcept override;
  void sendRtcp(ByteView datagram) noexcept override;
  void prefetch() const noexcept override { hushpay::prefetch(this, kHot); }

  /// Media thread. What offer and answer agreed on; until the link is open the session only waits.
  void connect(const Link& link, const StreamSettings& settings, double nowMs) noexcept;
  /// Media thread. The peer has another address, or keys are there.
  void relink(const Link& link, double nowMs) noexcept;

  /// Media thread. Takes what has arrived on a socket; read, not kept.
  void receiveRtp(const Datagram& datagram, double nowMs) noexcept;
  void receiveRtcp(const Datagram& datagram, double nowMs) noexcept;

  /// IPC thread, before the leg is the media thread's: goes on where another worker's stopped.
  void takeUp(const StreamPosition& position, double nowMs) noexcept;
  /// IPC thread, once, when the leg is connected: where its protected streams stood then.
  std::optional<StreamPosition> takenUp() noexcept { return std::exchange(takenUp_, std::nullopt); }

  /// IPC thread. @return false if the player's queue has no room for another item
  bool reservePlayItem() noexcept;
  /// IPC thread. The item was not sent after all.
  void returnPlayItem() noexcept { playItemsSent_--; }

  /// IPC thread, before the session enters its first room: what it needs there.
  Voice& makeVoice();

  [[nodiscard]] const Endpoint& local() const noexcept { return local_; }
  [[nodiscard]] const SocketPair& sockets() const noexcept { return shared_ ? shared_->sockets() : own_; }
  [[nodiscard]] SharedPort* sharedPort() const noexcept { return shared_; }
  [[nodiscard]] Session& session() noexcept { return session_; }
  [[nodiscard]] const Session& session() const noexcept { return session_; }
  [[nodiscard]] BoardSlot& slot() noexcept { return slot_; }
  /// Media thread; IPC thread once it is retired.
  [[nodiscard]] const LinkCounts& linkCounts() const noexcept { return linkCounts_; }
  /// Media thread: the one made before, or null. IPC thread: for its figures.
  [[nodiscard]] Voice* voice() noexcept { return voice_.get(); }

  /// Media thread, when dueMs() has come; earlier does no harm.
  void tick(double nowMs) noexcept;
  /// When there is something to do besides packets, CLOCK_MONOTONIC; 0: every tick. Changes with each call of
  /// the others.
  [[nodiscard]] double dueMs() const noexcept;
  /// Media thread: where the engine keeps it.
  std::size_t place = 0;

  /// Media thread's last touch: from here on the leg is the IPC thread's again.
  void retire() noexcept { retired_.store(true, std::memory_order_release); }
  [[nodiscard]] bool retired() const noexcept { return retired_.load(std::memory_order_acquire); }

  /// Any thread: keys older than this generation are not used any more.
  [[nodiscard]] std::uint32_t settledGeneration() const noexcept {
    return settledGeneration_.load(std::memory_order_acquire);
  }
  /// IPC thread: where the protected streams stood within the last second.
  [[nodiscard]] SrtpPosition sendPosition() const noexcept { return sent_.load(); }
  [[nodiscard]] SrtpPosition receivePosition() const noexcept { return received_.load(); }

 private:
  /// An SrtpPosition that crosses threads part by part; a mixture is put right a second later.
  struct SharedPosition {
    std::atomic<std::uint32_t> ssrc{0};
    std::atomic<std::uint32_t> rtcpIndex{0};
    std::atomic<std::uint64_t> index{0};

    void store(const SrtpPosition& position) noexcept;
    [[nodiscard]] SrtpPosition load() const noexcept;
  };

  void takeFromRtpPort(ByteView datagram, const Endpoint& source, double nowMs) noexcept;
  void takeRtp(ByteView datagram, const Endpoint& source, double nowMs) noexcept;
  void takeRtcp(ByteView datagram, const Endpoint& source, double nowMs) noexcept;
  bool takeSetup(ByteView datagram, const Endpoint& source, double nowMs) noexcept;
  bool unprotect(ByteView datagram, bool isRtcp, std::size_t& size) noexcept;
  bool isRtcpSource(const Endpoint& source, double nowMs) noexcept;
  [[nodiscard]] bool isProven(const Endpoint& source) const noexcept;
  [[nodiscard]] bool isOpen() const noexcept {
    return track_ != nullptr || (!link_.awaitsKeys && link_.rtp.size != 0);
  }
  void adopt(const Link& link, double nowMs) noexcept;
  void hear() noexcept;
  [[nodiscard]] bool maySend() const noexcept { return isOpen() && !unheard_.isQuiet(); }
  void followSource() noexcept;
  void save(double nowMs) noexcept;
  void send(int fd, const Endpoint& to, ByteView datagram, bool isRtcp) noexcept;

  static constexpr std::size_t kHot = 640;  // bytes up to `plain_`

  const SocketPair own_;
  SharedPort* const shared_;
  TapeTrack* track_ = nullptr;  // of tape_
  Endpoint local_;
  SetupInbox& inbox_;
  Outbox& outbox_;
  Link link_{};
  SourceGuard guard_{};
  Endpoint remoteRtcp_{};
  BoardSlot& slot_;
  bool hasRtcpSource_ = false;
  UnheardLimit unheard_{};
  StreamSettings wanted_{};
  SrtpReceiver* previousReceiver_ = nullptr;  // packets under the old key may still be on their way
  double graceUntilMs_ = 0;                   // for packets under the old key
  double savedMs_ = 0;                        // when the position was noted
  double toldMs_ = 0;                         // when sent_ and received_ were stored
  std::uint32_t unsaved_ = 0;                 // packets sent since the position was noted
  std::uint32_t savedPresses_ = 0;            // presses that were noted
  double setupMs_ = 0;                        // since when setupTaken_ counts
  int setupTaken_ = 0;
  LinkCounts linkCounts_{};
  std::array<std::uint8_t, Datagram::kMaxSize> plain_{};
  std::optional<StreamPosition> takenUp_;
  std::shared_ptr<Tape> tape_;
  std::unique_ptr<Voice> voice_;
  Session session_;
  std::uint32_t playItemsSent_ = 0;
  std::atomic<std::uint32_t> playItemsConsumed_{0};
  std::atomic<std::uint32_t> settledGeneration_{0};
  SharedPosition sent_{};
  SharedPosition received_{};
  std::atomic<bool> retired_{false};
};

}  // namespace hushpay
