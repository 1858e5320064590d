#include "media/endpoint.h"

#include <arpa/inet.h>

#include <cstring>

namespace hushpay {

std::optional<Endpoint> Endpoint::parse(const std::string& address, std::uint16_t port) noexcept {
  Endpoint endpoint;
  auto* v4 = &endpoint.storage.v4;
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    endpoint.size = sizeof(sockaddr_in);
    return endpoint;
  }
  auto* v6 = &endpoint.storage.v6;
  if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    endpoint.size = sizeof(sockaddr_in6);
    return endpoint;
  }
  return std::nullopt;
}

Endpoint Endpoint::withPort(std::uint16_t port) const noexcept {
  Endpoint other = *this;
  if (family() == AF_INET6)
    other.storage.v6.sin6_port = htons(port);
  else
    other.storage.v4.sin_port = htons(port);
  return other;
}

bool Endpoint::isHost() const noexcept {
  if (family() == AF_INET6) {
    const auto& address = storage.v6.sin6_addr;
    return !IN6_IS_ADDR_MULTICAST(&address) && !IN6_IS_ADDR_UNSPECIFIED(&address) &&
           !IN6_IS_ADDR_LINKLOCAL(&address);
  }
  const std::uint32_t address = ntohl(storage.v4.sin_addr.s_addr);
  constexpr std::uint32_t kLinkLocal = 0xa9fe0000;  // 169.254.0.0/16
  return address >> 24 != 0 && address != INADDR_BROADCAST && !IN_MULTICAST(address) &&
         (address & 0xffff0000) != kLinkLocal;
}

std::uint16_t Endpoint::port() const noexcept {
  return ntohs(family() == AF_INET6 ? storage.v6.sin6_port : storage.v4.sin_port);
}

std::string Endpoint::address() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* from = family() == AF_INET6 ? static_cast<const void*>(&storage.v6.sin6_addr)
                                          : static_cast<const void*>(&storage.v4.sin_addr);
  inet_ntop(family(), from, text, sizeof text);
  return text;
}

bool isSame(const Endpoint& a, const Endpoint& b) noexcept {
  return isSameHost(a, b) && a.port() == b.port();
}

bool isSameHost(const Endpoint& a, const Endpoint& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET6) {
    return std::memcmp(&a.storage.v6.sin6_addr, &b.storage.v6.sin6_addr, sizeof a.storage.v6.sin6_addr) == 0;
  }
  return a.storage.v4.sin_addr.s_addr == b.storage.v4.sin_addr.s_addr;
}

}  // namespace hushpay
