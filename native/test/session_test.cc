#include "media/session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "codec/g711.h"
#include "rtp/rtcp.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("session_test");

namespace {

struct Wire final : PacketSink, EventSink {
  std::vector<std::vector<std::uint8_t>> rtp;
  std::vector<std::vector<std::uint8_t>> rtcp;
  std::vector<MediaEvent> events;

  void sendRtp(ByteView datagram) noexcept override { rtp.emplace_back(datagram.begin(), datagram.end()); }
  void sendRtcp(ByteView datagram) noexcept override { rtcp.emplace_back(datagram.begin(), datagram.end()); }
  void emit(const MediaEvent& event) noexcept override { events.push_back(event); }

  [[nodiscard]] std::string keys(KeyCarrier carrier) const {
    std::string keys;
    for (const MediaEvent& event : events) {
      if (event.kind == MediaEvent::Kind::kKeyDown && event.carrier == carrier)
        keys += std::to_string(event.key) + " ";
    }
    return keys;
  }
};

constexpr StreamSettings kSettings = {.codec = Codec::kPcmu,
                                      .payloadType = 0,
                                      .eventPayloadType = 101,
                                      .ptimeMs = 20,
                                      .sending = true,
                                      .receiving = true};

/// A session and the peer's side of its stream.
struct Call {
  Wire wire;
  StreamSeed seed{.ssrc = 1, .timestamp = 0xffffff00, .sequence = 65534, .cname = {"name"}};
  Session session{9, seed, 1000, wire, wire};
  double nowMs = 5000;
  std::uint16_t sequence = 65530;
  std::uint32_t timestamp = 0xfffffc00;

  Call() { connect(kSettings); }

  void connect(const StreamSettings& settings) {
    session.prepare(settings.codec);
    session.connect(settings, nowMs);
  }

  void tick(int count = 1) {
    for (int i = 0; i < count; i++) session.tick(nowMs += Session::kTickMs);
  }

  void send(std::uint8_t type, std::uint32_t ts, const std::vector<std::uint8_t>& payload,
            std::uint32_t ssrc = 77) {
    std::vector<std::uint8_t> datagram(kRtpHeaderSize);
    writeRtpHeader(datagram, {.payloadType = type,
                              .marker = false,
                              .sequence = sequence++,
                              .timestamp = ts,
                              .ssrc = ssrc,
                              .payload = {}});
    datagram.insert(datagram.end(), payload.begin(), payload.end());
    session.receiveRtp(datagram, nowMs);
  }

  void say(const std::vector<std::int16_t>& pcm, std::size_t frame = 160) {
    for (std::size_t at = 0; at + frame <= pcm.size(); at += frame) {
      std::vector<std::uint8_t> payload(frame);
      std::ranges::transform(std::span(pcm).subspan(at, frame), payload.begin(), encodeMuLaw);
      send(0, timestamp, payload);
      timestamp += static_cast<std::uint32_t>(frame);
      tick(static_cast<int>(frame) / 80);
    }
  }
};

}  // namespace

TEST_CASE("sends a frame every ptime, silence where nothing plays, counters wrapping") {
  Call call;
  call.tick(20);
  REQUIRE(call.wire.rtp.size() == 10);
  std::uint16_t sequence = 65534;
  std::uint32_t timestamp = 0xffffff00;
  for (std::size_t i = 0; i < call.wire.rtp.size(); i++) {
    const auto packet = parseRtp(call.wire.rtp[i]);
    REQUIRE(packet);
    CHECK(packet->sequence == sequence++);
    CHECK(packet->timestamp == timestamp);
    CHECK(packet->marker == (i == 0));
    CHECK(packet->payload.size() == 160);
    CHECK(packet->payload[0] == 0xff);
    timestamp += 160;
  }
}

TEST_CASE("finds tones in packets of any length") {
  ToneMaker maker;
  for (const int key : {1, 2, 2}) maker.silence(60).tone({.key = static_cast<std::uint8_t>(key)});
  maker.silence(120);
  for (const std::size_t frame :
       {std::size_t{80}, std::size_t{160}, std::size_t{240}, std::size_t{320}, std::size_t{480}}) {
    CAPTURE(frame);
    Call call;
    call.say(maker.pcm, frame);
    CHECK(call.wire.keys(KeyCarrier::kTone) == "1 2 2 ");
    CHECK(call.session.counts().packetsLost == 0);
    CHECK(call.session.counts().tonesDetected == 3);
  }
}

TEST_CASE("a press that leads with events and drops its audio is one press on the event carrier") {
  Call call;
  ToneMaker quiet;
  quiet.silence(100);
  call.say(quiet.pcm);
  for (int i = 1; i <= 5; i++) {
    call.send(101, call.timestamp, {4, 10, 0, static_cast<std::uint8_t>(i * 20)});
    call.tick(2);
  }
  call.timestamp += 800;
  call.say(quiet.pcm);
  CHECK(call.wire.keys(KeyCarrier::kEvent) == "4 ");
  CHECK(call.wire.keys(KeyCarrier::kTone) == "");
  CHECK(call.session.counts().packetsLost == 0);
}

TEST_CASE("another source takes over only after two packets in sequence") {
  Call call;
  const std::vector<std::uint8_t> quiet(160, 0xff);
  call.send(0, 0, quiet, 77);
  call.send(101, 8000, {1, 0x8a, 1, 0}, 78);  // alone: not believed
  call.send(0, 160, quiet, 77);
  call.send(101, 8000, {2, 0x8a, 1, 0}, 79);
  call.send(101, 8000, {2, 0x8a, 1, 0}, 79);  // next in sequence: a new stream
  call.tick();
  CHECK(call.wire.keys(KeyCarrier::kEvent) == "2 ");
}

TEST_CASE("takes another name when the peer has the same, says so, and does so once") {
  Call call;
  const std::vector<std::uint8_t> quiet(160, 0xff);
  const auto nameOf = [](const std::vector<std::uint8_t>& datagram) { return parseRtp(datagram)->ssrc; };
  call.tick(4);
  CHECK(nameOf(call.wire.rtp.back()) == 1);
  for (int i = 0; i < 5; i++) call.send(0, 160 * static_cast<std::uint32_t>(i), quiet, 1);
  call.tick(4);
  const std::uint32_t name = nameOf(call.wire.rtp.back());
  CHECK(name != 1);
  REQUIRE(call.wire.rtcp.size() == 1);
  const auto& goodbye = call.wire.rtcp.back();
  CHECK(goodbye[goodbye.size() - 7] == 203);                   // BYE,
  CHECK(readU32(ByteView(goodbye), goodbye.size() - 4) == 1);  // of the old name
  for (int i = 5; i < 9; i++) call.send(0, 160 * static_cast<std::uint32_t>(i), quiet, name);  // an echo
  call.send(0, 1440, quiet, name);
  call.tick(4);
  CHECK(nameOf(call.wire.rtp.back()) == name);
  CHECK(call.wire.rtcp.size() == 1);
}

TEST_CASE("hears a recording that is played again with the same numbers") {
  for (const int packets : {20, 60, 200}) {
    CAPTURE(packets);
    Call call;
    ToneMaker maker;
    maker.silence(60).tone({.key = 4, .durationMs = 200}).silence(packets * 20 - 260);
    for (int round = 0; round < 3; round++) {
      call.sequence = 1000;
      call.timestamp = 4000;
      call.say(maker.pcm);
    }
    CHECK(call.wire.keys(KeyCarrier::kTone) == "4 4 4 ");
  }
}

TEST_CASE("a packet far out of sequence does not move the stream") {
  Call call;
  const std::vector<std::uint8_t> quiet(160, 0xff);
  call.sequence = 100;
  call.send(0, 0, quiet);
  call.sequence = 40000;
  call.send(0, 160, quiet);
  call.sequence = 101;
  call.send(0, 160, quiet);
  CHECK(call.session.counts().packetsReceived == 2);
  CHECK(call.session.counts().packetsLost == 0);
}

TEST_CASE("counts what it drops") {
  Call call;
  const std::vector<std::uint8_t> quiet(160, 0xff);
  call.send(0, 0, quiet);
  call.send(3, 160, quiet);                                 // not negotiated
  call.send(0, 160, std::vector<std::uint8_t>(961, 0xff));  // longer than 120 ms
  call.send(101, 160, {1, 2, 3});                           // no report
  call.session.receiveRtp(quiet, call.nowMs);
  call.session.receiveRtcp(quiet, call.nowMs);
  call.tick(10);  // the gap before it is given up
  const SessionCounts counts = call.session.counts();
  CHECK(counts.packetsUnknownType == 1);
  CHECK(counts.packetsUndecodable == 1);
  CHECK(counts.packetsMalformed == 3);
}

TEST_CASE("tells a media time-out once, and again only after packets came back") {
  Call call;
  call.tick(150);
  call.tick(150);
  CHECK(call.wire.events.size() == 1);
  CHECK(call.wire.events[0].kind == MediaEvent::Kind::kMediaTimeout);
  call.send(0, 0, std::vector<std::uint8_t>(160, 0xff));
  call.tick(150);
  CHECK(call.wire.events.size() == 2);
}

TEST_CASE("a peer that sends no audio but reports by RTCP has not gone") {
  Call call;
  std::array<std::uint8_t, kMaxRtcpSize> buffer{};
  const OutgoingRtcp out{.ssrc = 77, .sender = {}, .report = {}, .cname = "peer", .bye = false};
  const std::size_t size = writeRtcp(buffer, out);
  for (int report = 0; report < 5; report++) {
    call.tick(90);
    call.session.receiveRtcp(ByteView(buffer.data(), size), call.nowMs);
  }
  CHECK(call.wire.events.empty());
}

TEST_CASE("sends a key as events where they are agreed on, else as a tone") {
  Call call;
  call.session.sendKey(7, 60);
  call.tick(30);
  int events = 0;
  for (const auto& datagram : call.wire.rtp) events += parseRtp(datagram)->payloadType == 101 ? 1 : 0;
  CHECK(events == 6);

  Call plain;
  StreamSettings settings = kSettings;
  settings.eventPayloadType = 0;
  plain.connect(settings);
  plain.session.sendKey(7, 60);
  plain.tick(30);
  Call listener;
  for (const auto& datagram : plain.wire.rtp) {
    const auto packet = parseRtp(datagram);
    listener.send(0, packet->timestamp, {packet->payload.begin(), packet->payload.end()});
    listener.tick(2);
  }
  CHECK(listener.wire.keys(KeyCarrier::kTone) == "7 ");
}

TEST_CASE("says in its goodbye what it has sent, though it reported a moment before") {
  Call call;
  while (call.wire.rtcp.empty()) call.tick();
  const std::size_t sent = call.wire.rtp.size();
  call.session.close(call.nowMs);
  REQUIRE(call.wire.rtp.size() == sent);
  REQUIRE(call.wire.rtcp.size() == 2);
  constexpr std::uint8_t kSenderReport = 200;
  constexpr std::size_t kCountAt = 20;
  for (const auto& report : call.wire.rtcp) {
    CHECK(report[1] == kSenderReport);
    CHECK((report[kCountAt + 2] << 8 | report[kCountAt + 3]) == static_cast<int>(sent));
  }
}

TEST_CASE("says goodbye and falls silent") {
  Call call;
  call.tick(2);
  call.session.close(call.nowMs);
  REQUIRE(call.wire.rtcp.size() == 1);
  const auto incoming = parseRtcp(call.wire.rtcp[0], 0);
  REQUIRE(incoming);
  CHECK(incoming->bye);
  const std::size_t sent = call.wire.rtp.size();
  call.tick(20);
  CHECK(call.wire.rtp.size() == sent);
}

TEST_CASE("survives packets of chance") {
  std::mt19937 random(20261121);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  for (int round = 0; round < 20; round++) {
    Call call;
    for (int i = 0; i < 5000; i++) {
      std::vector<std::uint8_t> datagram(below(4) == 0 ? below(600) : 12 + below(200));
      for (auto& byte : datagram) byte = static_cast<std::uint8_t>(random());
      if (datagram.size() >= 12 && below(8) != 0) {  // mostly near enough to a packet to get further in
        datagram[0] = below(10) == 0 ? static_cast<std::uint8_t>(0x80 | below(64)) : 0x80;
        constexpr std::uint8_t kTypes[] = {0, 101, 0x80, 0xe5, 200, 201};
        datagram[1] = kTypes[below(6)];
        if (below(3) != 0) writeU16(datagram, 2, call.sequence + below(20));
        if (below(3) != 0) writeU32(datagram, 4, call.timestamp + below(2000));
        writeU32(datagram, 8, below(50) == 0 ? below(3) : 77);
        call.sequence = static_cast<std::uint16_t>(call.sequence + 1);
        call.timestamp += 160;
      }
      if (below(4) == 0)
        call.session.receiveRtcp(datagram, call.nowMs);
      else
        call.session.receiveRtp(datagram, call.nowMs);
      if (below(2) == 0) call.tick();
    }
    const SessionCounts counts = call.session.counts();
    CHECK(counts.packetsReceived > 0);
    CHECK(counts.packetsMalformed > 0);
    CHECK(call.wire.rtp.size() > 1000);
  }
}

TEST_CASE("takes up another worker's stream: same name and clock, no number twice") {
  Call before;
  before.tick(20);
  const auto lastPacket = parseRtp(before.wire.rtp.back());
  REQUIRE(lastPacket);
  const StreamPosition position = before.session.position(before.nowMs);

  Wire wire;
  Session after(9, StreamSeed{.ssrc = 5}, 1000, wire, wire);
  after.prepare(kSettings.codec);
  after.resume(position, before.nowMs + 200);
  after.connect(kSettings, before.nowMs + 200);
  after.tick(before.nowMs + 200);
  REQUIRE(wire.rtp.size() == 1);
  const auto packet = parseRtp(wire.rtp[0]);
  REQUIRE(packet);
  CHECK(packet->ssrc == 1);
  CHECK(packet->marker);
  const auto step = static_cast<std::uint16_t>(packet->sequence - lastPacket->sequence);
  CHECK(step > 1);
  CHECK(step < 100);
  CHECK(packet->timestamp - lastPacket->timestamp == 160 + 200 * 8);
  CHECK(after.counts().packetsSent == before.session.counts().packetsSent + 1);
}

TEST_CASE("a press during which a session was taken up is not reported again") {
  ToneMaker maker;
  maker.silence(40).tone({.key = 5, .durationMs = 300}).silence(100).tone({.key = 5}).silence(120);
  const auto pcm = std::span(maker.pcm);
  Call before;
  const std::size_t cut = 200 * 8;  // in the first press
  before.say({pcm.begin(), pcm.begin() + cut});
  REQUIRE(before.wire.keys(KeyCarrier::kTone) == "5 ");

  Call after;
  after.session.resume(before.session.position(before.nowMs), after.nowMs);
  after.say({pcm.begin() + cut, pcm.end()});
  CHECK(after.wire.keys(KeyCarrier::kTone) == "5 ");
}

TEST_CASE("a press that began while nobody listened is reported") {
  ToneMaker maker;
  maker.tone({.key = 5, .durationMs = 200}).silence(120);
  Call before;
  before.tick(10);
  Call after;
  after.session.resume(before.session.position(before.nowMs), after.nowMs);
  after.say(maker.pcm);
  CHECK(after.wire.keys(KeyCarrier::kTone) == "5 ");
}

TEST_CASE("an event that goes on over a change of workers is one press, with its end") {
  Call before;
  for (int i = 1; i <= 3; i++) {
    before.send(101, before.timestamp, {4, 10, 0, static_cast<std::uint8_t>(i * 20)});
    before.tick(2);
  }
  REQUIRE(before.wire.keys(KeyCarrier::kEvent) == "4 ");
  Call after;
  after.nowMs = before.nowMs + 100;
  after.session.resume(before.session.position(before.nowMs), after.nowMs);
  after.sequence = before.sequence;
  for (int i = 8; i <= 10; i++) {
    after.send(101, before.timestamp,
               {4, 10, static_cast<std::uint8_t>(i * 160 >> 8), static_cast<std::uint8_t>(i * 160)});
    after.tick(2);
  }
  CHECK(after.wire.keys(KeyCarrier::kEvent) == "");
  after.send(101, after.timestamp + 8000, {4, 10, 0, 160});
  after.tick(2);
  CHECK(after.wire.keys(KeyCarrier::kEvent) == "4 ");
}

TEST_SUITE_END();
