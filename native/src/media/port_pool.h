#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "media/endpoint.h"

namespace hushpay {

/// The bound sockets of one session. Closed with it.
class SocketPair {
 public:
  SocketPair() = default;
  SocketPair(int rtp, int rtcp, std::uint16_t port) noexcept : rtp_(rtp), rtcp_(rtcp), port_(port) {}
  SocketPair(SocketPair&& other) noexcept;
  SocketPair& operator=(SocketPair&& other) noexcept;
  ~SocketPair();

  [[nodiscard]] int rtp() const noexcept { return rtp_; }
  [[nodiscard]] int rtcp() const noexcept { return rtcp_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  int rtp_ = -1;
  int rtcp_ = -1;
  std::uint16_t port_ = 0;  // even; RTCP is one above
};

/// Gives out even/odd port pairs. A pair that was closed, or that another process holds, rests before its
/// next turn, so that late packets of an old call do not reach a new one. IPC thread.
class PortPool {
 public:
  /// @param first  even
  PortPool(std::uint16_t first, std::uint16_t last, double restMs);

  /// @param bindTo  its port is ignored
  /// @param legs  for how many it has room to let packets wait
  std::optional<SocketPair> open(const Endpoint& bindTo, double nowMs, int legs = 1);
  /// Binds one pair again, which another process held when it died.
  std::optional<SocketPair> reopen(const Endpoint& bindTo, std::uint16_t port, int legs = 1);
  void giveBack(std::uint16_t port, double nowMs);

  /// Pairs that could be opened now.
  [[nodiscard]] std::size_t free(double nowMs) const;

 private:
  struct Resting {
    std::uint16_t port;
    double untilMs;
  };
  void wake(double nowMs);

  std::deque<std::uint16_t> ready_;
  std::deque<Resting> resting_;  // in the order they wake
  double restMs_;
};

}  // namespace hushpay
