#include "rtp/reorder_buffer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace hushpay;

TEST_SUITE_BEGIN("reorder_buffer_test");

namespace {

using Put = ReorderBuffer::Put;

struct Line {
  ReorderBuffer buffer;
  double nowMs = 0;

  Put put(int sequence) {
    const std::vector<std::uint8_t> payload(160, static_cast<std::uint8_t>(sequence));
    return buffer.put(static_cast<std::uint16_t>(sequence), static_cast<std::uint32_t>(sequence) * 160, 0,
                      payload, nowMs);
  }

  /// What comes out: last byte of the sequence number, or "-" for a lost one.
  std::string take() {
    std::string out;
    while (const auto packet = buffer.take(nowMs)) {
      out += packet->lost ? "-" : std::to_string(packet->payload[0]);
      out += ' ';
    }
    return out;
  }
};

}  // namespace

TEST_CASE("an orderly stream is not delayed") {
  Line line;
  line.buffer.restart(10);
  CHECK(line.put(10) == Put::kStored);
  CHECK(line.take() == "10 ");
  CHECK(line.put(11) == Put::kStored);
  CHECK(line.take() == "11 ");
}

TEST_CASE("packets are put in order, across the wrap of the sequence number too") {
  Line line;
  line.buffer.restart(65534);
  line.put(65534);
  line.put(0);
  CHECK(line.take() == "254 ");
  line.nowMs = 40;
  line.put(65535);
  CHECK(line.take() == "255 0 ");
}

TEST_CASE("a gap that is given up for want of room is told as a loss") {
  Line line;
  line.buffer.restart(0);
  for (int sequence = 1; sequence < 17; sequence++) line.put(sequence);
  CHECK(line.take() == "- 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 ");
  line.put(500);
  CHECK(line.take() == "- 244 ");
  line.put(501);
  CHECK(line.take() == "245 ");
}

TEST_CASE("a gap is given up after 60 ms") {
  Line line;
  line.buffer.restart(1);
  line.put(1);
  line.put(4);
  CHECK(line.take() == "1 ");
  line.nowMs = 59;
  CHECK(line.take() == "");
  line.nowMs = 60;
  CHECK(line.take() == "- - 4 ");
  CHECK(line.put(2) == Put::kLate);
  CHECK(line.put(4) == Put::kDuplicate);
  CHECK(line.put(5) == Put::kStored);
}

TEST_CASE("a duplicate of a packet that waits is known") {
  Line line;
  line.buffer.restart(1);
  CHECK(line.put(3) == Put::kStored);
  CHECK(line.put(3) == Put::kDuplicate);
}

TEST_CASE("a jump beyond the buffer gives up what waits and goes on from there") {
  Line line;
  line.buffer.restart(1);
  line.put(1);
  CHECK(line.take() == "1 ");
  line.put(200);
  CHECK(line.take() == "- 200 ");
  line.put(203);
  line.put(230);
  CHECK(line.take() == "- 230 ");
}

TEST_SUITE_END();
