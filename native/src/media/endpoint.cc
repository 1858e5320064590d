#include "media/endpoint.h"

#include <arpa/inet.h>

#include <cstring>

namespace hushpay {

std::optional<Endpoint> Endpoint::parse(const std::string& address, std::uint16_t port) noexcept {
  Endpoint endpoint;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    endpoint.size = sizeof(sockaddr_in);
    return endpoint;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage);
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
    reinterpret_cast<sockaddr_in6*>(&other.storage)->sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in*>(&other.storage)->sin_port = htons(port);
  return other;
}

bool Endpoint::isHost() const noexcept {
  if (family() == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
    return !IN6_IS_ADDR_MULTICAST(&address) && !IN6_IS_ADDR_UNSPECIFIED(&address) &&
           !IN6_IS_ADDR_LINKLOCAL(&address);
  }
  const std::uint32_t address = ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr);
  constexpr std::uint32_t kLinkLocal = 0xa9fe0000;  // 169.254.0.0/16
  return address >> 24 != 0 && address != INADDR_BROADCAST && !IN_MULTICAST(address) &&
         (address & 0xffff0000) != kLinkLocal;
}

bool isSame(const Endpoint& a, const Endpoint& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET6) {
    const auto* left = reinterpret_cast<const sockaddr_in6*>(&a.storage);
    const auto* right = reinterpret_cast<const sockaddr_in6*>(&b.storage);
    return left->sin6_port == right->sin6_port &&
           std::memcmp(&left->sin6_addr, &right->sin6_addr, sizeof left->sin6_addr) == 0;
  }
  const auto* left = reinterpret_cast<const sockaddr_in*>(&a.storage);
  const auto* right = reinterpret_cast<const sockaddr_in*>(&b.storage);
  return left->sin_port == right->sin_port && left->sin_addr.s_addr == right->sin_addr.s_addr;
}

}  // namespace hushpay
