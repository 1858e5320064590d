#include "rtp/packet.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "rtp/wrap.h"

using namespace hushpay;

TEST_SUITE_BEGIN("packet_test");

TEST_CASE("counters are compared across their wrap") {
  const std::uint16_t last16 = 65535;
  const std::uint32_t last32 = 4294967295u;
  CHECK(ahead<std::uint16_t>(last16, 0) == 1);
  CHECK(ahead<std::uint16_t>(0, last16) == -1);
  CHECK(ahead<std::uint16_t>(65530, 5) == 11);
  CHECK(ahead<std::uint16_t>(1, 0x8000) == 0x7fff);
  CHECK(ahead<std::uint32_t>(last32, 0) == 1);
  CHECK(ahead<std::uint32_t>(0, last32) == -1);
  CHECK(ahead<std::uint32_t>(last32 - 79, 80) == 160);
}

TEST_CASE("a header that is written is read back") {
  const RtpPacket packet{.payloadType = 101,
                         .marker = true,
                         .sequence = 65535,
                         .timestamp = 0xfffffffe,
                         .ssrc = 0x80000001,
                         .payload = {}};
  std::array<std::uint8_t, kRtpHeaderSize + 2> datagram{};
  writeRtpHeader(datagram, packet);
  datagram[kRtpHeaderSize] = 7;
  const auto read = parseRtp(datagram);
  REQUIRE(read);
  CHECK(read->payloadType == 101);
  CHECK(read->marker);
  CHECK(read->sequence == 65535);
  CHECK(read->timestamp == 0xfffffffe);
  CHECK(read->ssrc == 0x80000001);
  REQUIRE(read->payload.size() == 2);
  CHECK(read->payload[0] == 7);
}

TEST_CASE("CSRCs, extension and padding are taken off the payload") {
  std::vector<std::uint8_t> datagram = {0x80 | 0x20 | 0x10 | 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
  datagram.insert(datagram.end(), 8, 0xcc);                         // two CSRCs
  datagram.insert(datagram.end(), {0xbe, 0xde, 0, 1, 1, 2, 3, 4});  // extension of one word
  datagram.insert(datagram.end(), {42, 43, 0, 0, 3});               // two bytes of payload, three of padding
  const auto packet = parseRtp(datagram);
  REQUIRE(packet);
  REQUIRE(packet->payload.size() == 2);
  CHECK(packet->payload[0] == 42);
  CHECK(packet->payload[1] == 43);
}

TEST_CASE("a datagram that contradicts itself is no packet") {
  const std::vector<std::uint8_t> good = {0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9};
  CHECK(parseRtp(good));
  for (std::size_t size = 0; size < kRtpHeaderSize; size++) CHECK_FALSE(parseRtp(ByteView(good).first(size)));
  struct Row {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  };
  for (const Row& row :
       {Row{"version 1", 0, 0x40}, Row{"version 3", 0, 0xc0}, Row{"CSRCs beyond the end", 0, 0x81},
        Row{"extension beyond the end", 0, 0x90}, Row{"padding longer than the payload", 0, 0xa0}}) {
    CAPTURE(row.what);
    auto bad = good;
    bad[row.at] = row.value;
    CHECK_FALSE(parseRtp(bad));
  }
  auto unpadded = good;
  unpadded[0] = 0xa0;
  unpadded.back() = 0;
  CHECK_FALSE(parseRtp(unpadded));  // a padding of 0 bytes cannot count itself
}

TEST_SUITE_END();
