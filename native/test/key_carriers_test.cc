#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "bytes_within.h"
#include "codec/g711.h"
#include "key_caller.h"

using namespace hushpay;

TEST_SUITE_BEGIN("key_carriers_test");

namespace {

using Press = KeyCaller::Press;

void both(KeyCaller& caller, const Press& press, double lagMs) {
  caller.tone(press);
  caller.event({.key = press.key, .atMs = press.atMs + lagMs, .lengthMs = press.lengthMs});
}

}  // namespace

TEST_CASE("a press on both carriers that comes in a burst is one press, and both say when it began") {
  for (int ms = 50; ms <= 900; ms += 50) {
    for (const double beginMs : {900.0, 960.0, 1040.0}) {  // before, with and in the press
      CAPTURE(ms);
      CAPTURE(beginMs);
      KeyCaller caller;
      both(caller, {.key = 4, .atMs = 1000}, 40);
      caller.record(2500);
      caller.holdUp(beginMs, beginMs + ms);
      caller.play();
      CHECK(caller.keys() == "4 ");
      const auto downs = caller.downs();
      REQUIRE(downs.size() == 2);
      CHECK(downs[0].onsetMs == downs[1].onsetMs);
      CHECK(downs[0].onsetMs > KeyCaller::kStartMs + 1000);
      CHECK(downs[0].onsetMs < KeyCaller::kStartMs + 1000 + 40 + 20);
    }
  }
}

TEST_CASE("a stream that begins in a burst") {
  for (const int ms : {100, 300, 600, 900}) {
    CAPTURE(ms);
    KeyCaller caller;
    for (int i = 0; i < 4; i++) both(caller, {.key = 2, .atMs = 100.0 + 160 * i}, 60);
    caller.record(1500);
    caller.holdUp(0, ms);
    caller.play();
    CHECK(caller.keys() == "2 2 2 2 ");
  }
}

TEST_CASE("a card number in bursts") {
  for (const int ms : {50, 150, 400, 900}) {
    CAPTURE(ms);
    KeyCaller caller;
    std::string typed;
    for (int i = 0; i < 16; i++) {
      const auto key = static_cast<std::uint8_t>(i % 3 == 0 ? 4 : 2);
      both(caller, {.key = key, .atMs = 500.0 + 160 * i}, 20.0 * (i % 5));
      typed += std::to_string(key) + " ";
    }
    caller.record(4000);
    for (int at = 400; at < 3500; at += ms + 200) caller.holdUp(at, at + ms);
    caller.play();
    CHECK(caller.keys() == typed);
  }
}

TEST_CASE("gateways that leak tone beside the event") {
  struct Row {
    std::string name;
    double lagMs;         // of the event behind the key
    double headMs;        // tone before the event is sent
    double tailMs;        // tone after its end
    double silentMs = 0;  // between that end and that tone
    bool beside = true;
  };
  const Row rows[] = {
      {"nothing", 40, 0, 0},
      {"20 ms before", 20, 20, 0},
      {"45 ms before", 45, 45, 0},
      {"100 ms before", 100, 100, 0},
      {"100 ms before, no audio beside the event", 100, 100, 0, 0, false},
      {"140 ms before", 140, 140, 0},
      {"20 ms after", 20, 0, 20},
      {"60 ms after", 20, 0, 60},
      {"60 ms after the third end packet", 20, 0, 60, 60},
      {"100 ms after", 20, 0, 100},
      {"100 ms after, no audio beside the event", 20, 0, 100, 60, false},
      {"60 ms before and 80 ms after", 60, 60, 80},
      {"60 ms on both sides, no audio beside the event", 60, 60, 60, 60, false},
  };
  for (const Row& row : rows) {
    for (const double lengthMs : {100.0, 200.0, 600.0}) {
      CAPTURE(row.name);
      CAPTURE(lengthMs);
      KeyCaller caller;
      caller.beside = row.beside;
      std::string typed;
      double atMs = 300;
      for (const std::uint8_t key : std::to_array<std::uint8_t>({7, 7, 1, 7, 7})) {
        const double eventMs = atMs + row.lagMs;
        if (row.headMs > 0) caller.tone({.key = key, .atMs = atMs, .lengthMs = row.headMs});
        caller.event({.key = key, .atMs = eventMs, .lengthMs = lengthMs});
        if (row.tailMs > 0)
          caller.tone({.key = key, .atMs = eventMs + lengthMs + row.silentMs, .lengthMs = row.tailMs});
        atMs = eventMs + lengthMs + row.silentMs + row.tailMs + 100;
        typed += std::to_string(key) + " ";
      }
      caller.record(atMs + 300);
      caller.play();
      CHECK(caller.keys() == typed);
    }
  }
}

TEST_CASE("one key again and again on both carriers") {
  for (const double spacingMs : {93.0, 100.0, 120.0, 160.0, 250.0}) {
    for (const double lagMs : {0.0, 20.0, 40.0, 60.0}) {
      CAPTURE(spacingMs);
      CAPTURE(lagMs);
      KeyCaller caller;
      for (int i = 0; i < 8; i++) {
        const Press press{.key = 3, .atMs = 300 + i * spacingMs, .lengthMs = 50};
        caller.tone(press);
        caller.event({.key = 3, .atMs = press.atMs + lagMs, .lengthMs = 40}, 1);
      }
      caller.record(300 + 8 * spacingMs + 400);
      caller.play();
      CHECK(caller.keys() == "3 3 3 3 3 3 3 3 ");
    }
  }
}

TEST_CASE("a press is one however its event packets fare") {
  struct Row {
    std::string name;
    std::function<void(KeyCaller&)> happens;
  };
  const auto events = [](KeyCaller& caller, const std::function<void(KeyCaller::Packet&, int)>& change) {
    int count = 0;
    caller.each([&](KeyCaller::Packet& packet) {
      if (packet.type == KeyCaller::kEventType) change(packet, count++);
    });
  };
  using Packet = KeyCaller::Packet;
  const Row rows[] = {
      {"all arrive", [](KeyCaller&) {}},
      {"all three ends are lost",
       [&](KeyCaller& c) {
         events(c, [](Packet& p, int) { p.copies = (p.payload[1] & 0x80) != 0 ? 0 : 1; });
       }},
      {"all but the last end are lost",
       [&](KeyCaller& c) { events(c, [](Packet& p, int n) { p.copies = n % 18 == 17 ? 1 : 0; }); }},
      {"the first five are lost",
       [&](KeyCaller& c) { events(c, [](Packet& p, int n) { p.copies = n % 18 < 5 ? 0 : 1; }); }},
      {"no marker", [&](KeyCaller& c) { events(c, [](Packet& p, int) { p.marker = false; }); }},
      {"a marker on each", [&](KeyCaller& c) { events(c, [](Packet& p, int) { p.marker = true; }); }},
      {"each twice", [&](KeyCaller& c) { events(c, [](Packet& p, int) { p.copies = 2; }); }},
      {"each five times", [&](KeyCaller& c) { events(c, [](Packet& p, int) { p.copies = 5; }); }},
      {"in disorder",
       [&](KeyCaller& c) { events(c, [](Packet& p, int n) { p.delayMs = 5 + 45 * (n % 3); }); }},
      {"any volume",
       [&](KeyCaller& c) {
         events(c, [](Packet& p, int n) {
           p.payload[1] = static_cast<std::uint8_t>((p.payload[1] & 0x80) | (n * 7 % 64));
         });
       }},
      {"the reserved bit set",
       [&](KeyCaller& c) { events(c, [](Packet& p, int) { p.payload[1] |= 0x40; }); }},
      {"a hole longer than the time-out",
       [&](KeyCaller& c) {
         events(c, [](Packet& p, int n) { p.copies = n % 18 > 1 && n % 18 < 14 ? 0 : 1; });
       }},
      {"the press held up past the time-out",
       [](KeyCaller& c) {
         c.holdUp(380, 1280);
         c.holdUp(1580, 2480);
       }},
  };
  for (const Row& row : rows) {
    for (const bool withTone : {false, true}) {
      CAPTURE(row.name);
      CAPTURE(withTone);
      KeyCaller caller;
      for (const double atMs : {300.0, 1500.0}) {
        const Press press{.key = 8, .atMs = atMs, .lengthMs = 300};
        if (withTone) caller.tone(press);
        caller.event(press);
      }
      caller.record(2600);
      row.happens(caller);
      caller.play();
      CHECK(caller.keys() == "8 8 ");
    }
  }
}

TEST_CASE("a tone that packet loss breaks in two inside its event is one press") {
  for (const int lostFrames : {3, 5, 8, 12}) {
    CAPTURE(lostFrames);
    KeyCaller caller;
    both(caller, {.key = 6, .atMs = 400, .lengthMs = 600}, 20);
    caller.record(1500);
    caller.each([&](KeyCaller::Packet& packet) {
      const bool isHit = packet.sentMs >= 600 && packet.sentMs < 600 + lostFrames * 20;
      if (packet.type == 0 && isHit) packet.copies = 0;
    });
    caller.play();
    CHECK(caller.keys() == "6 ");
  }
}

TEST_CASE("a tone on both sides of a loss is one press, whatever it takes") {
  for (const double lostMs : {20.0, 40.0, 60.0, 100.0, 200.0, 300.0}) {
    CAPTURE(lostMs);
    KeyCaller caller;
    caller.tone({.key = 6, .atMs = 400, .lengthMs = 800});
    caller.record(1500);
    caller.each([&](KeyCaller::Packet& packet) {
      if (packet.sentMs >= 600 && packet.sentMs < 600 + lostMs) packet.copies = 0;
    });
    caller.play();
    CHECK(caller.keys() == "6 ");
  }
}

TEST_CASE("a press goes on through a re-INVITE that changes payload types") {
  for (const double changeMs : {380.0, 450.0, 520.0}) {
    CAPTURE(changeMs);
    KeyCaller caller;
    both(caller, {.key = 9, .atMs = 400, .lengthMs = 200}, 20);
    both(caller, {.key = 9, .atMs = 800, .lengthMs = 100}, 20);
    caller.record(1500);
    // Our answer is known before the peer uses the new types, and for a while after it has changed.
    const double peerMs = changeMs + 60;
    caller.each([&](KeyCaller::Packet& packet) {
      if (packet.sentMs < peerMs) return;
      if (packet.type == KeyCaller::kEventType) {
        packet.type = 97;
      } else {
        for (std::uint8_t& code : packet.payload) code = encodeALaw(decodeMuLaw(code));
        packet.type = 8;
      }
    });
    bool changed = false;
    caller.play([&](double nowMs) {
      if (changed || nowMs < changeMs) return;
      changed = true;
      StreamSettings settings = caller.settings;
      settings.codec = Codec::kPcma;
      settings.payloadType = 8;
      settings.eventPayloadType = 97;
      caller.session().prepare(settings.codec);
      caller.session().connect(settings, KeyCaller::kStartMs + nowMs);
    });
    CHECK(caller.keys() == "9 9 ");
    CHECK(caller.session().counts().packetsUnknownType == 0);
  }
}

TEST_CASE("a press of events alone goes on when a re-INVITE changes their payload type or clock in it") {
  struct Row {
    std::uint8_t type;
    std::uint32_t clockHz;
  };
  for (const Row& row : {Row{97, 8000}, Row{97, 16'000}, Row{101, 16'000}, Row{97, 48'000}}) {
    for (const bool beside : {false, true}) {
      CAPTURE(static_cast<int>(row.type));
      CAPTURE(row.clockHz);
      CAPTURE(beside);
      KeyCaller caller;
      caller.beside = beside;
      for (const double atMs : {400.0, 1000.0}) caller.event({.key = 9, .atMs = atMs, .lengthMs = 300});
      caller.record(1800);
      const std::uint32_t factor = row.clockHz / 8000;
      caller.each([&](KeyCaller::Packet& packet) {
        if (packet.sentMs < 560 || packet.type != KeyCaller::kEventType) return;
        const std::uint32_t duration = (packet.payload[2] * 256U + packet.payload[3]) * factor;
        packet.type = row.type;
        packet.timestamp *= factor;
        packet.payload[2] = static_cast<std::uint8_t>(duration >> 8);
        packet.payload[3] = static_cast<std::uint8_t>(duration);
      });
      bool changed = false;
      caller.play([&](double nowMs) {
        if (changed || nowMs < 560) return;
        changed = true;
        StreamSettings settings = caller.settings;
        settings.eventPayloadType = row.type;
        settings.eventClockHz = row.clockHz;
        caller.session().connect(settings, KeyCaller::kStartMs + nowMs);
      });
      CHECK(caller.keys() == "9 9 ");
      // What is still under way on the old clock cannot be put in order with the new one.
      const std::uint64_t unknown = caller.session().counts().packetsUnknownType;
      CHECK(unknown <= (row.clockHz == 8000 ? 0 : 1));
    }
  }
}

TEST_CASE("a re-INVITE that takes telephone-event away ends its press, and the tones go on counting") {
  KeyCaller caller;
  both(caller, {.key = 6, .atMs = 400, .lengthMs = 300}, 20);
  both(caller, {.key = 6, .atMs = 1000, .lengthMs = 100}, 20);
  caller.record(1800);
  caller.each([](KeyCaller::Packet& packet) {
    if (packet.type == KeyCaller::kEventType && packet.sentMs >= 560) packet.copies = 0;
  });
  bool changed = false;
  caller.play([&](double nowMs) {
    if (changed || nowMs < 560) return;
    changed = true;
    StreamSettings settings = caller.settings;
    settings.eventPayloadType = 0;
    caller.session().connect(settings, KeyCaller::kStartMs + nowMs);
  });
  CHECK(caller.keys() == "6 6 ");
  std::size_t ups = 0;
  for (const MediaEvent& event : caller.events) ups += event.kind == MediaEvent::Kind::kKeyUp ? 1 : 0;
  CHECK(ups == caller.downs().size());
}

TEST_CASE("a press goes on when the stream changes its source in it") {
  KeyCaller caller;
  both(caller, {.key = 2, .atMs = 400, .lengthMs = 300}, 20);
  caller.record(1500);
  caller.each([&](KeyCaller::Packet& packet) {
    if (packet.sentMs < 560) return;
    packet.ssrc = 99;
    packet.sequence = static_cast<std::uint16_t>(packet.sequence + 9000);
    packet.timestamp += 0x12345678;
  });
  caller.play();
  CHECK(caller.keys() == "2 ");
}

TEST_CASE("events on the clock of a wideband codec") {
  for (const std::uint32_t clockHz : {16'000u, 48'000u}) {
    CAPTURE(clockHz);
    KeyCaller caller;
    caller.clockHz = clockHz;
    caller.settings.eventClockHz = clockHz;
    caller.session().connect(caller.settings, KeyCaller::kStartMs);
    for (int i = 0; i < 5; i++) both(caller, {.key = 3, .atMs = 300.0 + i * 250, .lengthMs = 120}, 40);
    caller.record(2000);
    caller.play();
    CHECK(caller.keys() == "3 3 3 3 3 ");
    for (const MediaEvent& event : caller.events) {
      if (event.kind == MediaEvent::Kind::kKeyUp && event.carrier == KeyCarrier::kEvent)
        CHECK(event.durationMs == 120);
    }
  }
}

TEST_CASE("a session that goes on forgets the keys that were pressed in it") {
  KeyCaller caller;
  for (int i = 0; i < 6; i++)
    both(caller, {.key = static_cast<std::uint8_t>(i), .atMs = 300.0 + 200 * i}, 40);
  caller.record(1800);
  caller.play();
  CHECK(caller.keys() == "0 1 2 3 4 5 ");
  const Session& session = caller.session();
  const auto isHeld = [&](const MediaEvent& event) { return isWithin(session, event.onsetMs); };
  const std::vector<MediaEvent> downs = caller.downs();
  REQUIRE(std::ranges::any_of(downs, isHeld));
  for (double nowMs = 2000; nowMs < 7500; nowMs += Session::kTickMs)
    caller.session().tick(KeyCaller::kStartMs + nowMs);
  CHECK_FALSE(std::ranges::any_of(downs, isHeld));
}

TEST_SUITE_END();
