#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace hushpay {

/// An IPv4 or IPv6 transport address.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;

  /// @param address  numeric, no name
  static std::optional<Endpoint> parse(const std::string& address, std::uint16_t port) noexcept;

  [[nodiscard]] const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  [[nodiscard]] Endpoint withPort(std::uint16_t port) const noexcept;
  /// One host's address: not multicast, broadcast, link-local or unspecified, where no call has business.
  [[nodiscard]] bool isHost() const noexcept;
};

/// Same family, address and port.
bool isSame(const Endpoint& a, const Endpoint& b) noexcept;

}  // namespace hushpay
