// Published keys and packets: what SRTP must give, bit by bit.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string_view>
#include <vector>

#include "hex.h"
#include "secure/srtp.h"
#include "secure/srtp_cipher.h"

using namespace hushpay;

TEST_SUITE_BEGIN("srtp_vectors_test");

namespace {

using Bytes = std::vector<std::uint8_t>;

SrtpKey keyOf(SrtpSuite suite, std::string_view hex) {
  SrtpKey key;
  key.suite = suite;
  std::ranges::copy(fromHex(hex), key.bytes.begin());
  return key;
}

}  // namespace

TEST_CASE("derives the session keys of RFC 3711 appendix B.3") {
  const SrtpKey key =
      keyOf(SrtpSuite::kAesCm128Sha1_80, "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6");
  SrtpCipher cipher(key, SrtpCipher::For::kRtp);
  // The first block of the key stream at SSRC 0 and index 0 is the session salt, encrypted with the session
  // key.
  const Bytes sessionKey = fromHex("C61E7A93744F39EE10734AFE3FF7A087");
  const Bytes counter = fromHex("30CBBC08863D8C85D49DB34A9AE10000");
  Bytes expected(16);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> ecb(EVP_CIPHER_CTX_new(),
                                                                            &EVP_CIPHER_CTX_free);
  int written = 0;
  REQUIRE(EVP_EncryptInit_ex(ecb.get(), EVP_aes_128_ecb(), nullptr, sessionKey.data(), nullptr) == 1);
  REQUIRE(EVP_EncryptUpdate(ecb.get(), expected.data(), &written, counter.data(), 16) == 1);
  Bytes stream(16);
  REQUIRE(cipher.counterMode(0, 0, stream, stream.data()));
  CHECK(stream == expected);

  const Bytes authenticationKey = fromHex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4");
  Sha1Digest digest{};
  HMAC(EVP_sha1(), authenticationKey.data(), static_cast<int>(authenticationKey.size()), stream.data(),
       stream.size(), digest.data(), nullptr);
  CHECK(cipher.authenticate(ByteView(stream).first(7), ByteView(stream).subspan(7)) == digest);
}

TEST_CASE("protects known packets into known ones") {
  struct Known {
    SrtpSuite suite;
    const char* key;
    const char* datagram;
  };
  const Known known[] = {
      {SrtpSuite::kAesCm128Sha1_80, "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6",
       "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb"},
      {SrtpSuite::kAeadAes128Gcm, "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
       "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392"}};
  for (const Known& each : known) {
    CAPTURE(each.key);
    SrtpSender sender(keyOf(each.suite, each.key));
    Bytes datagram = fromHex("800f1234decafbadcafebabe abababababababababababababababab");
    const std::size_t size = datagram.size();
    datagram.resize(size + kMaxSrtpTrailer);
    datagram.resize(sender.protectRtp(datagram, size));
    CHECK(datagram == fromHex(each.datagram));
  }
}

TEST_CASE("seals and opens the packets of RFC 7714 sections 16.1 and 16.2") {
  const Bytes header = fromHex("8040f17b8041f8d35501a0b2");
  const std::string_view text = "Gallia est omnis divisa in partes tres";
  const Bytes plain(text.begin(), text.end());
  Bytes key(32);
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  const Bytes salt = fromHex("51756964 2070726f 2071756f");
  constexpr std::uint32_t kSsrc = 0x5501a0b2;
  constexpr std::uint64_t kIndex = 0xf17b;  // the first of all: no roll-over
  struct Vector {
    SrtpSuite suite;
    std::size_t keySize;
    const char* sealed;
    const char* tag;
  };
  for (const Vector& vector :
       {Vector{SrtpSuite::kAeadAes128Gcm, 16,
               "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833",
               "899d7f27 beb16a91 52cf765e e4390cce"},
        Vector{SrtpSuite::kAeadAes256Gcm, 32,
               "32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b",
               "7aa3db36 dfffd6b0 f9bb7878 d7a76c13"}}) {
    SrtpCipher cipher(vector.suite, ByteView(key).first(vector.keySize), salt);
    Bytes sealed(plain.size());
    Bytes tag(16);
    REQUIRE(cipher.seal(kSsrc, kIndex, header, {}, plain, sealed.data(), tag.data()));
    CHECK(sealed == fromHex(vector.sealed));
    CHECK(tag == fromHex(vector.tag));
    Bytes opened(plain.size());
    REQUIRE(cipher.open(kSsrc, kIndex, header, {}, sealed, tag, opened.data()));
    CHECK(opened == plain);
    tag[0] ^= 1;
    CHECK_FALSE(cipher.open(kSsrc, kIndex, header, {}, sealed, tag, opened.data()));
  }
}

TEST_SUITE_END();
