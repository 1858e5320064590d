#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "rtp/bytes.h"

namespace hushpay {

constexpr std::size_t kSha1Size = 20;
using Sha1Digest = std::array<std::uint8_t, kSha1Size>;

/// HMAC-SHA1 (RFC 2104) under one key. The key is hashed once, so that a packet costs its own blocks and two
/// more; digest() allocates nothing and may be called on the media thread.
class HmacSha1 {
 public:
  explicit HmacSha1(ByteView key);
  ~HmacSha1();
  HmacSha1(const HmacSha1&) = delete;
  HmacSha1& operator=(const HmacSha1&) = delete;

  /// Of `first` followed by `second`.
  [[nodiscard]] Sha1Digest digest(ByteView first, ByteView second = {}) const noexcept;

 private:
  struct Midstates;
  std::unique_ptr<Midstates> midstates_;
};

}  // namespace hushpay
