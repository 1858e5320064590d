#include "media/port_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

namespace hushpay {
namespace {

constexpr int kReceiveBufferSize = 128 * 1024;  // some hundred packets of a leg: a late tick loses none

int bindUdp(const Endpoint& bindTo, std::uint16_t port, int legs) {
  const int fd = socket(bindTo.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const Endpoint local = bindTo.withPort(port);
  const int bufferSize = legs * kReceiveBufferSize;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bufferSize, sizeof bufferSize);  // as much of it as the system gives
  if (legs > 1) setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bufferSize, sizeof bufferSize);
  // No packet is fragmented: the kernel need not find it an identifier, nor forget the path's size again.
  const int whole = IP_PMTUDISC_PROBE;
  if (bindTo.family() == AF_INET) setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &whole, sizeof whole);
  if (bind(fd, local.raw(), local.size) == 0) return fd;
  close(fd);
  return -1;
}

std::optional<SocketPair> bindPair(const Endpoint& bindTo, std::uint16_t port, int legs) {
  const int rtp = bindUdp(bindTo, port, legs);
  const int rtcp = rtp < 0 ? -1 : bindUdp(bindTo, static_cast<std::uint16_t>(port + 1), legs);
  SocketPair pair(rtp, rtcp, port);
  if (rtp < 0 || rtcp < 0) return std::nullopt;
  return pair;
}

}  // namespace

SocketPair::SocketPair(SocketPair&& other) noexcept
    : rtp_(std::exchange(other.rtp_, -1)), rtcp_(std::exchange(other.rtcp_, -1)), port_(other.port_) {}

SocketPair& SocketPair::operator=(SocketPair&& other) noexcept {
  std::swap(rtp_, other.rtp_);
  std::swap(rtcp_, other.rtcp_);
  std::swap(port_, other.port_);
  return *this;
}

SocketPair::~SocketPair() {
  if (rtp_ >= 0) close(rtp_);
  if (rtcp_ >= 0) close(rtcp_);
}

PortPool::PortPool(std::uint16_t first, std::uint16_t last, double restMs) : restMs_(restMs) {
  std::vector<std::uint16_t> ports;
  for (std::uint32_t port = first; port + 1 <= last; port += 2)
    ports.push_back(static_cast<std::uint16_t>(port));
  std::shuffle(ports.begin(), ports.end(), std::random_device());  // hard to guess from outside
  ready_.assign(ports.begin(), ports.end());
}

std::optional<SocketPair> PortPool::open(const Endpoint& bindTo, double nowMs, int legs) {
  wake(nowMs);
  while (!ready_.empty()) {
    const std::uint16_t port = ready_.front();
    ready_.pop_front();
    if (auto pair = bindPair(bindTo, port, legs)) return pair;
    giveBack(port, nowMs);
  }
  return std::nullopt;
}

std::optional<SocketPair> PortPool::reopen(const Endpoint& bindTo, std::uint16_t port, int legs) {
  const auto at = std::ranges::find(ready_, port);
  if (at == ready_.end()) return std::nullopt;
  auto pair = bindPair(bindTo, port, legs);
  if (pair) ready_.erase(at);
  return pair;
}

void PortPool::giveBack(std::uint16_t port, double nowMs) { resting_.push_back({port, nowMs + restMs_}); }

std::size_t PortPool::free(double nowMs) const {
  const auto rested =
      std::ranges::count_if(resting_, [&](const Resting& pair) { return pair.untilMs <= nowMs; });
  return ready_.size() + static_cast<std::size_t>(rested);
}

void PortPool::wake(double nowMs) {
  while (!resting_.empty() && resting_.front().untilMs <= nowMs) {
    ready_.push_back(resting_.front().port);
    resting_.pop_front();
  }
}

}  // namespace hushpay
