#include "codec/codec.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "codec/codec_shelf.h"
#include "dsp/tone_detector.h"
#include "no_allocation.h"
#include "rtp/packet.h"
#include "sine.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("codec_test");

namespace {

using Pcm = std::vector<std::int16_t>;
using Payload = std::vector<std::uint8_t>;

constexpr std::array kAll = {Codec::kPcmu, Codec::kPcma, Codec::kG722,
                             Codec::kOpus, Codec::kL16,  Codec::kL16Wide};
constexpr const char* kNames[] = {"PCMU", "PCMA", "G722", "Opus", "L16/8000", "L16/16000"};
constexpr const char* kKeys = "0123456789*#ABCD";

std::string nameOf(Codec codec) { return kNames[static_cast<std::size_t>(codec)]; }

std::vector<Payload> encoded(Codec codec, const Pcm& pcm, std::size_t frame = 160,
                             const OpusWishes& wishes = {}) {
  const auto encoder = makeEncoder(codec);
  encoder->configure(wishes);
  std::vector<Payload> payloads;
  for (std::size_t at = 0; at + frame <= pcm.size(); at += frame) {
    Payload payload(kMaxPayloadSize);
    payload.resize(encoder->encode(std::span(pcm).subspan(at, frame), payload));
    payloads.push_back(payload);
  }
  return payloads;
}

Pcm decoded(Codec codec, const std::vector<Payload>& payloads) {
  const auto decoder = makeDecoder(codec);
  Pcm pcm;
  std::array<std::int16_t, kMaxDecodedSamples> part;
  for (const Payload& payload : payloads) {
    const std::size_t count = decoder->decode(payload, part);
    pcm.insert(pcm.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return pcm;
}

Pcm through(Codec codec, const Pcm& pcm, std::size_t frame = 160) {
  return decoded(codec, encoded(codec, pcm, frame));
}

std::string keysIn(const Pcm& pcm) {
  ToneDetector detector;
  std::string keys;
  for (std::size_t at = 0; at < pcm.size(); at += 160) {
    ToneEdges edges;
    detector.feed(std::span(pcm).subspan(at, std::min<std::size_t>(160, pcm.size() - at)), edges);
    for (std::size_t i = 0; i < edges.count; i++) {
      if (edges.items[i].down) keys += kKeys[edges.items[i].key];
    }
  }
  return keys;
}

/// All sixteen keys, one after the other.
ToneMaker allKeys(const ToneMaker::Shape& shape, double pauseMs) {
  ToneMaker maker;
  for (std::uint8_t key = 0; key < 16; key++) {
    ToneMaker::Shape each = shape;
    each.key = key;
    maker.silence(pauseMs).tone(each);
  }
  maker.silence(200);
  return maker;
}

}  // namespace

TEST_CASE("every codec turns every duration into a payload and back") {
  const Pcm sound = sine(440, 8000, 2400);
  for (const Codec codec : kAll) {
    for (const std::uint32_t ptimeMs : {10U, 20U, 30U, 40U, 60U}) {
      CAPTURE(nameOf(codec));
      CAPTURE(ptimeMs);
      const std::size_t frame = ptimeMs * kSamplesPerMs;
      const auto payloads = encoded(codec, sound, frame);
      const auto decoder = makeDecoder(codec);
      std::array<std::int16_t, kMaxDecodedSamples> pcm;
      for (const Payload& payload : payloads) {
        CHECK((payload.size() > 0) == hasFrame(codec, ptimeMs));
        CHECK(decoder->sampleCount(payload) == (payload.empty() ? 0 : frame));
        CHECK(decoder->decode(payload, pcm) == (payload.empty() ? 0 : frame));
      }
    }
  }
}

TEST_CASE("frequencies are kept to 0.01 %, levels as well as the codec can") {
  for (const Codec codec : kAll) {
    // Opus is a codec of parameters: it keeps what a voice sounds like, not samples.
    const double levelDb = codec == Codec::kOpus ? 1.0 : 0.15;
    const double noiseDb = codec == Codec::kOpus ? 15 : 35;
    for (const double hz : {350.0, 697.0, 941.0, 1209.0, 1477.0, 1633.0, 2200.0, 3300.0}) {
      CAPTURE(nameOf(codec));
      CAPTURE(hz);
      const Pcm out = through(codec, sine(hz, 8000, 24'000, 8000));
      const SineFit early = fitSine(std::span(out).subspan(8000, 8000), hz, 8000);
      const SineFit late = fitSine(std::span(out).subspan(16'000, 8000), hz, 8000);
      const double turns =
          std::remainder(late.phase - early.phase, 2 * std::numbers::pi) / (2 * std::numbers::pi);
      CHECK(std::abs(turns) / hz < 1e-4);  // one second lies between
      CHECK(std::abs(decibels(early.amplitude / 8000)) < levelDb);
      CHECK(early.signalToNoiseDb() > noiseDb);
    }
  }
}

TEST_CASE("every key is found behind every codec") {
  struct Row {
    std::string name;
    ToneMaker::Shape shape;
    double pauseMs;
  };
  const Row rows[] = {
      {"usual", {.durationMs = 100}, 80},
      {"short", {.durationMs = 50}, 50},
      {"faint", {.durationMs = 80, .levelDbm0 = -30}, 80},
      {"loud", {.durationMs = 80, .levelDbm0 = -3}, 80},
      {"high tone 4 dB up", {.durationMs = 80, .levelDbm0 = -15, .highOverLowDb = 4}, 80},
      {"high tone 8 dB down", {.durationMs = 80, .highOverLowDb = -8}, 80},
      {"sharp", {.durationMs = 80, .lowOffset = 0.014, .highOffset = 0.014}, 80},
      {"flat", {.durationMs = 80, .lowOffset = -0.014, .highOffset = -0.014}, 80},
  };
  for (const Codec codec : kAll) {
    for (const Row& row : rows) {
      CAPTURE(nameOf(codec));
      CAPTURE(row.name);
      CHECK(keysIn(through(codec, allKeys(row.shape, row.pauseMs).pcm)) == kKeys);
    }
  }
}

TEST_CASE("every key is found behind Opus with redundancy, in packets of any size") {
  for (const std::size_t frame : {std::size_t{80}, std::size_t{160}, std::size_t{320}, std::size_t{480}}) {
    for (const double durationMs : {50.0, 80.0}) {
      CAPTURE(frame);
      CAPTURE(durationMs);
      const Pcm sound = allKeys({.durationMs = durationMs, .levelDbm0 = -9}, 60).pcm;
      CHECK(keysIn(decoded(Codec::kOpus, encoded(Codec::kOpus, sound, frame, {.fec = true}))) == kKeys);
    }
  }
}

TEST_CASE("every key is found behind two codecs in a row") {
  const Pcm sound = allKeys({.durationMs = 80}, 80).pcm;
  for (const Codec first : kAll) {
    for (const Codec second : kAll) {
      CAPTURE(nameOf(first));
      CAPTURE(nameOf(second));
      CHECK(keysIn(through(second, through(first, sound))) == kKeys);
    }
  }
}

TEST_CASE("bytes of chance are samples or nothing, and never more than announced") {
  std::mt19937 random(3551);
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  for (const Codec codec : kAll) {
    const auto decoder = makeDecoder(codec);
    for (int round = 0; round < 3000; round++) {
      Payload payload(random() % (kMaxPayloadSize + 1));
      for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
      const std::size_t announced = decoder->sampleCount(payload);
      const std::size_t count = decoder->decode(payload, pcm);
      CHECK(count <= kMaxDecodedSamples);
      if (count > 0) CHECK(count == announced);
      if (payload.empty()) CHECK(count == 0);
    }
  }
}

TEST_CASE("a payload that is none is refused") {
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  const Payload tooLong(kMaxDecodedSamples + 1);
  for (const Codec codec : {Codec::kPcmu, Codec::kPcma, Codec::kG722})
    CHECK(makeDecoder(codec)->decode(tooLong, pcm) == 0);
  CHECK(makeDecoder(Codec::kL16)->decode(Payload(321), pcm) == 0);
  CHECK(makeDecoder(Codec::kL16Wide)->decode(Payload(322), pcm) == 0);
  CHECK(makeDecoder(Codec::kOpus)->decode(Payload{0xff, 0xff, 0xff}, pcm) == 0);  // code 3 with 63 frames
}

TEST_CASE("after a reset nothing of the old stream is heard") {
  const Pcm quiet(1600);
  for (const Codec codec : kAll) {
    CAPTURE(nameOf(codec));
    const auto fresh = encoded(codec, quiet);
    const auto encoder = makeEncoder(codec);
    encoder->configure({});
    const auto decoder = makeDecoder(codec);
    std::array<std::int16_t, kMaxDecodedSamples> pcm;
    Payload payload(kMaxPayloadSize);
    for (int frame = 0; frame < 20; frame++) {
      const Pcm loud = sine(300 + 50 * frame, 8000, 160, 20'000);
      const std::size_t size = encoder->encode(loud, payload);
      decoder->decode(ByteView(payload).first(size), pcm);
    }
    encoder->wipe();
    encoder->configure({});
    decoder->wipe();
    const auto other = makeDecoder(codec);
    std::array<std::int16_t, kMaxDecodedSamples> expected;
    for (const Payload& each : fresh) {
      const std::size_t size = encoder->encode(std::span(quiet).first(160), payload);
      CHECK(Payload(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size)) == each);
      decoder->decode(each, pcm);
      other->decode(each, expected);
      CHECK(std::ranges::equal(std::span(pcm).first(160), std::span(expected).first(160)));
    }
  }
}

TEST_CASE("Opus repeats a lost packet in the next one when the peer can use it") {
  const Pcm sound = allKeys({.durationMs = 80}, 40).pcm;
  const auto payloads = encoded(Codec::kOpus, sound, 160, {.fec = true});
  const auto plain = encoded(Codec::kOpus, sound);
  const auto decoder = makeDecoder(Codec::kOpus);
  const auto whole = makeDecoder(Codec::kOpus);
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  std::array<std::int16_t, kMaxDecodedSamples> intact;
  std::array<std::int16_t, 320> gap;
  int recovered = 0;
  double errorPower = 0;
  double power = 0;
  for (std::size_t n = 0; n + 1 < payloads.size(); n++) {
    whole->decode(payloads[n], intact);
    if (n % 5 != 3) {
      decoder->decode(payloads[n], pcm);
      continue;
    }
    const std::size_t count = decoder->recover(payloads[n + 1], gap);
    CHECK((count == 0 || count == 160));
    recovered += count > 0 ? 1 : 0;
    for (std::size_t i = 0; count > 0 && i < 160; i++) {
      power += std::pow(intact[i], 2);
      errorPower += std::pow(intact[i] - gap[160 + i], 2);
    }
  }
  CHECK(recovered * 5 > static_cast<int>(payloads.size()) / 2);  // what is silent is not repeated
  CHECK(errorPower < power / 2);
  for (const Payload& payload : plain) CHECK(decoder->recover(payload, gap) == 0);
  CHECK(decoder->recover(payloads[8], std::span(gap).first(80)) == 0);  // the gap is shorter than the frame
}

TEST_CASE("Opus keeps to the bit rate the peer asks for") {
  std::mt19937 random(7587);
  Pcm noise(16'000);
  for (auto& sample : noise) sample = static_cast<std::int16_t>(static_cast<int>(random() % 8000) - 4000);
  const auto bitsPerSecond = [&](const OpusWishes& wishes) {
    std::size_t bytes = 0;
    for (const Payload& payload : encoded(Codec::kOpus, noise, 160, wishes)) bytes += payload.size();
    return static_cast<double>(bytes) * 8 / 2;
  };
  CHECK(bitsPerSecond({}) < 32'000);
  CHECK(bitsPerSecond({.maxBitrate = 12'000}) < 14'000);
  CHECK(bitsPerSecond({.maxBitrate = 510'000}) < 32'000);
  CHECK(bitsPerSecond({.maxBitrate = 12'000, .fec = true}) < 14'000);
  const auto constant = encoded(Codec::kOpus, noise, 160, {.maxBitrate = 16'000, .constantBitrate = true});
  for (const Payload& payload : constant) CHECK(payload.size() == 40);
}

TEST_CASE("encoding and decoding allocate nothing") {
  CodecShelf shelf;
  for (const Codec codec : kAll) shelf.stock(codec);
  const Pcm sound = sine(440, 8000, 160);
  std::array<std::uint8_t, kMaxPayloadSize> payload;
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  const std::size_t before = allocations();
  for (int round = 0; round < 50; round++) {
    for (const Codec codec : kAll) {
      AudioEncoder& encoder = shelf.encoder(codec);
      encoder.configure({.maxBitrate = 20'000, .fec = round % 2 == 0});
      const auto bytes = ByteView(payload).first(encoder.encode(sound, payload));
      shelf.decoder(codec).recover(bytes, std::span(pcm).first(320));
      shelf.decoder(codec).decode(bytes, pcm);
      if (round % 10 == 9) {
        encoder.reset();
        shelf.decoder(codec).reset();
      }
    }
  }
  CHECK(allocations() == before);
}

TEST_SUITE_END();
