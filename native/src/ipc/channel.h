#pragma once

#include <cstdint>
#include <vector>

#include "rtp/bytes.h"

namespace google::protobuf {
class MessageLite;
}

namespace hushpay {

/// Messages on a stream socket, each behind its length: 4 bytes, little-endian. What has been written or
/// handed out is wiped.
class Channel {
 public:
  static constexpr std::size_t kMaxMessage = 64 * 1024;
  static constexpr std::size_t kMaxBacklog = 1024 * 1024;

  explicit Channel(int fd);

  enum class Read { kOpen, kEnded, kBroken };

  /// Takes what the socket has.
  Read read();
  /// Calls `take` with every whole message so far. @return false if a length is out of range
  template <typename Take>
  bool eachMessage(Take take);

  void write(const google::protobuf::MessageLite& message);
  /// Tries to get rid of what is still to be written. @return false if the other side is gone
  bool flush();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool hasBacklog() const noexcept { return written_ < out_.size(); }
  /// True while the other side reads too slowly to be told more.
  [[nodiscard]] bool isClogged() const noexcept { return out_.size() - written_ > kMaxBacklog; }

 private:
  static std::uint32_t lengthAt(ByteView bytes) noexcept;

  int fd_;
  std::vector<std::uint8_t> in_;
  std::vector<std::uint8_t> out_;
  std::size_t written_ = 0;
};

void wipe(std::vector<std::uint8_t>& bytes, std::size_t from, std::size_t to) noexcept;

template <typename Take>
bool Channel::eachMessage(Take take) {
  std::size_t at = 0;
  bool isSound = true;
  while (in_.size() - at >= 4) {
    const std::size_t size = lengthAt(ByteView(in_).subspan(at));
    isSound = size <= kMaxMessage;
    if (!isSound || in_.size() - at < 4 + size) break;
    isSound = take(ByteView(in_).subspan(at + 4, size));
    at += 4 + size;
    if (!isSound) break;
  }
  wipe(in_, 0, at);
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
  return isSound;
}

}  // namespace hushpay
