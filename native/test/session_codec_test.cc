#include <doctest/doctest.h>

#include <array>
#include <string>

#include "media/session.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("session_codec_test");

namespace {

constexpr std::uint8_t kEventType = 101;

struct Wire final : PacketSink, EventSink {
  std::string keys;
  std::vector<std::vector<std::uint8_t>> rtp;
  void sendRtp(ByteView datagram) noexcept override { rtp.emplace_back(datagram.begin(), datagram.end()); }
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent& event) noexcept override {
    if (event.kind == MediaEvent::Kind::kKeyDown) keys += "0123456789*#ABCD"[event.key];
  }
};

/// A caller who speaks any codec, into a session.
struct Caller {
  Wire wire;
  StreamSeed seed{.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"name"}};
  Session session{1, seed, 0, wire, wire};
  Codec codec;
  std::uint8_t type;
  std::unique_ptr<AudioEncoder> encoder;
  std::uint16_t sequence = 65'500;
  std::uint32_t timestamp = 0xffff'0000;
  double nowMs = 5000;

  explicit Caller(Codec first, std::uint8_t firstType = 96) : codec(first), type(firstType) {
    speak(first, firstType);
  }

  /// As by a re-INVITE.
  void speak(Codec next, std::uint8_t nextType) {
    agree(next, nextType);
    codec = next;
    type = nextType;
    encoder = makeEncoder(next);
    encoder->configure({.fec = true});
  }

  void agree(Codec next, std::uint8_t nextType) {
    session.prepare(next);
    session.connect({.codec = next,
                     .payloadType = nextType,
                     .eventPayloadType = kEventType,
                     .ptimeMs = 20,
                     .sending = true,
                     .receiving = true,
                     .eventClockHz = clockHzOf(next)},
                    nowMs);
  }

  void send(std::uint8_t payloadType, std::uint32_t ts, ByteView payload, bool marker = false) {
    std::vector<std::uint8_t> datagram(kRtpHeaderSize);
    writeRtpHeader(datagram, {.payloadType = payloadType,
                              .marker = marker,
                              .sequence = sequence++,
                              .timestamp = ts,
                              .ssrc = 77,
                              .payload = {}});
    datagram.insert(datagram.end(), payload.begin(), payload.end());
    session.receiveRtp(datagram, nowMs);
  }

  void pass(std::size_t samples) {
    timestamp += static_cast<std::uint32_t>(samples) * tsPerSample(codec);
    for (std::size_t ms = 0; ms < samples / kSamplesPerMs; ms += Session::kTickMs)
      session.tick(nowMs += Session::kTickMs);
  }

  /// @param keep  says which packets get through
  template <typename Keep>
  void say(const std::vector<std::int16_t>& pcm, std::size_t frame, Keep keep) {
    std::array<std::uint8_t, kMaxPayloadSize> payload;
    int count = 0;
    for (std::size_t at = 0; at + frame <= pcm.size(); at += frame) {
      const std::size_t size = encoder->encode(std::span(pcm).subspan(at, frame), payload);
      if (keep(count++))
        send(type, timestamp, ByteView(payload).first(size));
      else
        sequence++;
      pass(frame);
    }
  }
  void say(const std::vector<std::int16_t>& pcm, std::size_t frame = 160) {
    say(pcm, frame, [](int) { return true; });
  }
};

std::vector<std::int16_t> keySound(const char* keys, double durationMs = 80) {
  ToneMaker maker;
  for (const char* key = keys; *key != 0; key++) {
    maker.silence(80).tone({.key = static_cast<std::uint8_t>(*key - '0'), .durationMs = durationMs});
  }
  maker.silence(200);
  return maker.pcm;
}

constexpr std::array kAll = {Codec::kPcmu, Codec::kPcma, Codec::kG722,
                             Codec::kOpus, Codec::kL16,  Codec::kL16Wide};

}  // namespace

TEST_CASE("keys are heard through every codec, across the wrap of its timestamps") {
  for (const Codec codec : kAll) {
    CAPTURE(static_cast<int>(codec));
    Caller caller(codec);
    for (int round = 0; round < 4; round++) caller.say(keySound("0123456789"));
    CHECK(caller.wire.keys == "0123456789012345678901234567890123456789");
    CHECK(caller.session.counts().packetsLost == 0);
    CHECK(caller.session.counts().packetsUndecodable == 0);
    CHECK(caller.session.counts().jitterMs < 0.5);
  }
}

TEST_CASE("packets may change their size in the middle of a key") {
  for (const Codec codec : kAll) {
    CAPTURE(static_cast<int>(codec));
    Caller caller(codec);
    const auto sound = keySound("4242");
    std::size_t at = 0;
    for (int turn = 0; at + 480 <= sound.size(); turn++) {
      constexpr std::size_t kFrames[] = {160, 80, 320, 80};
      const std::size_t frame = kFrames[turn % 4];
      caller.say({sound.begin() + static_cast<std::ptrdiff_t>(at),
                  sound.begin() + static_cast<std::ptrdiff_t>(at + frame)},
                 frame);
      at += frame;
    }
    caller.say(std::vector<std::int16_t>(1600));
    CHECK(caller.wire.keys == "4242");
  }
}

TEST_CASE("a sender that falls silent between keys does not make two of one") {
  Caller caller(Codec::kOpus);
  for (const char* key : {"7", "7", "1"}) {
    caller.say(keySound(key));
    caller.pass(400 * 8);  // DTX: nothing comes, and the sequence numbers go on without a gap
  }
  CHECK(caller.wire.keys == "771");
}

TEST_CASE("a key outlasts the loss of a packet, and Opus fills it") {
  for (const Codec codec : kAll) {
    CAPTURE(static_cast<int>(codec));
    Caller caller(codec);
    caller.say(keySound("5599", 120), 160, [](int packet) { return packet % 10 != 6; });
    CHECK(caller.wire.keys == "5599");
  }
  // Each key has one whole packet, the next is lost: only what the third repeats of it makes the key long
  // enough.
  const auto heard = [](Codec codec) {
    Caller caller(codec);
    ToneMaker maker;
    for (const auto key : std::to_array<std::uint8_t>({1, 2, 3, 4}))
      maker.silence(100).tone({.key = key, .durationMs = 60});
    maker.silence(200);
    caller.say(maker.pcm, 160, [](int packet) { return packet % 8 != 6; });
    return caller.wire.keys;
  };
  CHECK(heard(Codec::kOpus) == "1234");
  CHECK(heard(Codec::kG722) != "1234");
}

TEST_CASE("a codec of another clock begins anew and the keys go on") {
  Caller caller(Codec::kPcmu, 0);
  std::string expected;
  std::uint8_t type = 96;
  for (const Codec codec :
       {Codec::kOpus, Codec::kPcmu, Codec::kL16Wide, Codec::kG722, Codec::kOpus, Codec::kPcma}) {
    caller.speak(codec, type++);
    caller.say(keySound("123"));
    expected += "123";
    CHECK(caller.wire.keys == expected);
  }
  CHECK(caller.session.counts().jitterMs < 0.5);
}

TEST_CASE("packets under way with the old payload type are decoded, for a while") {
  Caller caller(Codec::kG722, 9);
  caller.say(keySound("1"));
  caller.agree(Codec::kPcmu, 0);
  caller.say(keySound("2"));
  CHECK(caller.wire.keys == "12");
  caller.nowMs += 5000;
  caller.say(keySound("3"));
  CHECK(caller.wire.keys == "12");
  CHECK(caller.session.counts().packetsUnknownType > 0);
}

TEST_CASE("telephone-events run on the clock of the codec") {
  for (const Codec codec : kAll) {
    CAPTURE(static_cast<int>(codec));
    Caller caller(codec);
    const std::uint32_t unit = tsPerSample(codec);
    const std::vector<std::int16_t> quiet(1600);
    caller.say(quiet);
    for (const auto key : std::to_array<std::uint8_t>({8, 8, 3})) {
      const std::uint32_t start = caller.timestamp;
      for (std::uint32_t report = 1; report <= 5; report++) {
        const std::uint32_t duration = report * 160 * unit;
        const bool isEnd = report == 5;
        const std::array<std::uint8_t, 4> payload = {key, static_cast<std::uint8_t>(isEnd ? 0x8a : 0x0a),
                                                     static_cast<std::uint8_t>(duration >> 8),
                                                     static_cast<std::uint8_t>(duration)};
        caller.send(kEventType, start, payload, report == 1);
        caller.pass(160);
      }
      caller.say(quiet);
    }
    CHECK(caller.wire.keys == "883");
  }
}

TEST_CASE("sends what it is connected with, on its clock") {
  for (const Codec codec : kAll) {
    CAPTURE(static_cast<int>(codec));
    Caller caller(codec);
    for (int tick = 0; tick < 20; tick++) caller.session.tick(caller.nowMs += Session::kTickMs);
    REQUIRE(caller.wire.rtp.size() == 10);
    const auto decoder = makeDecoder(codec);
    std::uint32_t expectedTs = 0;
    for (const auto& datagram : caller.wire.rtp) {
      const auto packet = parseRtp(datagram);
      REQUIRE(packet);
      CHECK(packet->payloadType == 96);
      CHECK(packet->timestamp == expectedTs);
      CHECK(decoder->sampleCount(packet->payload) == 160);
      expectedTs += 160 * tsPerSample(codec);
    }
  }
}

TEST_CASE("what cannot be decoded is counted, and no key is made of it") {
  Caller caller(Codec::kOpus);
  const std::array<std::uint8_t, 3> nonsense = {0xff, 0xff, 0xff};
  caller.say(keySound("6"));
  for (int packet = 0; packet < 10; packet++) {
    caller.send(caller.type, caller.timestamp, nonsense);
    caller.pass(160);
  }
  caller.say(keySound("6"));
  CHECK(caller.session.counts().packetsUndecodable == 10);
  CHECK(caller.wire.keys == "66");
}

TEST_SUITE_END();
