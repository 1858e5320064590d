#pragma once

#include <array>
#include <memory>

#include "rtp/bytes.h"
#include "secure/hmac_sha1.h"
#include "secure/srtp_key.h"

struct evp_cipher_ctx_st;

namespace hushpay {

/// The keys of one stream direction for RTP or for RTCP, derived from the master key (RFC 3711 section 4.3),
/// and the work they do. Made on the IPC thread; the rest allocates, locks and logs nothing. The primitives
/// are OpenSSL's: contexts are made once and only given a new initial vector per packet.
class SrtpCipher {
 public:
  enum class For : std::uint8_t { kRtp = 0, kRtcp = 3 };  // first key derivation label

  SrtpCipher(const SrtpKey& key, For use);
  /// With keys that are a session's already, of an AEAD suite: as vectors have them.
  SrtpCipher(SrtpSuite suite, ByteView key, ByteView salt);
  ~SrtpCipher();
  SrtpCipher(const SrtpCipher&) = delete;
  SrtpCipher& operator=(const SrtpCipher&) = delete;

  /// Encrypts or decrypts in counter mode (RFC 3711 section 4.1.1).
  /// @param index  48 bits for RTP, 31 for RTCP
  bool counterMode(std::uint32_t ssrc, std::uint64_t index, ByteView in, std::uint8_t* out) noexcept;

  /// @param tail  what is authenticated behind the packet: the roll-over counter, for RTP
  [[nodiscard]] Sha1Digest authenticate(ByteView packet, ByteView tail) const noexcept;

  /// Encrypts and signs (RFC 7714). `in` and `out` may be the same.
  bool seal(std::uint32_t ssrc, std::uint64_t index, ByteView header, ByteView tail, ByteView in,
            std::uint8_t* out, std::uint8_t* tag) noexcept;
  /// @return false if the tag is not right; `out` then holds nothing of worth
  bool open(std::uint32_t ssrc, std::uint64_t index, ByteView header, ByteView tail, ByteView in,
            ByteView tag, std::uint8_t* out) noexcept;

 private:
  struct FreeContext {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_cipher_ctx_st, FreeContext>;

  void use(SrtpSuite suite, ByteView key);
  [[nodiscard]] std::array<std::uint8_t, 12> nonce(std::uint32_t ssrc, std::uint64_t index) const noexcept;

  std::array<std::uint8_t, 14> salt_{};  // of the session, not the master salt
  Context cipher_;
  std::unique_ptr<HmacSha1> hmac_;  // none with AEAD
};

}  // namespace hushpay
