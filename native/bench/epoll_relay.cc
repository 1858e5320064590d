#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "legs.h"

// The least a relay can do, to compare with: a socket per leg, what comes in on one goes out on its pair. No
// look at the packets.
//   hushpay-epoll-relay LEGS LOAD_PORT      prints the port of each leg, then "ready"; ends with its standard
//   input
int main(int argc, char** argv) {
  using namespace hushpay::bench;
  if (argc != 3) return 64;
  const auto legs = static_cast<std::size_t>(std::atol(argv[1]));
  const auto loadPort = static_cast<std::uint16_t>(std::atoi(argv[2]));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> sockets(legs);
  for (std::size_t leg = 0; leg < legs; leg++) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_in local = endpointOf({htonl(INADDR_LOOPBACK)}, 0);
    socklen_t size = sizeof local;
    if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&local), size) != 0) return 71;
    getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size);
    std::printf("%u\n", ntohs(local.sin_port));
    sockets[leg] = fd;
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = leg;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest);
  }
  epoll_event end{};
  end.events = EPOLLIN;
  end.data.u64 = legs;
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end);
  std::puts("ready");
  std::fflush(stdout);
  std::array<epoll_event, 256> ready{};
  std::array<char, 2048> buffer{};
  for (;;) {
    const int count = epoll_wait(epoll, ready.data(), ready.size(), -1);
    for (int i = 0; i < count; i++) {
      const std::size_t leg = ready[static_cast<std::size_t>(i)].data.u64;
      if (leg == legs) return 0;
      const ssize_t size = recv(sockets[leg], buffer.data(), buffer.size(), 0);
      if (size < 0) continue;
      const std::size_t other = leg ^ 1U;
      const sockaddr_in to = endpointOf(addressOf(other), loadPort);
      (void)sendto(sockets[other], buffer.data(), static_cast<std::size_t>(size), 0,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
  }
}
