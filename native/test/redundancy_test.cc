#include "rtp/redundancy.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "key_caller.h"

using namespace hushpay;

TEST_SUITE_BEGIN("redundancy_test");

namespace {

using Bytes = std::vector<std::uint8_t>;
using Packet = KeyCaller::Packet;

constexpr std::uint8_t kRedType = 121;

struct Copy {
  std::uint8_t type;
  std::uint32_t offsetTs;
  Bytes payload;
};

Bytes redundant(const std::vector<Copy>& copies, std::uint8_t type, const Bytes& primary) {
  Bytes bytes;
  for (const Copy& copy : copies) {
    const std::size_t at = bytes.size();
    bytes.resize(at + 4);
    writeU32(
        bytes, at,
        (0x80u | copy.type) << 24 | copy.offsetTs << 10 | static_cast<std::uint32_t>(copy.payload.size()));
  }
  bytes.push_back(type);
  for (const Copy& copy : copies) bytes.insert(bytes.end(), copy.payload.begin(), copy.payload.end());
  bytes.insert(bytes.end(), primary.begin(), primary.end());
  return bytes;
}

/// Each packet of a type carries the ones of that type before it, up to `depth`.
void makeRedundant(KeyCaller& caller, std::uint8_t type, std::size_t depth) {
  std::vector<Packet> before;
  caller.settings.redundantPayloadType = kRedType;
  caller.session().connect(caller.settings, KeyCaller::kStartMs);
  for (Packet& packet : caller.packets) {
    if (packet.type != type) continue;
    std::vector<Copy> copies;
    for (std::size_t i = before.size() - std::min(before.size(), depth); i < before.size(); i++) {
      const std::uint32_t offsetTs = packet.timestamp - before[i].timestamp;
      if (offsetTs < 0x4000) copies.push_back({before[i].type, offsetTs, before[i].payload});
    }
    before.push_back(packet);
    packet.payload = redundant(copies, packet.type, packet.payload);
    packet.type = kRedType;
  }
}

}  // namespace

TEST_CASE("reads copies and primary of a packet") {
  const Bytes payload =
      redundant({{101, 1600, {1, 2, 3, 4}}, {0, 160, {5, 6}}, {8, 0x3fff, {}}}, 0, {7, 8, 9});
  const auto packet = parseRedundant(payload, 100);
  REQUIRE(packet);
  REQUIRE(packet->copies().size() == 3);
  CHECK(packet->copies()[0].payloadType == 101);
  CHECK(packet->copies()[0].timestamp == static_cast<std::uint32_t>(100 - 1600));
  CHECK(Bytes(packet->copies()[0].payload.begin(), packet->copies()[0].payload.end()) == Bytes{1, 2, 3, 4});
  CHECK(packet->copies()[1].payload.size() == 2);
  CHECK(packet->copies()[2].timestamp == static_cast<std::uint32_t>(100 - 0x3fff));
  CHECK(packet->copies()[2].payload.empty());
  CHECK(packet->primary().payloadType == 0);
  CHECK(packet->primary().timestamp == 100);
  CHECK(Bytes(packet->primary().payload.begin(), packet->primary().payload.end()) == Bytes{7, 8, 9});
}

TEST_CASE("takes a packet without copies, and refuses what does not fit") {
  REQUIRE(parseRedundant(Bytes{0, 1, 2}, 0));
  CHECK(parseRedundant(Bytes{0, 1, 2}, 0)->copies().empty());
  CHECK_FALSE(parseRedundant({}, 0));
  CHECK_FALSE(parseRedundant(Bytes{0x80}, 0));
  CHECK_FALSE(parseRedundant(Bytes{0x80, 0, 0, 1}, 0));     // no primary
  CHECK_FALSE(parseRedundant(Bytes{0x80, 0, 0, 1, 0}, 0));  // shorter than its copy
  const std::vector<Copy> eight(8, {0, 160, {1}});
  CHECK_FALSE(parseRedundant(redundant(eight, 0, {1}), 0));
  const Bytes whole = redundant({{101, 1600, {1, 2, 3, 4}}, {0, 160, {5, 6}}}, 0, {7});
  for (std::size_t size = 0; size < whole.size() - 1; size++) {
    CAPTURE(size);
    CHECK_FALSE(parseRedundant(ByteView(whole).first(size), 0));
  }
}

TEST_CASE("a press whose packets are all lost is known from the copies in the next one") {
  KeyCaller caller;
  for (const double atMs : {300.0, 600.0, 900.0})
    caller.event({.key = static_cast<std::uint8_t>(atMs / 300), .atMs = atMs, .lengthMs = 100});
  caller.record(1500);
  makeRedundant(caller, KeyCaller::kEventType, 5);
  caller.each([](Packet& packet) {
    if (packet.type == kRedType && packet.sentMs >= 600 && packet.sentMs < 900) packet.copies = 0;
  });
  caller.play();
  CHECK(caller.keys() == "1 2 3 ");
}

TEST_CASE("copies of presses that are known are no presses") {
  for (const std::size_t depth : {1u, 5u, 7u}) {
    for (const double pauseMs : {80.0, 700.0, 1700.0}) {
      CAPTURE(depth);
      CAPTURE(pauseMs);
      KeyCaller caller;
      for (int i = 0; i < 4; i++) caller.event({.key = 5, .atMs = 300 + i * (100 + pauseMs)});
      caller.record(300 + 4 * (100 + pauseMs));
      makeRedundant(caller, KeyCaller::kEventType, depth);
      caller.play();
      CHECK(caller.keys() == "5 5 5 5 ");
    }
  }
}

TEST_CASE("audio that is lost is heard from the copies, and nothing is heard twice") {
  for (const int everyNth : {0, 2, 3}) {
    CAPTURE(everyNth);
    KeyCaller caller;
    std::string typed;
    for (int i = 0; i < 10; i++) {
      caller.tone({.key = static_cast<std::uint8_t>(i % 2), .atMs = 300.0 + i * 110, .lengthMs = 50});
      typed += i % 2 == 0 ? "0 " : "1 ";
    }
    caller.record(1800);
    makeRedundant(caller, 0, 1);
    int count = 0;
    caller.each([&](Packet& packet) { packet.copies = everyNth != 0 && ++count % everyNth == 0 ? 0 : 1; });
    caller.play();
    CHECK(caller.keys() == typed);
    CHECK(caller.session().counts().packetsDuplicate == 0);
    CHECK(caller.session().counts().packetsLate == 0);
    CHECK(caller.session().counts().packetsMalformed == 0);
  }
}

TEST_CASE("copies of before the stream are not looked at") {
  KeyCaller caller;
  caller.event({.key = 5, .atMs = 100});
  caller.event({.key = 6, .atMs = 400});
  caller.record(900);
  makeRedundant(caller, KeyCaller::kEventType, 7);
  caller.each([](Packet& packet) {
    if (packet.sentMs >= 300) packet.ssrc = 99;  // a new source that still copies what the old one said
  });
  caller.play();
  CHECK(caller.keys() == "5 6 ");
}

TEST_CASE("comfort noise is silence, not loss") {
  for (const std::uint8_t type : std::to_array<std::uint8_t>({13, 96})) {
    for (const bool beyond : {false, true}) {  // one packet for the whole pause, or one each frame
      CAPTURE(type);
      CAPTURE(beyond);
      KeyCaller caller;
      caller.settings.noisePayloadType = type;
      caller.session().connect(caller.settings, KeyCaller::kStartMs);
      for (int i = 0; i < 6; i++) caller.tone({.key = 4, .atMs = 300.0 + i * 160, .lengthMs = 80});
      caller.record(1500);
      double quietSinceMs = -1;
      std::vector<Packet> sent;
      for (Packet packet : caller.packets) {
        const bool isQuiet = std::ranges::all_of(packet.payload, [](auto code) { return code == 0xff; });
        if (!isQuiet) quietSinceMs = -1;
        if (isQuiet && quietSinceMs >= 0 && beyond) continue;
        if (isQuiet) {
          quietSinceMs = packet.sentMs;
          packet.type = type;
          packet.payload = {60};
        }
        packet.sequence = static_cast<std::uint16_t>(caller.packets[0].sequence + sent.size());
        sent.push_back(packet);
      }
      caller.packets = sent;
      caller.play();
      CHECK(caller.keys() == "4 4 4 4 4 4 ");
      CHECK(caller.session().counts().packetsUnknownType == 0);
      CHECK(caller.session().counts().packetsLost == 0);
    }
  }
}

TEST_SUITE_END();
