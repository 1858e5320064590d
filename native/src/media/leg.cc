#include "media/leg.h"

#include <string.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace hushpay {
namespace {

constexpr std::size_t kMaxDatagram = 2048;
constexpr std::size_t kBatch = 4;
constexpr std::size_t kMaxRounds = 16;  // a flood on one leg leaves time for the others

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

/// One system call takes all that is there, as a rule one packet; asking once more to be told that there is
/// no more would double the calls.
template <typename Take>
void Leg::receive(int fd, const Endpoint& expected, Take take) noexcept {
  std::array<std::array<std::uint8_t, kMaxDatagram>, kBatch> buffers;
  std::array<Endpoint, kBatch> sources;
  std::array<iovec, kBatch> vectors;
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; i++) {
    vectors[i] = {.iov_base = buffers[i].data(), .iov_len = buffers[i].size()};
    messages[i].msg_hdr.msg_name = &sources[i].storage;
    messages[i].msg_hdr.msg_namelen = sizeof sources[i].storage;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (std::size_t round = 0; round < kMaxRounds; round++) {
    const int count = recvmmsg(fd, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
      continue;  // a queued ICMP error; more lies behind it
    for (int i = 0; i < count; i++) {
      const auto at = static_cast<std::size_t>(i);
      sources[at].size = messages[at].msg_hdr.msg_namelen;
      messages[at].msg_hdr.msg_namelen = sizeof sources[at].storage;
      const auto datagram = std::span(buffers[at]).first(messages[at].msg_len);
      if (session_.connected() && isSame(sources[at], expected))
        take(ByteView(datagram));
      else if (session_.connected())
        session_.countForeign();
      explicit_bzero(datagram.data(), datagram.size());
    }
    if (count < static_cast<int>(kBatch)) return;
  }
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
