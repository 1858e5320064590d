#include "media/datagram.h"

#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <span>

namespace hushpay {
namespace {

/// How the kernel is told of several at once.
struct Messages {
  std::array<mmsghdr, Inbox::kMost> headers;
  std::array<iovec, Inbox::kMost> parts;

  void set(std::size_t at, Datagram& datagram, std::size_t size) noexcept {
    parts[at] = {.iov_base = datagram.bytes.data(), .iov_len = size};
    headers[at] = {};
    headers[at].msg_hdr.msg_name = datagram.peer.raw();
    headers[at].msg_hdr.msg_namelen = datagram.peer.size;
    headers[at].msg_hdr.msg_iov = &parts[at];
    headers[at].msg_hdr.msg_iovlen = 1;
  }
};
static_assert(Outbox::kMost <= Inbox::kMost);

}  // namespace

void Datagram::wipe() noexcept {
  explicit_bzero(bytes.data(), size);
  size = 0;
}

bool Inbox::fetch(int fd, std::size_t to) noexcept {
  Datagram& into = datagrams_[to];
  into.peer.size = sizeof into.peer.storage;
  const ssize_t size =
      recvfrom(fd, into.bytes.data(), Datagram::kMaxSize, MSG_DONTWAIT, into.peer.raw(), &into.peer.size);
  into.size = size < 0 ? 0 : static_cast<std::size_t>(size);
  return size >= 0;
}

std::size_t Inbox::fetchAll(int fd, std::size_t from) noexcept {
  Messages messages;
  const auto datagrams = std::span(datagrams_).subspan(from);
  for (std::size_t i = 0; i < datagrams.size(); i++) {
    datagrams[i].peer.size = sizeof datagrams[i].peer.storage;
    messages.set(i, datagrams[i], Datagram::kMaxSize);
  }
  const int count =
      recvmmsg(fd, messages.headers.data(), static_cast<unsigned>(datagrams.size()), MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count; i++) {
    const auto at = static_cast<std::size_t>(i);
    datagrams[at].size = messages.headers[at].msg_len;
    datagrams[at].peer.size = messages.headers[at].msg_hdr.msg_namelen;
  }
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void Outbox::put(int fd, const Endpoint& to, std::size_t size) noexcept {
  Datagram& datagram = datagrams_[count_];
  datagram.fd = fd;
  datagram.peer = to;
  datagram.size = size;
  if (++count_ == kMost) flush();
}

void Outbox::flush() noexcept {
  const auto all = std::span(datagrams_).first(count_);
  for (std::size_t from = 0; from < count_;) {
    std::size_t size = 1;
    while (from + size < count_ && all[from + size].fd == all[from].fd) size++;
    send(all.subspan(from, size));
    from += size;
  }
  for (Datagram& datagram : all) datagram.wipe();
  count_ = 0;
}

/// Those of one socket.
void Outbox::send(std::span<Datagram> datagrams) noexcept {
  const int fd = datagrams.front().fd;
  if (datagrams.size() == 1) {
    const Datagram& one = datagrams.front();
    (void)sendto(fd, one.bytes.data(), one.size, MSG_DONTWAIT, one.peer.raw(), one.peer.size);
    return;
  }
  Messages messages;
  for (std::size_t i = 0; i < datagrams.size(); i++) messages.set(i, datagrams[i], datagrams[i].size);
  for (std::size_t sent = 0; sent < datagrams.size();) {
    const int count =
        sendmmsg(fd, &messages.headers[sent], static_cast<unsigned>(datagrams.size() - sent), MSG_DONTWAIT);
    sent += count > 0 ? static_cast<std::size_t>(count) : 1;  // the first could not be sent
  }
}

}  // namespace hushpay
