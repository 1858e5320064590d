#include "rtp/event_receiver.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "bytes_within.h"
#include "rtp/event_sender.h"

using namespace hushpay;

TEST_SUITE_BEGIN("event_receiver_test");

namespace {

/// Writes down edges as "v5" (5 goes down) and "^5:100" (comes up after 100 ms).
struct Listener {
  EventReceiver receiver;
  std::string heard;
  double nowMs = 1000;

  void note(KeyEdges& edges) {
    for (const KeyEdge& edge : edges) {
      heard.append(edge.down ? "v" : "^").append(std::to_string(edge.key));
      if (!edge.down) heard.append(":").append(std::to_string(edge.durationMs));
      heard += ' ';
    }
  }

  bool packet(std::uint32_t timestamp, const std::vector<std::uint8_t>& payload, bool marker = false) {
    KeyEdges edges;
    const bool known = receiver.receive({.timestamp = timestamp, .marker = marker, .payload = payload},
                                        nullptr, nowMs, edges);
    note(edges);
    return known;
  }

  void report(std::uint32_t timestamp, int key, int durationTs, bool end = false, bool marker = false) {
    packet(timestamp, bytes(key, durationTs, end), marker);
    nowMs += 20;
  }

  void wait(double ms) {
    nowMs += ms;
    KeyEdges edges;
    receiver.tick(nowMs, nowMs, edges);
    note(edges);
  }

  static std::vector<std::uint8_t> bytes(int key, int durationTs, bool end) {
    return {static_cast<std::uint8_t>(key), static_cast<std::uint8_t>(end ? 0x8a : 0x0a),
            static_cast<std::uint8_t>(durationTs >> 8), static_cast<std::uint8_t>(durationTs)};
  }
};

}  // namespace

TEST_CASE("updates and three ends of one press are one press") {
  Listener line;
  line.report(8000, 5, 160, false, true);
  line.report(8000, 5, 320);
  for (int i = 0; i < 3; i++) line.report(8000, 5, 480, true);
  CHECK(line.heard == "v5 ^5:60 ");
}

TEST_CASE("an end packet alone is a press") {
  Listener line;
  line.report(8000, 5, 800, true);
  line.report(8000, 5, 800, true);
  CHECK(line.heard == "v5 ^5:100 ");
}

TEST_CASE("counts two digits when one key is pressed twice and every end report is lost") {
  Listener line;
  line.report(8000, 5, 160);
  line.report(8000, 5, 320);
  line.report(9600, 5, 160);
  line.report(9600, 5, 320);
  line.wait(300);
  CHECK(line.heard == "v5 ^5:40 v5 ^5:40 ");
}

TEST_CASE("a press without an end is over after a while, and its late packets start no other") {
  Listener line;
  line.report(8000, 5, 160);
  line.wait(150);
  CHECK(line.heard == "v5 ");
  line.wait(100);
  CHECK(line.heard == "v5 ^5:20 ");
  line.report(8000, 5, 1600);
  line.report(8000, 5, 1600, true);
  CHECK(line.heard == "v5 ^5:20 ");
}

TEST_CASE("a press is not over because the whole stream is held up") {
  Listener line;
  line.report(8000, 5, 160);
  KeyEdges edges;
  line.receiver.tick(line.nowMs + 900, line.nowMs - 20, edges);
  CHECK(edges.size() == 0);
  line.receiver.tick(line.nowMs + 1100, line.nowMs - 20, edges);
  CHECK(edges.size() == 1);
}

TEST_CASE("reordered packets neither end a press early nor begin another") {
  Listener line;
  line.report(8000, 5, 480, true);
  line.report(8000, 5, 160, false, true);
  line.report(8000, 5, 320);
  CHECK(line.heard == "v5 ^5:60 ");
  line.report(9600, 6, 160);
  line.report(8000, 5, 480, true);
  line.report(8800, 4, 160, true);  // wholly late: its place has gone by
  line.report(9600, 6, 320, true);
  CHECK(line.heard == "v5 ^5:60 v6 ^6:40 ");
}

TEST_CASE("a key held longer than one report can say is one press") {
  Listener line;
  const std::uint32_t start = 0xffff8000;  // the timestamp wraps within it
  line.report(start, 9, 0xfe00, false, true);
  line.report(start, 9, 0xffff);
  line.report(start + 0xffff, 9, 160);
  line.report(start + 0xffff, 9, 0xffff);
  line.report(start + 0x1fffe, 9, 800, true);
  CHECK(line.heard == "v9 ^9:16483 ");
  line.report(start + 0xffff, 9, 0xffff);  // a late packet of the middle segment
  CHECK(line.heard == "v9 ^9:16483 ");
}

TEST_CASE("a timestamp as far away as there is one begins a press of its own") {
  for (const std::uint32_t off : {0x7fff'ffffu, 0x8000'0000u, 0x8000'0001u}) {
    CAPTURE(off);
    Listener line;
    line.report(8000, 5, 160);
    line.report(8000 + 0xffff + off, 5, 160);
    CHECK(line.heard == "v5 ^5:20 v5 ");
  }
}

TEST_CASE("a contiguous event with a marker is a press of its own") {
  Listener line;
  line.report(8000, 9, 0xffff);
  line.report(8000 + 0xffff, 9, 160, true, true);
  CHECK(line.heard == "v9 ^9:8191 v9 ^9:20 ");
}

TEST_CASE("several events of a packet follow each other") {
  Listener line;
  std::vector<std::uint8_t> payload;
  for (const int key : {1, 2, 3}) {
    const auto part = Listener::bytes(key, 400, key < 3);
    payload.insert(payload.end(), part.begin(), part.end());
  }
  CHECK(line.packet(8000, payload));
  CHECK(line.packet(8000, payload));
  CHECK(line.heard == "v1 ^1:50 v2 ^2:50 v3 ");
  line.report(8800, 3, 800, true);
  CHECK(line.heard == "v1 ^1:50 v2 ^2:50 v3 ^3:100 ");
}

TEST_CASE("a peer that forgets to move its timestamp still presses two keys") {
  Listener line;
  line.report(8000, 1, 800, true);
  line.report(8000, 2, 800, true);
  CHECK(line.heard == "v1 ^1:100 v2 ^2:100 ");
}

TEST_CASE("a recorded press that is played again later is another press") {
  Listener line;
  for (int round = 0; round < 2; round++) {
    line.report(8000, 4, 400, false, true);
    for (int i = 0; i < 3; i++) line.report(8000, 4, 800, true);
    line.wait(600);
  }
  CHECK(line.heard == "v4 ^4:100 v4 ^4:100 ");
}

TEST_CASE("signals that are no keys, and payloads that are no reports, are passed over") {
  Listener line;
  line.report(8000, 16, 160, true);  // flash
  line.report(8000, 255, 160, true);
  CHECK_FALSE(line.packet(8000, {}));
  CHECK_FALSE(line.packet(8000, {1, 2, 3}));
  CHECK_FALSE(line.packet(8000, {1, 2, 3, 4, 5}));
  CHECK(line.heard.empty());
}

TEST_CASE("a press goes on in a new stream, unless that marks it as a new one") {
  for (const bool marker : {false, true}) {
    CAPTURE(marker);
    Listener line;
    line.report(8000, 5, 160, false, true);
    line.receiver.restart(line.nowMs);
    line.report(400, 5, 320, false, marker);
    line.report(400, 5, 480, true);
    CHECK(line.heard == (marker ? "v5 ^5:20 v5 ^5:60 " : "v5 ^5:60 "));
  }
}

TEST_CASE("a press that a new stream says no more of ends by time") {
  Listener line;
  line.report(8000, 5, 160, false, true);
  line.receiver.restart(line.nowMs);
  line.report(400, 6, 160, true);
  CHECK(line.heard == "v5 ^5:20 v6 ^6:20 ");
  line.report(9000, 7, 160);
  line.receiver.restart(line.nowMs);
  line.wait(300);
  CHECK(line.heard == "v5 ^5:20 v6 ^6:20 v7 ^7:20 ");
}

TEST_CASE("nothing of a press is left once no packet of it is expected any more") {
  constexpr std::uint32_t kFirstTs = 0xa1b2'c3d4;  // found nowhere by chance
  constexpr std::uint32_t kApartTs = 1600;
  constexpr std::uint32_t kPresses = 19;
  Listener line;
  CHECK(std::isinf(line.receiver.forgetsAtMs()));
  for (std::uint32_t i = 0; i < kPresses; i++) {
    line.report(kFirstTs + i * kApartTs, static_cast<int>(i % 10), 480, true);
    line.wait(180);
  }
  CHECK(isWithin(line.receiver, kFirstTs + 4 * kApartTs));  // sixteen are remembered
  line.report(kFirstTs + (kPresses - 1) * kApartTs, 8, 480, true);
  const std::string heard = line.heard;
  line.wait(3000);
  CHECK_FALSE(isWithin(line.receiver, kFirstTs + 4 * kApartTs));
  CHECK(isWithin(line.receiver, kFirstTs + 17 * kApartTs));
  line.wait(2000);
  for (std::uint32_t i = 0; i < kPresses - 1; i++)
    CHECK_FALSE(isWithin(line.receiver, kFirstTs + i * kApartTs));
  CHECK(std::isinf(line.receiver.forgetsAtMs()));
  CHECK(line.heard == heard);
}

TEST_CASE("what we send is what we would understand") {
  EventSender sender;
  Listener line;
  CHECK(sender.press(7, 100));
  CHECK(sender.press(7, 60));
  CHECK(sender.press(11, 40));
  std::uint32_t timestamp = 0xffffff00;
  int packets = 0;
  int markers = 0;
  for (int frame = 0; frame < 40; frame++) {
    if (const auto event = sender.frame(timestamp, 20, 8000)) {
      packets++;
      markers += event->marker ? 1 : 0;
      line.packet(event->timestamp, {event->payload.begin(), event->payload.end()}, event->marker);
    }
    timestamp += 160;
    line.wait(20);
  }
  CHECK(line.heard == "v7 ^7:100 v7 ^7:60 v11 ^11:40 ");
  CHECK(packets == 5 + 3 + 3 + 3 + 2 + 3);
  CHECK(markers == 3);
}

TEST_SUITE_END();
