#include "media/leg.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "media/time.h"
#include "rtp/packet.h"
#include "secure/demux.h"

namespace hushpay {
namespace {

constexpr int kMaxSetup = 8;  // within kSetupMs
constexpr double kSetupMs = 10;
constexpr double kGraceMs = 2000;
constexpr double kSaveMs = 100;
constexpr std::uint32_t kMostUnsaved = 5;  // packets; Session::resume() leaves out more numbers
constexpr double kTellMs = 1000;

}  // namespace

Leg::Leg(std::uint32_t id, SocketPair sockets, SharedPort* shared, const Endpoint& local,
         const StreamSeed& seed, BoardSlot& slot, std::uint32_t mediaTimeoutMs, EventSink& events,
         SetupInbox& inbox, Outbox& outbox)
    : own_(std::move(sockets)),
      shared_(shared),
      local_(local),
      inbox_(inbox),
      outbox_(outbox),
      slot_(slot),
      session_(id, seed, mediaTimeoutMs, *this, events) {}

void Leg::takeUp(const StreamPosition& position, double nowMs) noexcept {
  session_.resume(position, nowMs);
  if (position.counts.packetsReceived > 0) unheard_.hear();
  takenUp_ = position;
}

Voice& Leg::makeVoice() {
  if (!voice_) voice_ = std::make_unique<Voice>();
  return *voice_;
}

void Leg::send(int fd, const Endpoint& to, ByteView datagram, bool isRtcp) noexcept {
  const ByteSpan room = outbox_.room();
  if (!isOpen() || datagram.size() + kMaxSrtpTrailer > room.size()) return;
  std::ranges::copy(datagram, room.begin());
  const std::size_t size = link_.sender == nullptr ? datagram.size()
                           : isRtcp                ? link_.sender->protectRtcp(room, datagram.size())
                                                   : link_.sender->protectRtp(room, datagram.size());
  if (size != 0) outbox_.put(fd, to, size);
}

void Leg::sendRtp(ByteView datagram) noexcept {
  if (track_ != nullptr) return track_->put(datagram, nowMs());
  send(sockets().rtp(), link_.rtp, datagram, false);
  if (++unsaved_ >= kMostUnsaved) save(nowMs());
}

void Leg::sendRtcp(ByteView datagram) noexcept {
  if (track_ != nullptr) return;
  if (link_.rtcpMux)
    send(sockets().rtp(), link_.rtp, datagram, true);
  else
    send(sockets().rtcp(), remoteRtcp_, datagram, true);
}

void Leg::adopt(const Link& link, double nowMs) noexcept {
  if (link.receiver != link_.receiver) {
    previousReceiver_ = link.receiver == nullptr ? nullptr : link_.receiver;
    graceUntilMs_ = nowMs + kGraceMs;
    if (previousReceiver_ != nullptr) link.receiver->expectSourcesOf(*previousReceiver_);
  }
  const bool hasMoved = guard_.described().size != 0 && !isSame(link.rtp, guard_.described());
  unheard_.restart(link.limitsUnheard && !link.ice, hasMoved, nowMs);
  link_ = link;
  if (shared_ != nullptr) shared_->place(*this, link.rtp, link.rtcp);
  if (link_.ice) return;
  guard_.restart(link.rtp, link.learns, link.learnFrom, nowMs);
  link_.rtp = guard_.remote();
  if (!guard_.hasLearned()) {
    remoteRtcp_ = link.rtcp;
    hasRtcpSource_ = false;
  }
}

void Leg::connect(const Link& link, const StreamSettings& settings, double nowMs) noexcept {
  adopt(link, nowMs);
  wanted_ = settings;
  StreamSettings effective = settings;
  effective.sending = settings.sending && maySend();  // what is played waits until it can be heard
  session_.connect(effective, nowMs);
  save(nowMs);  // whoever comes after this worker goes on behind where this one begins
}

void Leg::relink(const Link& link, double nowMs) noexcept {
  adopt(link, nowMs);
  if (session_.connected()) connect(link, wanted_, nowMs);
}

/// Something has come from where the peer is.
void Leg::hear() noexcept {
  if (unheard_.hear()) session_.setSending(wanted_.sending && maySend());
}

bool Leg::isProven(const Endpoint& source) const noexcept {
  return std::ranges::any_of(link_.proven,
                             [&](const Endpoint& each) { return each.size != 0 && isSame(each, source); });
}

/// @return true if the datagram sets up the link, whatever became of it
bool Leg::takeSetup(ByteView datagram, const Endpoint& source, double nowMs) noexcept {
  if (!link_.ice && !link_.dtls) return false;
  const DatagramKind kind = kindOf(datagram);
  if (kind != DatagramKind::kStun && kind != DatagramKind::kDtls) return false;
  // STUN proves a source, so it may come from anywhere; DTLS only from a source that is known already.
  const bool isWelcome = kind == DatagramKind::kStun
                             ? link_.ice
                             : link_.dtls && (link_.ice ? isProven(source) : isSame(source, link_.rtp));
  if (nowMs - setupMs_ >= kSetupMs) {
    setupTaken_ = 0;
    setupMs_ = nowMs;
  }
  if (!isWelcome || datagram.size() > SetupDatagram::kMaxSize || setupTaken_ >= kMaxSetup) {
    session_.countForeign();
    return true;
  }
  setupTaken_++;
  if (kind == DatagramKind::kDtls) hear();
  SetupDatagram setup{
      .session = session_.id(), .source = source, .size = static_cast<std::uint16_t>(datagram.size())};
  std::ranges::copy(datagram, setup.bytes.begin());
  inbox_.put(setup);
  return true;
}

/// @return whether `plain_` holds `size` bytes of an authentic packet
bool Leg::unprotect(ByteView datagram, bool isRtcp, std::size_t& size) noexcept {
  const auto by = [&](SrtpReceiver& receiver) {
    return isRtcp ? receiver.unprotectRtcp(datagram, plain_, size)
                  : receiver.unprotectRtp(datagram, plain_, size);
  };
  Unprotected result = by(*link_.receiver);
  if (result != Unprotected::kOk && previousReceiver_ != nullptr &&
      by(*previousReceiver_) == Unprotected::kOk)
    result = Unprotected::kOk;
  switch (result) {
    case Unprotected::kOk:
      return true;
    case Unprotected::kForged:
    case Unprotected::kMalformed:
      linkCounts_.forged++;
      return false;
    case Unprotected::kReplayed:
      linkCounts_.replayed++;
      return false;
  }
  return false;
}

void Leg::takeRtp(ByteView datagram, const Endpoint& source, double nowMs) noexcept {
  if (!(link_.ice ? isProven(source) : guard_.mayBe(source, nowMs))) return session_.countForeign();
  if (link_.receiver == nullptr) {
    if (!link_.ice && !isSame(source, guard_.remote())) {
      const auto packet = parseRtp(datagram);
      if (!packet || !guard_.observe(source, packet->ssrc, packet->sequence, nowMs))
        return session_.countForeign();
      followSource();
    } else if (link_.learns) {
      guard_.prove(source, nowMs);
    }
    hear();
    return session_.receiveRtp(datagram, nowMs);
  }
  std::size_t size = 0;
  if (!unprotect(datagram, false, size)) return;
  if (link_.learns && !link_.ice) {
    guard_.prove(source, nowMs);
    followSource();
  }
  hear();
  session_.receiveRtp(ByteView(plain_).first(size), nowMs);
}

/// Sends where the guard has found the peer.
void Leg::followSource() noexcept {
  if (isSame(link_.rtp, guard_.remote())) return;
  link_.rtp = guard_.remote();
  remoteRtcp_ = link_.rtp.withPort(static_cast<std::uint16_t>(link_.rtp.port() + 1));
  hasRtcpSource_ = false;
}

/// RTCP moves nothing but itself: of a peer whose address was learned, the first report from there says which
/// port.
bool Leg::isRtcpSource(const Endpoint& source, double nowMs) noexcept {
  if (link_.rtcpMux)
    return link_.ice ? isProven(source) : guard_.mayBe(source, nowMs) && isSame(source, link_.rtp);
  if (isSame(source, remoteRtcp_)) return true;
  return link_.learns && guard_.hasLearned() && !hasRtcpSource_ && isSameHost(source, link_.rtp);
}

void Leg::takeRtcp(ByteView datagram, const Endpoint& source, double nowMs) noexcept {
  if (!isRtcpSource(source, nowMs)) return session_.countForeign();
  ByteView plain = datagram;
  if (link_.receiver != nullptr) {
    std::size_t size = 0;
    if (!unprotect(datagram, true, size)) return;
    plain = ByteView(plain_).first(size);
  }
  if (!link_.rtcpMux && !isSame(source, remoteRtcp_)) {
    if (!parseRtcp(plain, 0)) return session_.countForeign();
    remoteRtcp_ = source;
    hasRtcpSource_ = true;
  }
  hear();
  session_.receiveRtcp(plain, nowMs);
}

void Leg::receiveRtp(const Datagram& datagram, double nowMs) noexcept {
  if (session_.connected()) takeFromRtpPort(datagram.view(), datagram.peer, nowMs);
  if (link_.receiver != nullptr) explicit_bzero(plain_.data(), plain_.size());
  // A press is noted before control hears of it.
  if (nowMs - savedMs_ >= kSaveMs || savedPresses_ != session_.pressEdges()) save(nowMs);
}

void Leg::takeFromRtpPort(ByteView datagram, const Endpoint& source, double nowMs) noexcept {
  if (takeSetup(datagram, source, nowMs)) return;
  if (link_.awaitsKeys) return session_.countForeign();
  if (link_.rtcpMux && kindOf(datagram) == DatagramKind::kRtcp)
    takeRtcp(datagram, source, nowMs);
  else
    takeRtp(datagram, source, nowMs);
}

void Leg::receiveRtcp(const Datagram& datagram, double nowMs) noexcept {
  if (!session_.connected()) return;
  if (link_.awaitsKeys || link_.rtcpMux) return session_.countForeign();
  takeRtcp(datagram.view(), datagram.peer, nowMs);
}

bool Leg::reservePlayItem() noexcept {
  if (playItemsSent_ - playItemsConsumed_.load(std::memory_order_acquire) >= Player::kQueue) return false;
  playItemsSent_++;
  return true;
}

/// Where the streams are, for whoever takes them up: every kSaveMs in which something comes, and before a
/// number could be used again (Session::resume() skips more) or a press be told twice.
void Leg::save(double nowMs) noexcept {
  StreamPosition position = session_.position(nowMs);
  if (link_.sender != nullptr) position.sent = link_.sender->position();
  if (link_.receiver != nullptr) position.received = link_.receiver->position();
  Board::save(slot_, position);
  unsaved_ = 0;
  savedMs_ = nowMs;
  savedPresses_ = session_.pressEdges();
}

void Leg::tick(double nowMs) noexcept {
  if (unheard_.runsOut(nowMs)) session_.setSending(false);
  session_.tick(nowMs);
  if (savedPresses_ != session_.pressEdges()) save(nowMs);
  playItemsConsumed_.store(session_.playItemsConsumed(), std::memory_order_release);
  if (nowMs >= graceUntilMs_) {
    previousReceiver_ = nullptr;
    settledGeneration_.store(link_.generation, std::memory_order_release);
  }
  if (link_.sender == nullptr || nowMs - toldMs_ < kTellMs) return;
  toldMs_ = nowMs;
  sent_.store(link_.sender->position());
  received_.store(link_.receiver->position());
}

double Leg::dueMs() const noexcept {
  if (settledGeneration_.load(std::memory_order_relaxed) != link_.generation) return 0;
  const double told = link_.sender == nullptr ? Session::kNeverMs : toldMs_ + kTellMs;
  return std::min({session_.dueMs(), told, unheard_.endsMs()});
}

void Leg::SharedPosition::store(const SrtpPosition& position) noexcept {
  ssrc.store(position.ssrc, std::memory_order_relaxed);
  index.store(position.index, std::memory_order_relaxed);
  rtcpIndex.store(position.rtcpIndex, std::memory_order_relaxed);
}

SrtpPosition Leg::SharedPosition::load() const noexcept {
  return {.ssrc = ssrc.load(std::memory_order_relaxed),
          .index = index.load(std::memory_order_relaxed),
          .rtcpIndex = rtcpIndex.load(std::memory_order_relaxed)};
}

}  // namespace hushpay
