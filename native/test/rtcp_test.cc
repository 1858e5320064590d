#include "rtp/rtcp.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "rtp/receive_stats.h"

using namespace hushpay;

TEST_SUITE_BEGIN("rtcp_test");

namespace {

std::vector<std::uint8_t> makeReport(bool sender, bool bye) {
  std::array<std::uint8_t, kMaxRtcpSize> buffer{};
  OutgoingRtcp out{
      .ssrc = 0xfffffff1, .sender = {}, .report = {}, .cname = "0123456789abcdef01234567", .bye = bye};
  if (sender) out.sender = SenderInfo{.ntp = 0x0123456789abcdef, .timestamp = 7, .packets = 8, .octets = 9};
  out.report = ReportBlock{.ssrc = 42,
                           .fractionLost = 128,
                           .cumulativeLost = -3,
                           .highestSequence = 0x10001,
                           .jitterTs = 11,
                           .lastReport = 0xaaaa5555,
                           .sinceLastReport = 65536};
  const std::size_t size = writeRtcp(buffer, out);
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace

TEST_CASE("a report that is written is read back") {
  const auto incoming = parseRtcp(makeReport(true, true), 42);
  REQUIRE(incoming);
  REQUIRE(incoming->senderNtp);
  CHECK(*incoming->senderNtp == 0x0123456789abcdef);
  REQUIRE(incoming->aboutUs);
  CHECK(incoming->aboutUs->fractionLost == 128);
  CHECK(incoming->aboutUs->cumulativeLost == -3);
  CHECK(incoming->aboutUs->highestSequence == 0x10001);
  CHECK(incoming->aboutUs->lastReport == 0xaaaa5555);
  CHECK(incoming->bye);
  const auto receiverOnly = parseRtcp(makeReport(false, false), 43);
  REQUIRE(receiverOnly);
  CHECK_FALSE(receiverOnly->senderNtp);
  CHECK_FALSE(receiverOnly->aboutUs);
  CHECK_FALSE(receiverOnly->bye);
}

TEST_CASE("a compound cut anywhere but between its packets is refused") {
  const auto whole = makeReport(true, true);
  int read = 0;
  for (std::size_t size = 0; size < whole.size(); size++)
    read += parseRtcp(ByteView(whole).first(size), 42) ? 1 : 0;
  CHECK(read == 2);  // behind the report, and behind the description
}

TEST_CASE("a compound that begins with no report, or claims more than it has, is refused") {
  CHECK_FALSE(parseRtcp(std::vector<std::uint8_t>{0x81, 203, 0, 1, 0, 0, 0, 1}, 1));
  CHECK_FALSE(parseRtcp(std::vector<std::uint8_t>{0x81, 201, 0, 1, 0, 0, 0, 1}, 1));
  CHECK_FALSE(parseRtcp(std::vector<std::uint8_t>{0x80, 201, 0, 0}, 1));
  CHECK_FALSE(parseRtcp(std::vector<std::uint8_t>{0x40, 201, 0, 1, 0, 0, 0, 1}, 1));
  CHECK(parseRtcp(std::vector<std::uint8_t>{0x80, 201, 0, 1, 0, 0, 0, 1}, 1));
}

TEST_CASE("the round trip of RFC 3550 figure 2 is 6.125 s") {
  const ReportBlock block{.lastReport = 0xb7052000, .sinceLastReport = 0x00054000};  // 46853.125 s, 5.250 s
  const auto ms = roundTripMs(block, std::uint64_t{0xb7108000} << 16);               // 46864.500 s
  REQUIRE(ms);
  CHECK(*ms == doctest::Approx(6125));
  CHECK_FALSE(roundTripMs(ReportBlock{}, std::uint64_t{0xb7108000} << 16));
}

TEST_CASE("loss and highest sequence are counted across the wrap") {
  ReceiveStats stats;
  stats.restart(65533);
  std::uint32_t timestamp = 0xffffff00;
  for (const int sequence : {65533, 65534, 0, 1, 3}) {
    stats.count(static_cast<std::uint16_t>(sequence), timestamp, timestamp);
    timestamp += 160;
  }
  CHECK(stats.lost() == 2);
  ReportBlock block;
  stats.report(block);
  CHECK(block.highestSequence == 65536 + 3);
  CHECK(block.cumulativeLost == 2);
  CHECK(block.fractionLost == 256 * 2 / 7);
  stats.count(4, timestamp, timestamp);
  stats.report(block);
  CHECK(block.fractionLost == 0);
  CHECK(stats.jitterTs() == doctest::Approx(0));
}

TEST_CASE("jitter follows RFC 3550 appendix A.8") {
  ReceiveStats stats;
  stats.restart(1);
  stats.count(1, 0, 1000);
  stats.count(2, 160, 1160 + 32);
  CHECK(stats.jitterTs() == doctest::Approx(2));
  stats.count(3, 320, 1320);
  CHECK(stats.jitterTs() == doctest::Approx(2 + (32 - 2) / 16.0));
}

TEST_SUITE_END();
