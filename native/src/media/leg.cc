#include "media/leg.h"

#include <string.h>

#include <array>
#include <cerrno>
#include <utility>

namespace hushpay {
namespace {

constexpr std::size_t kMaxDatagram = 2048;
constexpr int kMaxDatagramsPerTick = 64;  // a flood on one leg leaves time for the others

}  // namespace

Leg::Leg(std::uint32_t id, SocketPair sockets, const Endpoint& local, const StreamSeed& seed, BoardSlot& slot,
         std::uint32_t mediaTimeoutMs, EventSink& events)
    : sockets_(std::move(sockets)),
      local_(local),
      slot_(slot),
      session_(id, seed, mediaTimeoutMs, *this, events) {}

Voice& Leg::makeVoice() {
  if (!voice_) voice_ = std::make_unique<Voice>();
  return *voice_;
}

void Leg::sendRtp(ByteView datagram) noexcept {
  // A datagram that cannot be sent is lost like one on the way; the peer's reports tell.
  (void)sendto(sockets_.rtp(), datagram.data(), datagram.size(), MSG_DONTWAIT, remoteRtp_.raw(),
               remoteRtp_.size);
}

void Leg::sendRtcp(ByteView datagram) noexcept {
  (void)sendto(sockets_.rtcp(), datagram.data(), datagram.size(), MSG_DONTWAIT, remoteRtcp_.raw(),
               remoteRtcp_.size);
}

void Leg::connect(const Endpoint& rtp, const Endpoint& rtcp, const StreamSettings& settings,
                  double nowMs) noexcept {
  remoteRtp_ = rtp;
  remoteRtcp_ = rtcp;
  session_.connect(settings, nowMs);
}

template <typename Take>
void Leg::receive(int fd, const Endpoint& expected, Take take) noexcept {
  std::array<std::uint8_t, kMaxDatagram> buffer;
  for (int i = 0; i < kMaxDatagramsPerTick; i++) {
    Endpoint source;
    source.size = sizeof source.storage;
    const ssize_t size = recvfrom(fd, buffer.data(), buffer.size(), MSG_DONTWAIT, source.raw(), &source.size);
    if (size < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      continue;  // a queued ICMP error; the next call goes on behind it
    }
    if (!session_.connected()) continue;
    if (isSame(source, expected))
      take(ByteView(buffer).first(static_cast<std::size_t>(size)));
    else
      session_.countForeign();
  }
  explicit_bzero(buffer.data(), buffer.size());
}

void Leg::receiveRtp(double nowMs) noexcept {
  receive(sockets_.rtp(), remoteRtp_, [&](ByteView datagram) { session_.receiveRtp(datagram, nowMs); });
}

void Leg::receiveRtcp(double nowMs) noexcept {
  receive(sockets_.rtcp(), remoteRtcp_, [&](ByteView datagram) { session_.receiveRtcp(datagram, nowMs); });
}

bool Leg::reservePlayItem() noexcept {
  if (playItemsSent_ - playItemsConsumed_.load(std::memory_order_acquire) >= Player::kQueue) return false;
  playItemsSent_++;
  return true;
}

}  // namespace hushpay
