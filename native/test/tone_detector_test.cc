#include "dsp/tone_detector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

#include "bytes_within.h"
#include "dsp/tone_generator.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("tone_detector_test");

namespace {

constexpr std::size_t kFrame = 160;
constexpr const char* kKeys = "0123456789*#ABCD";

struct Heard {
  std::string keys;
  std::vector<double> onsetsMs;
  std::vector<double> durationsMs;
};

void note(const ToneEdges& edges, Heard& heard) {
  for (std::size_t i = 0; i < edges.count; i++) {
    const ToneEdge& edge = edges.items[i];
    if (edge.down) {
      heard.keys += kKeys[edge.key];
      heard.onsetsMs.push_back(static_cast<double>(edge.onsetSample) / 8);
    } else {
      heard.durationsMs.push_back(edge.durationSamples / 8.0);
    }
  }
}

Heard listen(const std::vector<std::int16_t>& pcm) {
  ToneDetector detector;
  Heard heard;
  for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
    ToneEdges edges;
    detector.feed(std::span(pcm).subspan(at, std::min(kFrame, pcm.size() - at)), edges);
    note(edges, heard);
  }
  return heard;
}

/// Keys heard of one tone of every key, each shifted so that it begins elsewhere in a block.
std::string listenToAll(ToneMaker::Shape shape) {
  std::string keys;
  for (std::uint8_t key = 0; key < 16; key++) {
    shape.key = key;
    ToneMaker maker;
    maker.silence(100 + key * 0.625).tone(shape).silence(100).throughALaw();
    const Heard heard = listen(maker.pcm);
    keys += heard.keys.empty() ? "." : heard.keys;
  }
  return keys;
}

constexpr const char* kNone = "................";

}  // namespace

TEST_CASE("finds every key at levels from 0 to -36 dBm0 per tone, after A-law") {
  for (const double levelDbm0 : {0.0, -3.0, -10.0, -25.0, -36.0}) {
    CAPTURE(levelDbm0);
    CHECK(listenToAll({.levelDbm0 = levelDbm0}) == kKeys);
  }
}

TEST_CASE("hears nothing at -55 dBm0") { CHECK(listenToAll({.levelDbm0 = -55}) == kNone); }

TEST_CASE("accepts 1.5 % off frequency and refuses 3.5 %") {
  for (const double sign : {-1.0, 1.0}) {
    CAPTURE(sign);
    CHECK(listenToAll({.lowOffset = sign * 0.015, .highOffset = sign * 0.015}) == kKeys);
    CHECK(listenToAll({.lowOffset = sign * 0.015, .highOffset = -sign * 0.015}) == kKeys);
    CHECK(listenToAll({.lowOffset = sign * 0.035}) == kNone);
    CHECK(listenToAll({.highOffset = sign * 0.035}) == kNone);
  }
}

TEST_CASE("accepts the high tone from 8 dB below to 4 dB above the low one") {
  for (const double highOverLowDb : {-8.0, -4.0, 0.0, 4.0}) {
    CAPTURE(highOverLowDb);
    CHECK(listenToAll({.levelDbm0 = -16, .highOverLowDb = highOverLowDb}) == kKeys);
  }
  CHECK(listenToAll({.levelDbm0 = -10, .highOverLowDb = -13}) == kNone);
  CHECK(listenToAll({.levelDbm0 = -20, .highOverLowDb = 9}) == kNone);
}

TEST_CASE("accepts 40 ms and refuses 23 ms") {
  CHECK(listenToAll({.durationMs = 40}) == kKeys);
  CHECK(listenToAll({.durationMs = 23}) == kNone);
}

TEST_CASE("a pause of 40 ms separates two presses of one key, a break below 20 ms does not") {
  for (const double breakMs : {1.0, 5.0, 10.0, 15.0, 19.0}) {
    CAPTURE(breakMs);
    for (double shiftMs = 0; shiftMs < 4; shiftMs += 0.5) {
      ToneMaker maker;
      maker.silence(50 + shiftMs)
          .tone({.durationMs = 60})
          .silence(breakMs)
          .tone({.durationMs = 60})
          .silence(100);
      CHECK(listen(maker.pcm).keys == "5");
    }
  }
  for (double shiftMs = 0; shiftMs < 4; shiftMs += 0.5) {
    ToneMaker maker;
    maker.silence(50 + shiftMs).tone({.durationMs = 50}).silence(40).tone({.durationMs = 50}).silence(100);
    CHECK(listen(maker.pcm).keys == "55");
  }
}

TEST_CASE("keys that follow each other at full speed are all found, in order") {
  ToneMaker maker;
  maker.silence(30);
  for (const int key : {4, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 9}) {
    maker.tone({.key = static_cast<std::uint8_t>(key), .durationMs = 50}).silence(45);
  }
  maker.silence(100);
  CHECK(listen(maker.pcm).keys == "411111111239");
}

TEST_CASE("finds keys 12 dB above noise, and none in noise alone") {
  for (unsigned seed = 1; seed <= 8; seed++) {
    CAPTURE(seed);
    ToneMaker maker;
    for (std::uint8_t key = 0; key < 16; key++) maker.silence(60).tone({.key = key, .levelDbm0 = -20});
    maker.silence(100).noise(-32, seed);
    CHECK(listen(maker.pcm).keys == kKeys);
    ToneMaker quiet;
    quiet.silence(20'000).noise(-20, seed);
    CHECK(listen(quiet.pcm).keys == "");
  }
}

TEST_CASE("one tone alone, dial tone and a chord of three are no key") {
  for (const double levelDbm0 : {-3.0, -20.0}) {
    ToneMaker single;
    single.tone({.durationMs = 300, .levelDbm0 = levelDbm0, .highOverLowDb = -60});
    CHECK(listen(single.pcm).keys == "");
  }
  ToneMaker first;
  first.tone({.key = 1, .durationMs = 300});
  ToneMaker second;
  second.tone({.key = 5, .durationMs = 300});
  for (std::size_t i = 0; i < first.pcm.size(); i++)
    first.pcm[i] = static_cast<std::int16_t>(first.pcm[i] + second.pcm[i]);
  CHECK(listen(first.pcm).keys == "");
}

TEST_CASE("estimates onset within 2 ms and duration within 5 ms") {
  for (double shiftMs = 0; shiftMs < 8; shiftMs += 0.375) {
    CAPTURE(shiftMs);
    ToneMaker maker;
    maker.silence(100 + shiftMs).tone({.durationMs = 100}).silence(100);
    const Heard heard = listen(maker.pcm);
    REQUIRE(heard.onsetsMs.size() == 1);
    CHECK(std::abs(heard.onsetsMs[0] - 100 - shiftMs) <= 2);
    REQUIRE(heard.durationsMs.size() == 1);
    CHECK(std::abs(heard.durationsMs[0] - 100) <= 5);
  }
}

TEST_CASE("lost frames neither end a key nor begin one") {
  ToneMaker maker;
  maker.silence(100).tone({.durationMs = 200}).silence(100);
  for (std::size_t lost = 5; lost < 16; lost++) {
    CAPTURE(lost);
    ToneDetector detector;
    Heard heard;
    for (std::size_t frame = 0; frame * kFrame < maker.pcm.size(); frame++) {
      ToneEdges edges;
      if (frame == lost || frame == lost + 1)
        detector.conceal(kFrame, edges);
      else
        detector.feed(std::span(maker.pcm).subspan(frame * kFrame, kFrame), edges);
      note(edges, heard);
    }
    CHECK(heard.keys == "5");
    CHECK(heard.durationsMs.size() == 1);
  }
}

TEST_CASE("a key that goes on behind any loss a stream goes on over is the same press") {
  for (const std::size_t lostMs : {20U, 60U, 120U, 160U, 200U}) {
    CAPTURE(lostMs);
    ToneMaker maker;
    maker.silence(100).tone({.durationMs = 400}).silence(100);
    ToneDetector detector;
    Heard heard;
    for (std::size_t frame = 0; frame * kFrame < maker.pcm.size(); frame++) {
      ToneEdges edges;
      if (frame >= 10 && frame < 10 + lostMs / 20)
        detector.conceal(kFrame, edges);
      else
        detector.feed(std::span(maker.pcm).subspan(frame * kFrame, kFrame), edges);
      note(edges, heard);
    }
    CHECK(heard.keys == "5");
    CHECK(heard.durationsMs.size() == 1);
  }
}

TEST_CASE("a key that is lost for long, or reset away, comes up") {
  ToneMaker maker;
  maker.tone({.durationMs = 100});
  ToneDetector detector;
  Heard heard;
  ToneEdges edges;
  detector.feed(maker.pcm, edges);
  note(edges, heard);
  CHECK(heard.keys == "5");
  edges = {};
  detector.conceal(2000, edges);
  note(edges, heard);
  CHECK(heard.durationsMs.size() == 1);
  edges = {};
  detector.feed(maker.pcm, edges);
  detector.reset(edges);
  note(edges, heard);
  CHECK(heard.keys == "55");
  CHECK(heard.durationsMs.size() == 2);
  CHECK(detector.samplesFed() == 0);
}

TEST_CASE("a lost packet that was filled in without a word is bridged") {
  // Keys of 50 ms, so that 20 ms lost in the middle leave no stretch that is long enough alone.
  for (const bool repeats : {false, true}) {
    CAPTURE(repeats);
    for (std::uint8_t key = 0; key < 10; key++) {
      CAPTURE(key);
      ToneMaker maker;
      maker.silence(125).tone({.key = key, .durationMs = 50}).silence(125).noise(-50, key + 1U);
      for (std::size_t n = 1120; n < 1280; n++) maker.pcm[n] = repeats ? maker.pcm[n - 160] : std::int16_t{0};
      CHECK(listen(maker.pcm).keys == std::string(1, kKeys[key]));
    }
  }
}

TEST_CASE("an echo up to 250 ms late and 20 dB down is no second press, a softer second press is one") {
  for (const double delayMs : {20.0, 60.0, 130.0, 250.0}) {
    CAPTURE(delayMs);
    ToneMaker maker;
    maker.silence(100);
    for (const int key : {1, 1, 5, 5, 9, 0})
      maker.tone({.key = static_cast<std::uint8_t>(key), .durationMs = 60}).silence(80);
    maker.silence(400);
    const auto dry = maker.pcm;
    const auto delay = static_cast<std::size_t>(delayMs * 8);
    for (std::size_t n = delay; n < dry.size(); n++)
      maker.pcm[n] = ToneMaker::clipped(dry[n] + 0.1 * dry[n - delay]);
    CHECK(listen(maker.pcm).keys == "115590");
  }
  ToneMaker softer;
  softer.silence(100).tone({.levelDbm0 = -6}).silence(90).tone({.levelDbm0 = -20}).silence(100);
  CHECK(listen(softer.pcm).keys == "55");
}

TEST_CASE("dial tone as loud as each tone does not hide a key") {
  ToneMaker maker;
  for (std::uint8_t key = 0; key < 16; key++) maker.silence(60).tone({.key = key, .levelDbm0 = -15});
  maker.silence(100);
  const double peak = ToneMaker::peakOf(-15);
  for (std::size_t n = 0; n < maker.pcm.size(); n++) {
    const double at = 2 * std::numbers::pi * static_cast<double>(n) / kSampleRateHz;
    maker.pcm[n] = ToneMaker::clipped(maker.pcm[n] + peak * (std::sin(350 * at) + std::sin(440 * at)));
  }
  CHECK(listen(maker.pcm).keys == kKeys);
}

TEST_CASE("stands whatever it is fed: any samples, any lengths, any losses, resets in between") {
  std::mt19937 random(1);
  ToneDetector detector;
  for (int round = 0; round < 4000; round++) {
    std::vector<std::int16_t> pcm(random() % 400);
    ToneMaker maker;
    maker.tone({.key = static_cast<std::uint8_t>(random() % 16), .durationMs = 50, .levelDbm0 = 3});
    for (std::size_t n = 0; n < pcm.size(); n++) {
      const bool isNoise = round % 3 == 0;
      pcm[n] = isNoise          ? static_cast<std::int16_t>(random())
               : round % 3 == 1 ? maker.pcm[n]
                                : std::int16_t{-32768};
    }
    ToneEdges edges;
    if (random() % 5 == 0)
      detector.conceal(pcm.size(), edges);
    else
      detector.feed(pcm, edges);
    const std::int64_t fed = detector.samplesFed();
    if (random() % 100 == 0) detector.reset(edges);
    for (std::size_t i = 0; i < edges.count; i++) {
      REQUIRE(edges.items[i].key < 16);
      REQUIRE(edges.items[i].onsetSample <= fed);
    }
  }
}

TEST_CASE("a key keeps out of the memory of a detector that was wiped") {
  ToneMaker maker;
  maker.tone({.durationMs = 100});
  ToneDetector detector;
  ToneEdges edges;
  detector.feed(maker.pcm, edges);
  detector.wipe();
  const auto* bytes = reinterpret_cast<const unsigned char*>(&detector);
  CHECK(std::all_of(bytes, bytes + sizeof detector, [](unsigned char byte) { return byte == 0; }));
}

TEST_CASE("keys keep out of the memory of a detector that goes on, once nobody keys") {
  ToneMaker maker;
  maker.silence(12'345);  // so that an onset is a number found nowhere by chance
  for (std::uint8_t key = 0; key < 6; key++) maker.tone({.key = key, .durationMs = 60}).silence(80);
  ToneDetector detector;
  std::vector<std::int64_t> onsets;
  const auto feed = [&](const std::vector<std::int16_t>& pcm) {
    for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
      ToneEdges edges;
      detector.feed(std::span(pcm).subspan(at, std::min(kFrame, pcm.size() - at)), edges);
      for (std::size_t i = 0; i < edges.count; i++) {
        if (edges.items[i].down) onsets.push_back(edges.items[i].onsetSample);
      }
    }
  };
  feed(maker.pcm);
  REQUIRE(onsets.size() == 6);
  const auto isHeld = [&](std::int64_t onset) { return isWithin(detector, onset); };
  CHECK(std::ranges::all_of(onsets, isHeld));
  feed(ToneMaker{}.silence(5100).pcm);
  CHECK(std::ranges::none_of(onsets, isHeld));
}

TEST_CASE("finds the keys of our own generator") {
  ToneGenerator generator;
  std::vector<std::int16_t> pcm(800);
  for (std::uint8_t key = 0; key < 16; key++) {
    generator.press(key, 80);
    std::vector<std::int16_t> frame(kFrame);
    while (generator.render(frame)) pcm.insert(pcm.end(), frame.begin(), frame.end());
  }
  pcm.resize(pcm.size() + 800);
  CHECK(listen(pcm).keys == kKeys);
}

TEST_SUITE_END();
