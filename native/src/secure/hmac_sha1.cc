// OpenSSL's newer digest interface allocates for every digest; this one works in the caller's memory.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "secure/hmac_sha1.h"

#include <openssl/sha.h>
#include <string.h>

#include <algorithm>

namespace hushpay {
namespace {

constexpr std::size_t kBlockSize = 64;

SHA_CTX begun(const std::array<std::uint8_t, kBlockSize>& key, std::uint8_t pad) noexcept {
  std::array<std::uint8_t, kBlockSize> block{};
  std::ranges::transform(key, block.begin(), [pad](std::uint8_t byte) { return byte ^ pad; });
  SHA_CTX state;
  SHA1_Init(&state);
  SHA1_Update(&state, block.data(), block.size());
  explicit_bzero(block.data(), block.size());
  return state;
}

}  // namespace

struct HmacSha1::Midstates {
  SHA_CTX inner;
  SHA_CTX outer;
};

HmacSha1::HmacSha1(ByteView key) {
  std::array<std::uint8_t, kBlockSize> block{};
  if (key.size() > kBlockSize)
    SHA1(key.data(), key.size(), block.data());
  else
    std::ranges::copy(key, block.begin());
  midstates_ =
      std::make_unique<Midstates>(Midstates{.inner = begun(block, 0x36), .outer = begun(block, 0x5c)});
  explicit_bzero(block.data(), block.size());
}

HmacSha1::~HmacSha1() { explicit_bzero(midstates_.get(), sizeof *midstates_); }

Sha1Digest HmacSha1::digest(ByteView first, ByteView second) const noexcept {
  Sha1Digest digest;
  SHA_CTX state = midstates_->inner;
  SHA1_Update(&state, first.data(), first.size());
  SHA1_Update(&state, second.data(), second.size());
  SHA1_Final(digest.data(), &state);
  state = midstates_->outer;
  SHA1_Update(&state, digest.data(), digest.size());
  SHA1_Final(digest.data(), &state);
  explicit_bzero(&state, sizeof state);
  return digest;
}

}  // namespace hushpay
