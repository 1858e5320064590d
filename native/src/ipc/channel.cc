#include "ipc/channel.h"

#include <fcntl.h>
#include <google/protobuf/message_lite.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace hushpay {

void wipe(std::vector<std::uint8_t>& bytes, std::size_t from, std::size_t to) noexcept {
  explicit_bzero(bytes.data() + from, to - from);
}

Channel::Channel(int fd) : fd_(fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  // Reserved so that growth leaves no unwiped copy of a message behind; appending stays within it.
  in_.reserve(2 * kMaxMessage + 8);
  out_.reserve(kMaxBacklog + 2 * kMaxMessage);
}

Channel::Read Channel::read() {
  std::array<std::uint8_t, 16 * 1024> part;
  while (in_.size() + part.size() <= in_.capacity()) {
    const ssize_t size = ::read(fd_, part.data(), part.size());
    if (size == 0) return Read::kEnded;
    if (size < 0) {
      explicit_bzero(part.data(), part.size());
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Read::kOpen : Read::kBroken;
    }
    in_.insert(in_.end(), part.begin(), part.begin() + size);
  }
  return Read::kOpen;
}

void Channel::write(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  const std::size_t at = out_.size();
  out_.resize(at + 4 + size);
  for (std::size_t i = 0; i < 4; i++) out_[at + i] = static_cast<std::uint8_t>(size >> (8 * i));
  message.SerializeWithCachedSizesToArray(out_.data() + at + 4);
}

bool Channel::flush() {
  while (hasBacklog()) {
    const ssize_t size = send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    wipe(out_, written_, written_ + static_cast<std::size_t>(size));
    written_ += static_cast<std::size_t>(size);
  }
  out_.clear();
  written_ = 0;
  return true;
}

std::uint32_t Channel::lengthAt(ByteView bytes) noexcept {
  return bytes[0] | (std::uint32_t{bytes[1]} << 8) | (std::uint32_t{bytes[2]} << 16) |
         (std::uint32_t{bytes[3]} << 24);
}

}  // namespace hushpay
