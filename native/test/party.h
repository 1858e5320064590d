#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numbers>
#include <vector>

#include "codec/codec.h"
#include "media/room.h"
#include "media/session.h"

namespace hushpay {

using Pcm = std::vector<std::int16_t>;
inline constexpr double kPeak = 4000;
inline constexpr std::array<double, 4> kHz = {300, 500, 1100,
                                              1900};  // what each party hums; none is of a key

/// Keeps the audio that was sent, without allocating.
struct Ear final : PacketSink, EventSink {
  Pcm heard;
  std::size_t packets = 0;
  std::unique_ptr<AudioDecoder> decoder;

  explicit Ear(Codec codec) : decoder(makeDecoder(codec)) { heard.reserve(8000 * 60); }
  void sendRtp(ByteView datagram) noexcept override {
    packets++;
    std::array<std::int16_t, kMaxDecodedSamples> pcm;
    const auto count = static_cast<std::ptrdiff_t>(decoder->decode(datagram.subspan(kRtpHeaderSize), pcm));
    heard.insert(heard.end(), pcm.begin(), pcm.begin() + count);
  }
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent&) noexcept override {}
};

struct Party {
  Ear ear;
  StreamSeed seed{.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"name"}};
  Session session;
  Voice voice;
  std::unique_ptr<AudioEncoder> encoder;
  double hz;
  std::uint32_t ptimeMs;             // of the packets it is sent
  std::uint32_t speaksMs = ptimeMs;  // of those it sends
  Codec codec;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t spoken = 0;
  std::uint32_t speaksAtTick = 0;

  Party(double hz, std::uint32_t ptimeMs, Codec codec, std::uint32_t id = 1)
      : ear(codec),
        session(id, seed, 0, ear, ear),
        encoder(makeEncoder(codec)),
        hz(hz),
        ptimeMs(ptimeMs),
        codec(codec) {
    connect();
  }

  void connect(std::uint8_t payloadType = 0) {
    session.prepare(codec);
    session.connect({.codec = codec,
                     .payloadType = payloadType,
                     .eventPayloadType = 101,
                     .ptimeMs = ptimeMs,
                     .sending = true,
                     .receiving = true},
                    1000);
  }

  void send(double nowMs, const Pcm& pcm, std::uint8_t payloadType = 0, std::uint32_t ssrc = 7) {
    std::array<std::uint8_t, kRtpHeaderSize + kMaxPayloadSize> datagram{};
    writeRtpHeader(datagram, {.payloadType = payloadType,
                              .marker = false,
                              .sequence = sequence++,
                              .timestamp = timestamp,
                              .ssrc = ssrc,
                              .payload = {}});
    const std::size_t size = encoder->encode(pcm, ByteSpan(datagram).subspan(kRtpHeaderSize));
    session.receiveRtp(ByteView(datagram).first(kRtpHeaderSize + size), nowMs);
    timestamp += static_cast<std::uint32_t>(pcm.size()) * tsPerSample(codec);
  }

  Pcm hum() {
    Pcm pcm(speaksMs * 8);
    for (auto& sample : pcm)
      sample = static_cast<std::int16_t>(kPeak * std::sin(2 * std::numbers::pi * hz * spoken++ / 8000));
    return pcm;
  }

  /// Amplitude of another's hum in what was heard since, over the last so many ms.
  [[nodiscard]] double hears(double otherHz, std::size_t lastMs = 100) const {
    const std::size_t count = lastMs * 8;
    const auto part = std::span(ear.heard).last(count);
    double re = 0;
    double im = 0;
    for (std::size_t n = 0; n < count; n++) {
      const double at = 2 * std::numbers::pi * otherHz * static_cast<double>(n) / 8000;
      re += part[n] * std::cos(at);
      im += part[n] * std::sin(at);
    }
    return 2 * std::hypot(re, im) / static_cast<double>(count);
  }
};

inline constexpr Hearing kNone{};
inline constexpr Hearing kOpen{.access = Access::kOpen};
inline constexpr Hearing kClamped{.access = Access::kClamped};

/// Parties who hum without end in one room.
struct Call {
  Room room;
  std::vector<std::unique_ptr<Party>> parties;
  double nowMs = 5000;
  std::uint32_t tickCount = 0;

  explicit Call(const std::vector<std::uint32_t>& ptimesMs, EventSink* events = nullptr) : room(9, events) {
    for (const std::uint32_t ptimeMs : ptimesMs)
      join(ptimeMs, parties.size() % 2 == 0 ? Codec::kPcmu : Codec::kPcma);
  }

  /// Its session is numbered from 1.
  Party& join(std::uint32_t ptimeMs, Codec codec) {
    const auto index = parties.size();
    parties.push_back(std::make_unique<Party>(kHz[index % kHz.size()], ptimeMs, codec,
                                              static_cast<std::uint32_t>(index + 1)));
    parties.back()->speaksAtTick = tickCount;
    REQUIRE(room.join(parties.back()->session, parties.back()->voice, room.makeSeats(parties.size())));
    return *parties.back();
  }

  Party& operator[](std::size_t index) { return *parties[index]; }
  void hear(std::size_t listener, std::size_t speaker, const Hearing& hearing,
            Source source = Source::kVoice) {
    room.hear(parties[listener]->session, parties[speaker]->session, source, hearing);
  }

  template <typename Speak>
  void run(std::uint32_t ms, Speak speak) {
    for (std::uint32_t end = tickCount + ms / Session::kTickMs; tickCount < end; tickCount++) {
      nowMs += Session::kTickMs;
      for (auto& party : parties) {
        if (tickCount < party->speaksAtTick) continue;
        party->speaksAtTick = tickCount + party->speaksMs / Session::kTickMs;
        speak(*party);
      }
      for (auto& party : parties) party->session.tick(nowMs);
      room.tick();
    }
  }
  void run(std::uint32_t ms) {
    run(ms, [&](Party& party) { party.send(nowMs, party.hum()); });
  }
};

}  // namespace hushpay
