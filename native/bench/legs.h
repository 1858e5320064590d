#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace hushpay::bench {

/// Every leg of the load has an address of its own in 127.16.0.0/12; all share one port, so that one socket
/// serves them.
inline in_addr addressOf(std::size_t leg) noexcept {
  return {.s_addr = htonl(0x7f100000U + static_cast<std::uint32_t>(leg))};
}

inline sockaddr_in endpointOf(in_addr address, std::uint16_t port) noexcept {
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(port);
  endpoint.sin_addr = address;
  return endpoint;
}

}  // namespace hushpay::bench
