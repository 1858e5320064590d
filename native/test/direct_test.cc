#include <doctest/doctest.h>

#include "direct_call.h"
#include "no_allocation.h"
#include "tone_maker.h"

using namespace hushpay;
using namespace hushpay::direct;

TEST_SUITE_BEGIN("direct_test");

TEST_CASE("who is heard alone is heard at once, packet for packet, to the bit") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  std::vector<Payload> said;
  const std::size_t from = call[1].packets.size();
  for (int i = 0; i < 50; i++) {
    Payload payload = call[0].encoded(call.hum());
    for (std::size_t at = 0; at < 160; at += 7) payload[at] = 0x7f;  // the zero that no encoder of ours makes
    said.push_back(payload);
    call.frame([&] {
      call[0].say(payload);
      REQUIRE(call[1].packets.size() == from + said.size());
      CHECK(call[1].packets.back().payload == payload);
      CHECK(call[1].packets.back().atMs == call.nowMs);
    });
  }
  CHECK(call[1].packets.size() == from + 50);
  checkInSequence(call[1].packets, from);
  CHECK(call[0].voice.figures().delayMs == 0);
}

TEST_CASE("a listener with another codec hears it as soon") {
  Call call({Codec::kPcmu, Codec::kPcma});
  call.hear(1, 0, kOpen);
  call.settle();
  const std::size_t from = call[1].packets.size();
  for (int i = 0; i < 50; i++) {
    const std::size_t before = call[1].packets.size();
    call.frame([&] {
      call[0].say(call[0].encoded(call.hum()));
      CHECK(call[1].packets.size() == before + 1);
    });
  }
  checkInSequence(call[1].packets, from);
  CHECK(largestStep(call[1].heard(from + 1)) < 1.25 * 4000 * 2 * std::numbers::pi * 300 / 8000);
}

TEST_CASE("a lost packet is a hole in the listener's stream, and what a speaker leaves out is a pause") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  const auto say = [&] { call[0].say(call[0].encoded(call.hum())); };
  call.frame(say);
  const Packet before = call[1].packets.back();
  call.frame([&] { call[0].lose(); });
  for (int i = 0; i < 4; i++) call.frame(say);
  const auto behind = std::ranges::find_if(
      call[1].packets, [&](const Packet& packet) { return packet.timestamp > before.timestamp; });
  REQUIRE(behind != call[1].packets.end());
  CHECK(behind->timestamp == before.timestamp + 320);
  CHECK(behind->sequence == static_cast<std::uint16_t>(before.sequence + 2));
  const Packet last = call[1].packets.back();
  call.frame([&] { call[0].timestamp += 320; });
  call.frame([] {});
  call.frame(say);
  CHECK(call[1].packets.back().timestamp == last.timestamp + 480);
  CHECK(call[1].packets.back().sequence == static_cast<std::uint16_t>(last.sequence + 1));
}

TEST_CASE("packets in another order are put right without waiting longer than 20 ms") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  const std::size_t from = call[1].packets.size();
  for (int i = 0; i < 10; i++) {
    const Payload first = call[0].encoded(call.hum());
    const Payload second = call[0].encoded(call.hum());
    call.frame([&] {
      call[0].lose();
      call[0].say(second);
      call[0].sequence = static_cast<std::uint16_t>(call[0].sequence - 2);
      call[0].timestamp -= 320;
      call[0].say(first);
      call[0].lose();
    });
    call.frame([] {});
    REQUIRE(call[1].packets.size() == from + static_cast<std::size_t>(2 * i + 2));
    CHECK(call[1].packets[from + static_cast<std::size_t>(2 * i)].payload == first);
    CHECK(call[1].packets.back().payload == second);
  }
  call.frame([&] { call[0].lose(); });
  call.nowMs += 7;
  call[0].say(call[0].encoded(call.hum()));
  const std::size_t held = call[1].packets.size();
  for (int i = 0; i < 3; i++) {
    call.nowMs += 10;
    call[0].session.tick(call.nowMs);
  }
  CHECK(call[1].packets.size() == held + 1);
}

TEST_CASE("prompts come and go without a click, a hole or a step back") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  const std::size_t from = call[1].packets.size();
  Pcm clip(2400);
  for (std::size_t n = 0; n < clip.size(); n++) {
    const double fade = std::min(1.0, static_cast<double>(std::min(n, clip.size() - n)) / 80);
    clip[n] = static_cast<std::int16_t>(fade * 3000 *
                                        std::sin(2 * std::numbers::pi * 500 * static_cast<double>(n) / 8000));
  }
  for (std::uint32_t play = 1; play <= 12; play++) {
    call[1].session.play({.play = play,
                          .samples = clip.data(),
                          .sampleCount = static_cast<std::uint32_t>(clip.size()),
                          .last = true});
    for (int i = 0; i < 25; i++) call.frame([&] { call[0].say(call[0].encoded(call.hum())); });
    // Now and then a pause for breath, in which the voice leaves the mix; else it does after a second.
    for (int i = 0; i < (play % 2 == 0 ? 5 : 0); i++)
      call.frame([&] { call[0].say(call[0].encoded(call.faint())); });
    call.spoken = 0;
    for (int i = 0; i < 55; i++) call.frame([&] { call[0].say(call[0].encoded(call.hum())); });
  }
  const auto& packets = call[1].packets;
  checkInSequence(packets, from);
  const double steepest = 2 * std::numbers::pi * (4000 * 300 + 3000 * 500) / 8000;
  CHECK(largestStep(call[1].heard(from)) < 1.25 * steepest);
  // The stream's clock keeps to the wall's: no packet is more than a frame or so from its time.
  const auto skewMs = [&](const Packet& packet) {
    return packet.atMs - packets[from].atMs -
           static_cast<double>(packet.timestamp - packets[from].timestamp) / 8;
  };
  for (std::size_t i = from; i < packets.size(); i++) CHECK(std::abs(skewMs(packets[i])) < 45);
}

TEST_CASE("a voice that never pauses leaves the mix within a second, with its samples shortened, not cut") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  const std::size_t from = call[1].packets.size();
  Voice& voice = call[0].voice;
  for (int i = 0; i < 45 && !voice.way().isDirect(); i++)
    call.frame([&] { call[0].say(call[0].encoded(call.hum())); });
  REQUIRE(voice.way().isDirect());
  for (int i = 0; i < 10; i++) call.frame([&] { call[0].say(call[0].encoded(call.hum())); });
  CHECK(voice.playout().discarded < 20);
  CHECK(voice.playout().concealed == 0);
  CHECK(voice.playout().removed > 0);
  CHECK(largestStep(call[1].heard(from + 3)) < 1.25 * 4000 * 2 * std::numbers::pi * 300 / 8000);
}

TEST_CASE("a second speaker is mixed, whoever goes silent is still followed by packets") {
  Call call({Codec::kPcmu, Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  CHECK(call[0].voice.way().isDirect());
  call.hear(1, 2, kOpen);
  CHECK_FALSE(call[0].voice.way().isDirect());
  for (int i = 0; i < 100; i++) call.frame([&] { call[0].say(call[0].encoded(call.hum())); });
  CHECK_FALSE(call[0].voice.way().isDirect());
  call.hear(1, 2, {});
  call.settle();
  CHECK(call[0].voice.way().isDirect());
  call.hear(1, 0, {.access = Access::kOpen, .gain = 0.5F});
  CHECK_FALSE(call[0].voice.way().isDirect());
  call.hear(1, 0, kOpen);
  call.settle();
  CHECK(call[0].voice.way().isDirect());
  const Packet last = call[1].packets.back();
  for (int i = 0; i < 50; i++) call.frame([] {});
  CHECK_FALSE(call[0].voice.way().isDirect());
  const Packet now = call[1].packets.back();
  CHECK(now.atMs - last.atMs >= 960);
  CHECK(static_cast<double>(now.timestamp - last.timestamp) / 8 ==
        doctest::Approx(now.atMs - last.atMs).epsilon(0.03));
}

TEST_CASE("a key pressed towards the listener is sent, and the voice goes on") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kOpen);
  call.settle();
  call[1].session.sendKey(5, 100);
  std::size_t events = 0;
  const std::size_t from = call[1].packets.size();
  for (int i = 0; i < 20; i++) call.frame([&] { call[0].say(call[0].encoded(call.faint())); });
  for (std::size_t i = from; i < call[1].packets.size(); i++)
    events += call[1].packets[i].payload.size() == 4 ? 1 : 0;
  CHECK(events >= 8);
  call.settle();
  CHECK(call[0].voice.way().isDirect());
}

TEST_CASE("a key never passes the clamp, armed in the middle of a packet's way or long before") {
  std::mt19937 random(11);
  for (int round = 0; round < 24; round++) {
    CAPTURE(round);
    ToneMaker maker;
    maker.silence(200);
    for (int key = 0; key < 4; key++)
      maker
          .tone({.key = static_cast<std::uint8_t>(random() % 16),
                 .durationMs = static_cast<double>(50 + random() % 80)})
          .silence(static_cast<double>(60 + random() % 100));
    maker.silence(400);
    Call call({Codec::kPcmu, round % 2 == 0 ? Codec::kPcmu : Codec::kPcma});
    call.hear(1, 0, kOpen);
    call.settle();
    REQUIRE(call[0].voice.way().isDirect());
    call.hear(1, 0, kClamped);
    CHECK(call[0].voice.way().isDirect());
    const std::size_t from = call[1].packets.size();
    for (std::size_t at = 0; at + 160 <= maker.pcm.size(); at += 160) {
      const bool isLost = round >= 12 && random() % 20 == 0;
      call.frame([&] {
        if (isLost) return call[0].lose();
        call[0].say(call[0].encoded(Pcm(maker.pcm.begin() + static_cast<std::ptrdiff_t>(at),
                                        maker.pcm.begin() + static_cast<std::ptrdiff_t>(at + 160))));
      });
    }
    CHECK(call[0].voice.way().isDirect());
    CHECK(call[0].session.counts().clamp.clampedSamples > 1600);
    CHECK(strongestPair(call[1].heard(from)) < 40);
  }
}

TEST_CASE("what cannot be decoded and telephone-events are replaced") {
  Call call({Codec::kPcmu, Codec::kPcmu});
  call.hear(1, 0, kClamped);
  call.settle();
  REQUIRE(call[0].voice.way().isDirect());
  const auto press = [&](int i) {
    ToneMaker maker;
    maker.tone({.key = 5, .durationMs = 200});
    return call[0].encoded(Pcm(maker.pcm.begin() + i * 160, maker.pcm.begin() + (i + 1) * 160));
  };
  const std::size_t from = call[1].packets.size();
  for (int i = 0; i < 10; i++) call.frame([&] { call[0].say(press(i), i % 2 == 0 ? 77 : 0); });
  call.settle();
  // Its tone beside a telephone-event, as a gateway may leave it in.
  for (int i = 0; i < 10; i++) {
    call.frame([&] {
      const std::uint32_t timestamp = call[0].timestamp;
      if (i == 0) call[0].say({5, 10, 0, 160}, 101);
      call[0].timestamp = timestamp;
      call[0].say(press(i));
    });
  }
  call.settle();
  CHECK(call[0].voice.way().isDirect());
  CHECK(strongestPair(call[1].heard(from)) < 40);
}

TEST_CASE("nothing is allocated on the way") {
  for (const Hearing& hearing : {kOpen, kClamped}) {
    Call call({Codec::kPcmu, Codec::kPcma});
    call.hear(1, 0, hearing);
    call.settle();
    const std::vector<std::uint8_t> payload = call[0].encoded(call.hum());
    std::vector<std::uint8_t> datagram(kRtpHeaderSize + payload.size());
    call[0].keeps = call[1].keeps = false;
    const std::size_t sentBefore = call[1].sent;
    const std::size_t before = allocations();
    for (int i = 0; i < 30; i++) {
      call.frame([&] {
        if (i % 7 == 3) return call[0].lose();
        writeRtpHeader(datagram, {.payloadType = 0,
                                  .marker = false,
                                  .sequence = call[0].sequence++,
                                  .timestamp = call[0].timestamp,
                                  .ssrc = 7,
                                  .payload = {}});
        std::ranges::copy(payload, datagram.begin() + kRtpHeaderSize);
        call[0].session.receiveRtp(datagram, call.nowMs);
        call[0].timestamp += 160;
      });
    }
    CHECK(allocations() == before);
    CHECK(call[1].sent > sentBefore + 20);
  }
}

TEST_SUITE_END();
