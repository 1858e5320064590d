#include "secure/stun.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "hex.h"
#include "secure/ice_lite.h"

using namespace hushpay;

TEST_SUITE_BEGIN("stun_test");

namespace {

/// RFC 5769 section 2.1.
const std::vector<std::uint8_t> kRequest = fromHex(
    "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74"
    "00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf");
constexpr char kPassword[] = "VOkJxbRl1RmTxUk/WvJxBt";

ByteView bytesOf(const char* text) {
  return {reinterpret_cast<const std::uint8_t*>(text), std::char_traits<char>::length(text)};
}

const HmacSha1& hmac() {
  static const HmacSha1 kHmac(bytesOf(kPassword));
  return kHmac;
}

std::uint32_t crcOf(ByteView bytes) {
  std::uint32_t crc = 0xffff'ffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/// A check as an ICE agent sends it, with what an attacker might bend.
struct Check {
  std::string user = "ours:them";
  const char* password = kPassword;
  bool nominates = false;
  std::uint16_t extra = 0;  // an attribute more
  bool controlled = false;

  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> packet = fromHex("00010000 2112a442 000102030405060708090a0b");
    const auto add = [&](std::uint16_t type, const std::vector<std::uint8_t>& value) {
      const std::size_t at = packet.size();
      packet.resize(at + 4 + (value.size() + 3) / 4 * 4);
      writeU16(packet, at, type);
      writeU16(packet, at + 2, static_cast<std::uint32_t>(value.size()));
      std::copy(value.begin(), value.end(), packet.begin() + static_cast<std::ptrdiff_t>(at) + 4);
    };
    add(0x0006, {user.begin(), user.end()});
    add(controlled ? 0x8029 : 0x802a, std::vector<std::uint8_t>(8));
    if (nominates) add(0x0025, {});
    if (extra != 0) add(extra, {1});
    writeU16(packet, 2, static_cast<std::uint32_t>(packet.size() + 24 - 20));
    const Sha1Digest digest = HmacSha1(bytesOf(password)).digest(packet);
    add(0x0008, {digest.begin(), digest.end()});
    writeU16(packet, 2, static_cast<std::uint32_t>(packet.size() + 8 - 20));
    std::vector<std::uint8_t> fingerprint(4);
    writeU32(fingerprint, 0, crcOf(packet) ^ 0x5354554e);
    add(0x8028, fingerprint);
    return packet;
  }
};

}  // namespace

TEST_CASE("reads the sample request of RFC 5769") {
  const auto request = parseStunRequest(kRequest);
  REQUIRE(request);
  CHECK(request->user == "evtj:h6vY");
  CHECK(request->isControlled);
  CHECK(request->unknown == 0);
  CHECK(hasStunIntegrity(kRequest, *request, hmac()));
  CHECK_FALSE(hasStunIntegrity(kRequest, *request, HmacSha1(bytesOf("another password at all"))));
}

TEST_CASE("takes no request with one wrong bit for the peer's") {
  for (std::size_t bit = 0; bit < kRequest.size() * 8; bit++) {
    CAPTURE(bit);
    auto bent = kRequest;
    bent[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto request = parseStunRequest(bent);
    CHECK_FALSE((request && hasStunIntegrity(bent, *request, hmac())));
  }
}

TEST_CASE("answers with the mapped addresses of RFC 5769") {
  const StunTransaction transaction = parseStunRequest(kRequest)->transaction;
  std::vector<std::uint8_t> out(kMaxStunSize);
  const std::size_t size = writeStunSuccess(out, transaction, *Endpoint::parse("192.0.2.1", 32853), hmac());
  CHECK(size == 20 + 12 + 24 + 8);
  CHECK(std::vector(out.begin() + 20, out.begin() + 32) == fromHex("00200008 0001a147 e112a643"));
  const auto v6 = Endpoint::parse("2001:db8:1234:5678:11:2233:4455:6677", 32853);
  CHECK(writeStunSuccess(out, transaction, *v6, hmac()) == 20 + 24 + 24 + 8);
  CHECK(std::vector(out.begin() + 20, out.begin() + 44) ==
        fromHex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"));
}

TEST_CASE("a lite agent proves the sources of good checks and says nothing to others") {
  const Endpoint peer = *Endpoint::parse("192.0.2.7", 4000);
  std::vector<std::uint8_t> reply(kMaxStunSize);
  IceLite agent({.localUser = "ours", .localPassword = kPassword, .remoteUser = "them"});

  for (const Check& bad :
       {Check{.user = "ours:other"}, Check{.user = "them:ours"}, Check{.password = "guessed"}}) {
    CHECK(agent.receive(bad.bytes(), peer, reply).replySize == 0);
  }
  CHECK(agent.receive(kRequest, peer, reply).replySize == 0);
  CHECK_FALSE(agent.isProven(peer));

  const auto proved = agent.receive(Check{}.bytes(), peer, reply);
  CHECK(proved.replySize > 0);
  CHECK(proved.proved);
  CHECK_FALSE(proved.nominated);
  CHECK(agent.isProven(peer));
  CHECK_FALSE(agent.isProven(peer.withPort(4001)));
  CHECK(agent.receive(Check{.nominates = true}.bytes(), peer, reply).nominated);
}

TEST_CASE("a lite agent remembers the newest sources only") {
  IceLite agent({.localUser = "ours", .localPassword = kPassword, .remoteUser = "them"});
  std::vector<std::uint8_t> reply(kMaxStunSize);
  const auto at = [](std::uint16_t port) { return *Endpoint::parse("192.0.2.7", port); };
  for (std::uint16_t port = 1; port <= 5; port++) agent.receive(Check{}.bytes(), at(port), reply);
  CHECK_FALSE(agent.isProven(at(1)));
  for (std::uint16_t port = 2; port <= 5; port++) CHECK(agent.isProven(at(port)));
}

TEST_CASE("a lite agent refuses what it does not know and a peer that will not decide") {
  const Endpoint peer = *Endpoint::parse("192.0.2.7", 4000);
  IceLite agent({.localUser = "ours", .localPassword = kPassword, .remoteUser = "them"});
  std::vector<std::uint8_t> reply(kMaxStunSize);
  const auto unknown = agent.receive(Check{.extra = 0x7ffe}.bytes(), peer, reply);
  CHECK_FALSE(unknown.proved);
  CHECK(std::vector(reply.begin() + 20, reply.begin() + 36) ==
        fromHex("00090004 00000414 000a0002 7ffe0000"));
  const auto conflict = agent.receive(Check{.controlled = true}.bytes(), peer, reply);
  CHECK_FALSE(conflict.proved);
  CHECK(std::vector(reply.begin() + 20, reply.begin() + 28) == fromHex("00090004 00000457"));
}

TEST_CASE("survives datagrams of chance") {
  std::mt19937 random(20261122);
  for (int i = 0; i < 50'000; i++) {
    auto bent = kRequest;
    for (unsigned bends = 1 + random() % 4; bends > 0; bends--)
      bent[random() % bent.size()] = static_cast<std::uint8_t>(random());
    bent.resize(random() % 3 == 0 ? random() % (bent.size() + 1) : bent.size());
    if (bent.size() >= 4 && random() % 2 == 0)
      writeU16(bent, 2, static_cast<std::uint32_t>(bent.size() - 20));
    const auto request = parseStunRequest(bent);
    if (request) CHECK(request->user.size() <= bent.size());
  }
}

TEST_SUITE_END();
