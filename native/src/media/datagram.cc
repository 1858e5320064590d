#include "media/datagram.h"

#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>

namespace hushpay {

void Datagram::wipe() noexcept {
  explicit_bzero(bytes.data(), size);
  size = 0;
}

bool fetch(int fd, Datagram& into) noexcept {
  into.peer.size = sizeof into.peer.storage;
  const ssize_t size =
      recvfrom(fd, into.bytes.data(), Datagram::kMaxSize, MSG_DONTWAIT, into.peer.raw(), &into.peer.size);
  into.size = size < 0 ? 0 : static_cast<std::size_t>(size);
  return size >= 0;
}

void Outbox::put(int fd, const Endpoint& to, std::size_t size) noexcept {
  Datagram& datagram = datagrams_[count_];
  datagram.fd = fd;
  datagram.peer = to;
  datagram.size = size;
  if (++count_ == kMost) flush();
}

void Outbox::flush() noexcept {
  for (Datagram& datagram : std::span(datagrams_).first(count_)) {
    (void)sendto(datagram.fd, datagram.bytes.data(), datagram.size, MSG_DONTWAIT, datagram.peer.raw(),
                 datagram.peer.size);
    datagram.wipe();
  }
  count_ = 0;
}

}  // namespace hushpay
