#include "secure/srtp_cipher.h"

#include <openssl/evp.h>
#include <string.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace hushpay {
namespace {

constexpr std::size_t kHmacKeySize = 20;
constexpr std::uint8_t kLabelOfCipher = 0;
constexpr std::uint8_t kLabelOfHmac = 1;
constexpr std::uint8_t kLabelOfSalt = 2;

const EVP_CIPHER* counterCipher(std::size_t keySize) {
  return keySize == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
}

/// AES in counter mode over zeros (RFC 3711 section 4.3.3, RFC 6188 section 2): the key derivation rate is 0.
void derive(const SrtpKey& key, std::uint8_t label, ByteSpan out) {
  std::array<std::uint8_t, 16> iv{};
  std::ranges::copy(
      key.salt(),
      iv.begin());  // the 12 bytes of an AEAD salt stand left of 16 zero bits (RFC 7714 section 11)
  iv[7] ^= label;
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                &EVP_CIPHER_CTX_free);
  std::ranges::fill(out, std::uint8_t{0});
  int written = 0;
  const bool isDone =
      context != nullptr &&
      EVP_EncryptInit_ex(context.get(), counterCipher(key.master().size()), nullptr, key.master().data(),
                         iv.data()) == 1 &&
      EVP_EncryptUpdate(context.get(), out.data(), &written, out.data(), static_cast<int>(out.size())) == 1;
  if (!isDone) throw std::runtime_error("OpenSSL derives no SRTP key");
}

}  // namespace

void SrtpCipher::FreeContext::operator()(evp_cipher_ctx_st* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

SrtpCipher::SrtpCipher(const SrtpKey& key, For use) : cipher_(EVP_CIPHER_CTX_new()) {
  const SrtpShape shape = shapeOf(key.suite);
  const auto label = [use](std::uint8_t of) {
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(use) + of);
  };
  std::array<std::uint8_t, 32> session{};
  derive(key, label(kLabelOfCipher), ByteSpan(session).first(shape.keySize));
  derive(key, label(kLabelOfSalt), ByteSpan(salt_).first(shape.saltSize));
  this->use(key.suite, ByteView(session).first(shape.keySize));
  if (!shape.isAead) {
    std::array<std::uint8_t, kHmacKeySize> secret{};
    derive(key, label(kLabelOfHmac), secret);
    hmac_ = std::make_unique<HmacSha1>(secret);
    explicit_bzero(secret.data(), secret.size());
  }
  explicit_bzero(session.data(), session.size());
}

SrtpCipher::SrtpCipher(SrtpSuite suite, ByteView key, ByteView salt) : cipher_(EVP_CIPHER_CTX_new()) {
  std::ranges::copy(salt, salt_.begin());
  use(suite, key);
}

void SrtpCipher::use(SrtpSuite suite, ByteView key) {
  const SrtpShape shape = shapeOf(suite);
  const EVP_CIPHER* aead = shape.keySize == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  const bool isReady = cipher_ != nullptr &&
                       EVP_CipherInit_ex(cipher_.get(), shape.isAead ? aead : counterCipher(shape.keySize),
                                         nullptr, key.data(), nullptr, 1) == 1;
  if (!isReady) throw std::runtime_error("OpenSSL has no AES");
}

SrtpCipher::~SrtpCipher() { explicit_bzero(salt_.data(), salt_.size()); }

bool SrtpCipher::counterMode(std::uint32_t ssrc, std::uint64_t index, ByteView in,
                             std::uint8_t* out) noexcept {
  std::array<std::uint8_t, 16> iv{};
  std::ranges::copy(salt_, iv.begin());
  for (std::size_t i = 0; i < 4; i++) iv[4 + i] ^= static_cast<std::uint8_t>(ssrc >> (24 - 8 * i));
  for (std::size_t i = 0; i < 6; i++) iv[8 + i] ^= static_cast<std::uint8_t>(index >> (40 - 8 * i));
  int written = 0;
  return EVP_CipherInit_ex(cipher_.get(), nullptr, nullptr, nullptr, iv.data(), -1) == 1 &&
         EVP_CipherUpdate(cipher_.get(), out, &written, in.data(), static_cast<int>(in.size())) == 1;
}

Sha1Digest SrtpCipher::authenticate(ByteView packet, ByteView tail) const noexcept {
  return hmac_->digest(packet, tail);
}

/// RFC 7714 sections 8.1 and 9.1: two zero bytes, SSRC, 48 bits of index; for RTCP the index stands in the
/// last 32.
std::array<std::uint8_t, 12> SrtpCipher::nonce(std::uint32_t ssrc, std::uint64_t index) const noexcept {
  std::array<std::uint8_t, 12> iv{};
  std::copy_n(salt_.begin(), iv.size(), iv.begin());
  for (std::size_t i = 0; i < 4; i++) iv[2 + i] ^= static_cast<std::uint8_t>(ssrc >> (24 - 8 * i));
  for (std::size_t i = 0; i < 6; i++) iv[6 + i] ^= static_cast<std::uint8_t>(index >> (40 - 8 * i));
  return iv;
}

bool SrtpCipher::seal(std::uint32_t ssrc, std::uint64_t index, ByteView header, ByteView tail, ByteView in,
                      std::uint8_t* out, std::uint8_t* tag) noexcept {
  const auto iv = nonce(ssrc, index);
  EVP_CIPHER_CTX* context = cipher_.get();
  int written = 0;
  return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), 1) == 1 &&
         EVP_CipherUpdate(context, nullptr, &written, header.data(), static_cast<int>(header.size())) == 1 &&
         (tail.empty() ||
          EVP_CipherUpdate(context, nullptr, &written, tail.data(), static_cast<int>(tail.size())) == 1) &&
         EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1 &&
         EVP_CipherFinal_ex(context, out + in.size(), &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
}

bool SrtpCipher::open(std::uint32_t ssrc, std::uint64_t index, ByteView header, ByteView tail, ByteView in,
                      ByteView tag, std::uint8_t* out) noexcept {
  const auto iv = nonce(ssrc, index);
  std::array<std::uint8_t, 16> expected{};
  std::ranges::copy(tag, expected.begin());
  EVP_CIPHER_CTX* context = cipher_.get();
  int written = 0;
  return EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv.data(), 0) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, expected.data()) == 1 &&
         EVP_CipherUpdate(context, nullptr, &written, header.data(), static_cast<int>(header.size())) == 1 &&
         (tail.empty() ||
          EVP_CipherUpdate(context, nullptr, &written, tail.data(), static_cast<int>(tail.size())) == 1) &&
         EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1 &&
         EVP_CipherFinal_ex(context, out + in.size(), &written) == 1;
}

}  // namespace hushpay
