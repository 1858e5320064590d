#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hushpay {

/// An IPv4 or IPv6 transport address.
struct Endpoint {
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } storage{.v6 = {}};
  socklen_t size = 0;  // 0: none

  /// @param address  numeric, no name
  static std::optional<Endpoint> parse(const std::string& address, std::uint16_t port) noexcept;

  [[nodiscard]] const sockaddr* raw() const noexcept { return &storage.any; }
  [[nodiscard]] sockaddr* raw() noexcept { return &storage.any; }
  [[nodiscard]] int family() const noexcept { return storage.any.sa_family; }
  /// Numeric, without the port.
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] Endpoint withPort(std::uint16_t port) const noexcept;
  /// One host's address: not multicast, broadcast, link-local or unspecified, where no call has business.
  [[nodiscard]] bool isHost() const noexcept;
};

/// Same family, address and port.
bool isSame(const Endpoint& a, const Endpoint& b) noexcept;
/// Same family and address, whatever the port.
bool isSameHost(const Endpoint& a, const Endpoint& b) noexcept;

}  // namespace hushpay
