#include "secure/srtp.h"

#include <doctest/doctest.h>
#include <openssl/crypto.h>
#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <vector>

#include "hex.h"
#include "no_allocation.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

using namespace hushpay;

TEST_SUITE_BEGIN("srtp_test");

namespace {

using Bytes = std::vector<std::uint8_t>;

/// What OpenSSL allocates; it goes past `new`.
std::size_t openSslAllocations = 0;

void* countedAllocate(std::size_t size, const char*, int) {
  openSslAllocations++;
  return std::malloc(size);
}
void* countedReallocate(void* memory, std::size_t size, const char*, int) {
  openSslAllocations++;
  return std::realloc(memory, size);
}
void release(void* memory, const char*, int) { std::free(memory); }

/// Only before OpenSSL has allocated anything, so before main().
const bool kIsCounting = CRYPTO_set_mem_functions(countedAllocate, countedReallocate, release) == 1;

constexpr SrtpSuite kSuites[] = {SrtpSuite::kAesCm128Sha1_80, SrtpSuite::kAesCm128Sha1_32,
                                 SrtpSuite::kAeadAes128Gcm, SrtpSuite::kAeadAes256Gcm};

SrtpKey keyOf(SrtpSuite suite, unsigned seed) {
  SrtpKey key;
  key.suite = suite;
  std::mt19937 random(seed);
  for (std::size_t i = 0; i < SrtpKey::sizeOf(suite); i++) key.bytes[i] = static_cast<std::uint8_t>(random());
  return key;
}

Bytes rtp(std::uint16_t sequence, std::uint32_t ssrc = 0xcafebabe, std::size_t size = 160) {
  Bytes packet(kRtpHeaderSize + size, static_cast<std::uint8_t>(sequence));
  writeRtpHeader(packet, {.payloadType = 0,
                          .marker = false,
                          .sequence = sequence,
                          .timestamp = 160u * sequence,
                          .ssrc = ssrc,
                          .payload = {}});
  return packet;
}

Bytes rtcp(std::uint32_t ssrc = 0xcafebabe) {
  Bytes packet(kMaxRtcpSize);
  packet.resize(
      writeRtcp(packet, {.ssrc = ssrc, .sender = {}, .report = {}, .cname = "somebody", .bye = false}));
  return packet;
}

Bytes protect(SrtpSender& sender, Bytes packet, bool isRtcp = false) {
  const std::size_t size = packet.size();
  packet.resize(size + kMaxSrtpTrailer);
  packet.resize(isRtcp ? sender.protectRtcp(packet, size) : sender.protectRtp(packet, size));
  return packet;
}

Unprotected unprotect(SrtpReceiver& receiver, const Bytes& packet, Bytes& plain, bool isRtcp = false) {
  plain.assign(packet.size(), 0);
  std::size_t size = 0;
  const Unprotected result =
      isRtcp ? receiver.unprotectRtcp(packet, plain, size) : receiver.unprotectRtp(packet, plain, size);
  plain.resize(result == Unprotected::kOk ? size : 0);
  return result;
}

Unprotected unprotect(SrtpReceiver& receiver, const Bytes& packet, bool isRtcp = false) {
  Bytes plain;
  return unprotect(receiver, packet, plain, isRtcp);
}

std::uint64_t rollOverOf(const SrtpPosition& position) { return position.index >> 16; }

/// The other implementation.
class LibSrtp {
 public:
  LibSrtp(const SrtpKey& key, srtp_ssrc_type_t direction) {
    static const bool kIsReady = srtp_init() == srtp_err_status_ok;
    REQUIRE(kIsReady);
    srtp_policy_t policy{};
    switch (key.suite) {
      case SrtpSuite::kAesCm128Sha1_80:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        break;
      case SrtpSuite::kAesCm128Sha1_32:
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
        break;
      case SrtpSuite::kAeadAes128Gcm:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        break;
      case SrtpSuite::kAeadAes256Gcm:
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        break;
    }
    policy.rtcp = policy.rtp;
    if (key.suite == SrtpSuite::kAesCm128Sha1_32)
      srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    SrtpKey copy = key;
    policy.ssrc.type = direction;
    policy.key = copy.bytes.data();
    REQUIRE(srtp_create(&session_, &policy) == srtp_err_status_ok);
  }
  ~LibSrtp() { srtp_dealloc(session_); }
  LibSrtp(const LibSrtp&) = delete;
  LibSrtp& operator=(const LibSrtp&) = delete;

  template <typename Function>
  bool run(Function function, Bytes& packet) {
    int size = static_cast<int>(packet.size());
    packet.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
    const bool isDone = function(session_, packet.data(), &size) == srtp_err_status_ok;
    packet.resize(static_cast<std::size_t>(size));
    return isDone;
  }

 private:
  srtp_t session_ = nullptr;
};

}  // namespace

TEST_CASE("understands libsrtp and is understood by it, over roll-overs, in RTP and RTCP") {
  for (const SrtpSuite suite : kSuites) {
    CAPTURE(static_cast<int>(suite));
    const SrtpKey key = keyOf(suite, 7u);
    SrtpSender sender(key);
    SrtpReceiver receiver(key);
    LibSrtp theirSender(key, ssrc_any_outbound);
    LibSrtp theirReceiver(key, ssrc_any_inbound);
    std::uint16_t sequence = 30'000;
    for (int i = 0; i < 140'000; i++, sequence++) {
      const Bytes packet = rtp(sequence, 0xcafebabe, 20 + static_cast<std::size_t>(i % 5));
      Bytes ours = protect(sender, packet);
      REQUIRE(theirReceiver.run(srtp_unprotect, ours));
      REQUIRE(ours == packet);
      Bytes theirs = packet;
      REQUIRE(theirSender.run(srtp_protect, theirs));
      Bytes plain;
      REQUIRE(unprotect(receiver, theirs, plain) == Unprotected::kOk);
      REQUIRE(plain == packet);
    }
    CHECK(rollOverOf(receiver.position()) == 2);
    for (int i = 0; i < 100; i++) {
      const Bytes packet = rtcp();
      Bytes ours = protect(sender, packet, true);
      REQUIRE(theirReceiver.run(srtp_unprotect_rtcp, ours));
      REQUIRE(ours == packet);
      Bytes theirs = packet;
      REQUIRE(theirSender.run(srtp_protect_rtcp, theirs));
      Bytes plain;
      REQUIRE(unprotect(receiver, theirs, plain, true) == Unprotected::kOk);
      REQUIRE(plain == packet);
    }
  }
}

TEST_CASE("protects a header with contributing sources and an extension as libsrtp does") {
  const Bytes packet = fromHex("92 00 0001 00000000 cafebabe 00000001 00000002 bede0001 10ff0000 0102030405");
  for (const SrtpSuite suite : kSuites) {
    const SrtpKey key = keyOf(suite, 8u);
    SrtpSender sender(key);
    SrtpReceiver receiver(key);
    Bytes ours = protect(sender, packet);
    Bytes plain;
    CHECK(unprotect(receiver, ours, plain) == Unprotected::kOk);
    CHECK(plain == packet);
    LibSrtp theirs(key, ssrc_any_inbound);
    REQUIRE(theirs.run(srtp_unprotect, ours));
    CHECK(ours == packet);
  }
}

TEST_CASE("takes nothing that has one wrong bit, and goes on after it") {
  for (const SrtpSuite suite : kSuites) {
    CAPTURE(static_cast<int>(suite));
    const SrtpKey key = keyOf(suite, 9u);
    SrtpSender sender(key);
    SrtpReceiver receiver(key);
    const Bytes first = protect(sender, rtp(1));
    const Bytes report = protect(sender, rtcp(), true);
    for (std::size_t bit = 0; bit < first.size() * 8; bit++) {
      Bytes bent = first;
      bent[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      CHECK(unprotect(receiver, bent) != Unprotected::kOk);
    }
    for (std::size_t bit = 0; bit < report.size() * 8; bit++) {
      Bytes bent = report;
      bent[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      CHECK(unprotect(receiver, bent, true) != Unprotected::kOk);
    }
    CHECK(unprotect(receiver, first) == Unprotected::kOk);
    CHECK(unprotect(receiver, report, true) == Unprotected::kOk);
    CHECK(unprotect(receiver, protect(sender, rtp(2))) == Unprotected::kOk);
  }
}

TEST_CASE("takes each packet once, in any order, and none too old to know") {
  const SrtpKey key = keyOf(SrtpSuite::kAesCm128Sha1_80, 10u);
  SrtpSender sender(key);
  SrtpReceiver receiver(key);
  std::vector<Bytes> packets;
  for (int i = 0; i < 100; i++)
    packets.push_back(protect(sender, rtp(static_cast<std::uint16_t>(65'500 + i))));
  CHECK(unprotect(receiver, packets[50]) ==
        Unprotected::kOk);  // the first that comes has rolled over already
  CHECK(unprotect(receiver, packets[49]) == Unprotected::kOk);
  CHECK(unprotect(receiver, packets[20]) == Unprotected::kOk);
  CHECK(unprotect(receiver, packets[99]) == Unprotected::kOk);
  CHECK(unprotect(receiver, packets[36]) == Unprotected::kOk);
  for (const std::size_t seen : {20u, 36u, 49u, 50u, 99u})
    CHECK(unprotect(receiver, packets[seen]) == Unprotected::kReplayed);
  CHECK(unprotect(receiver, packets[35]) == Unprotected::kReplayed);  // 64 behind the newest
  Bytes report = protect(sender, rtcp(), true);
  CHECK(unprotect(receiver, report, true) == Unprotected::kOk);
  CHECK(unprotect(receiver, report, true) == Unprotected::kReplayed);
}

TEST_CASE("sends no index twice") {
  SrtpSender sender(keyOf(SrtpSuite::kAeadAes128Gcm, 11u));
  CHECK_FALSE(protect(sender, rtp(5)).empty());
  CHECK(protect(sender, rtp(5)).empty());
  CHECK(protect(sender, rtp(4)).empty());
  CHECK_FALSE(protect(sender, rtp(6)).empty());
}

TEST_CASE("another process goes on with keys and positions, and takes no old packet again") {
  for (const SrtpSuite suite : kSuites) {
    const SrtpKey key = keyOf(suite, 12u);
    SrtpReceiver peer(key);
    SrtpSender sender(key);
    SrtpReceiver receiver(key);
    Bytes old;
    std::uint16_t sequence = 65'000;
    for (int i = 0; i < 70'000; i++) {
      old = protect(sender, rtp(sequence++));
      REQUIRE(unprotect(peer, old) == Unprotected::kOk);
      REQUIRE(unprotect(receiver, old) == Unprotected::kOk);
    }
    const Bytes oldReport = protect(sender, rtcp(), true);
    REQUIRE(unprotect(receiver, oldReport, true) == Unprotected::kOk);
    REQUIRE(unprotect(peer, oldReport, true) == Unprotected::kOk);

    SrtpSender nextSender(key);
    nextSender.resume(sender.position());
    SrtpReceiver nextReceiver(key);
    nextReceiver.resume(receiver.position());
    CHECK(unprotect(nextReceiver, old) == Unprotected::kReplayed);
    CHECK(unprotect(nextReceiver, oldReport, true) == Unprotected::kReplayed);
    const Bytes packet = protect(nextSender, rtp(static_cast<std::uint16_t>(sequence + 50)));
    CHECK(unprotect(peer, packet) == Unprotected::kOk);
    CHECK(unprotect(nextReceiver, packet) == Unprotected::kOk);
    const Bytes report = protect(nextSender, rtcp(), true);
    CHECK(unprotect(peer, report, true) == Unprotected::kOk);
    CHECK(rollOverOf(nextSender.position()) == 2);
  }
}

TEST_CASE("a peer that changes its key may keep its roll-over counter or begin at 0") {
  const SrtpKey before = keyOf(SrtpSuite::kAesCm128Sha1_80, 13u);
  const SrtpKey after = keyOf(SrtpSuite::kAesCm128Sha1_80, 14u);
  SrtpSender old(before);
  SrtpReceiver known(before);
  REQUIRE(unprotect(known, protect(old, rtp(65'535))) == Unprotected::kOk);
  REQUIRE(unprotect(known, protect(old, rtp(0))) == Unprotected::kOk);
  for (const bool keeps : {true, false}) {
    SrtpSender sender(after);
    if (keeps) sender.resume(old.position());
    SrtpReceiver receiver(after);
    receiver.expectSourcesOf(known);
    CHECK(unprotect(receiver, protect(sender, rtp(1))) == Unprotected::kOk);
    CHECK(rollOverOf(receiver.position()) == (keeps ? 1 : 0));
  }
}

TEST_CASE("allocates nothing per packet, right, forged or of a new source") {
  REQUIRE(kIsCounting);
  for (const SrtpSuite suite : kSuites) {
    CAPTURE(static_cast<int>(suite));
    const SrtpKey key = keyOf(suite, 16u);
    SrtpSender sender(key);
    SrtpReceiver receiver(key);
    std::array<std::uint8_t, 256> buffer{};
    std::array<std::uint8_t, 256> plain{};
    std::array<std::uint8_t, 172> packet{};
    const std::size_t before = allocations() + openSslAllocations;
    bool isRight = true;
    for (std::uint16_t sequence = 1; sequence < 2000; sequence++) {
      writeRtpHeader(packet, {.payloadType = 0,
                              .marker = false,
                              .sequence = sequence,
                              .timestamp = 0,
                              .ssrc = sequence / 100u,
                              .payload = {}});
      std::ranges::copy(packet, buffer.begin());
      const std::size_t sealed = sender.protectRtp(buffer, packet.size());
      std::size_t size = 0;
      buffer[20] ^= 1;
      isRight = isRight &&
                receiver.unprotectRtp(ByteView(buffer).first(sealed), plain, size) == Unprotected::kForged;
      buffer[20] ^= 1;
      isRight =
          isRight && receiver.unprotectRtp(ByteView(buffer).first(sealed), plain, size) == Unprotected::kOk;
    }
    CHECK(allocations() + openSslAllocations == before);
    CHECK(isRight);
  }
}

TEST_CASE("survives datagrams of chance") {
  std::mt19937 random(20261122);
  for (const SrtpSuite suite : kSuites) {
    SrtpReceiver receiver(keyOf(suite, 15u));
    for (int i = 0; i < 20'000; i++) {
      Bytes datagram(random() % 80);
      for (auto& byte : datagram) byte = static_cast<std::uint8_t>(random());
      if (!datagram.empty() && random() % 4 != 0)
        datagram[0] = static_cast<std::uint8_t>(0x80 | random() % 64);
      CHECK(unprotect(receiver, datagram) != Unprotected::kOk);
      CHECK(unprotect(receiver, datagram, true) != Unprotected::kOk);
    }
  }
}

TEST_SUITE_END();
