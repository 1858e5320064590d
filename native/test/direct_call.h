#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <random>
#include <vector>

#include "codec/g711.h"
#include "listening.h"
#include "media/room.h"
#include "media/session.h"

/// Telephones in a room, for tests of voices that go straight on to their listeners.
namespace hushpay::direct {

using Pcm = std::vector<std::int16_t>;
using Payload = std::vector<std::uint8_t>;

struct Packet {
  std::uint16_t sequence;
  std::uint32_t timestamp;
  Payload payload;
  double atMs;
};

/// A telephone in the room: what it is sent is kept, packet by packet.
struct Phone final : PacketSink, EventSink {
  const double* nowMs;
  Codec codec;
  std::vector<Packet> packets;
  bool keeps = true;
  std::size_t sent = 0;
  StreamSeed seed{.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"name"}};
  Session session{1, seed, 0, *this, *this};
  Voice voice;
  std::uint16_t sequence = 65'530;
  std::uint32_t timestamp = 4'294'960'000;

  Phone(const double& nowMs, Codec codec) : nowMs(&nowMs), codec(codec) {
    session.prepare(codec);
    session.connect({.codec = codec,
                     .payloadType = 0,
                     .eventPayloadType = 101,
                     .ptimeMs = 20,
                     .sending = true,
                     .receiving = true},
                    nowMs);
  }
  void sendRtp(ByteView datagram) noexcept override {
    sent++;
    if (!keeps) return;
    const auto packet = parseRtp(datagram);
    packets.push_back({.sequence = packet->sequence,
                       .timestamp = packet->timestamp,
                       .payload = Payload(packet->payload.begin(), packet->payload.end()),
                       .atMs = *nowMs});
  }
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent&) noexcept override {}

  Payload encoded(const Pcm& pcm) const {
    Payload payload(pcm.size());
    G711Encoder(codec).encode(pcm, payload);
    return payload;
  }
  void say(const Payload& payload, std::uint8_t payloadType = 0) {
    std::vector<std::uint8_t> datagram(kRtpHeaderSize + payload.size());
    writeRtpHeader(datagram, {.payloadType = payloadType,
                              .marker = false,
                              .sequence = sequence++,
                              .timestamp = timestamp,
                              .ssrc = 7,
                              .payload = {}});
    std::ranges::copy(payload, datagram.begin() + kRtpHeaderSize);
    session.receiveRtp(datagram, *nowMs);
    timestamp += 160;
  }
  void lose() {
    sequence++;
    timestamp += 160;
  }
  [[nodiscard]] Pcm heard(std::size_t from = 0) const {
    Pcm pcm;
    for (std::size_t i = from; i < packets.size(); i++) {
      for (const std::uint8_t code : packets[i].payload)
        pcm.push_back(codec == Codec::kPcmu ? decodeMuLaw(code) : decodeALaw(code));
    }
    return pcm;
  }
};

constexpr Hearing kOpen{.access = Access::kOpen};
constexpr Hearing kClamped{.access = Access::kClamped};

/// Two or more in a room; the first one speaks 7 ms into every 20.
struct Call {
  Room room;
  double nowMs = 5000;
  std::vector<std::unique_ptr<Phone>> phones;
  std::uint32_t spoken = 0;
  std::mt19937 random{3};

  explicit Call(const std::vector<Codec>& codecs) {
    for (const Codec codec : codecs) {
      phones.push_back(std::make_unique<Phone>(nowMs, codec));
      REQUIRE(room.join(phones.back()->session, phones.back()->voice, room.makeSeats(phones.size())));
    }
  }
  Phone& operator[](std::size_t index) { return *phones[index]; }
  void hear(std::size_t listener, std::size_t speaker, const Hearing& hearing,
            Source source = Source::kVoice) {
    room.hear(phones[listener]->session, phones[speaker]->session, source, hearing);
  }
  /// 20 ms, in which `speak` is called once.
  template <typename Speak>
  void frame(Speak speak) {
    nowMs += 7;
    speak();
    nowMs += 3;
    tick();
    nowMs += 10;
    tick();
  }
  void tick() {
    for (auto& phone : phones) phone->session.tick(nowMs);
    room.tick();
  }
  Pcm hum(double hz = 300, double peak = 4000) {
    Pcm pcm(160);
    for (auto& sample : pcm)
      sample = static_cast<std::int16_t>(peak * std::sin(2 * std::numbers::pi * hz * spoken++ / 8000));
    return pcm;
  }
  Pcm faint() {
    Pcm pcm(160);
    for (auto& sample : pcm) sample = static_cast<std::int16_t>(static_cast<int>(random() % 21) - 10);
    return pcm;
  }
  /// A quiet moment, in which a voice that may goes straight on.
  void settle() {
    for (int i = 0; i < 20; i++) frame([&] { phones[0]->say(phones[0]->encoded(faint())); });
  }
};

/// Of a stream without a pause: numbers in a row.
inline void checkInSequence(const std::vector<Packet>& packets, std::size_t from) {
  for (std::size_t i = from + 1; i < packets.size(); i++) {
    CHECK(packets[i].sequence == static_cast<std::uint16_t>(packets[i - 1].sequence + 1));
    CHECK(packets[i].timestamp == packets[i - 1].timestamp + 160);
  }
}

}  // namespace hushpay::direct
