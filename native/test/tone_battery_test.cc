// Keys under every condition that has a limit in Q.24, ES 201 235-3 or RFC 4733, and under those of a bad
// line. The generated set is the same on every machine. What Q.24 accepts must be found whole, what it
// refuses never.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "dsp/tone_detector.h"
#include "media/wav.h"
#include "tone_maker.h"

using namespace hushpay;

TEST_SUITE_BEGIN("tone_battery_test");

namespace {

constexpr std::size_t kFrame = 160;
constexpr int kStrings = 8;  // of each condition
constexpr int kDigits = 16;
constexpr const char* kKeys = "0123456789*#ABCD";

std::string keysIn(std::span<const std::int16_t> pcm) {
  ToneDetector detector;
  std::string keys;
  for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
    ToneEdges edges;
    detector.feed(pcm.subspan(at, std::min(kFrame, pcm.size() - at)), edges);
    for (std::size_t i = 0; i < edges.count; i++) {
      if (edges.items[i].down) keys += kKeys[edges.items[i].key];
    }
  }
  return keys;
}

/// A recorded prompt after another, 12 dB quieter than it was made, as if somebody spoke to the telephone.
std::vector<std::int16_t> recordedSpeech(std::size_t samples, unsigned seed) {
  static const auto kFiles = [] {
    std::vector<std::string> files;
    for (const char* locale : {"/en-GB", "/en-US"}) {
      for (const auto& entry : std::filesystem::directory_iterator(HUSHPAY_AUDIO + std::string(locale)))
        if (entry.path().extension() == ".wav") files.push_back(entry.path().string());
    }
    std::ranges::sort(files);
    return files;
  }();
  std::mt19937 random(seed);
  std::vector<std::int16_t> out;
  while (out.size() < samples) {
    const auto clip = readWav(kFiles[random() % kFiles.size()]);
    const auto& pcm = std::get<std::vector<std::int16_t>>(clip);
    out.insert(out.end(), pcm.begin(), pcm.end());
  }
  out.resize(samples);
  return out;
}

/// Root mean square of what is louder than a thirtieth of the loudest frame: silence between words does not
/// count.
double activeLevel(const std::vector<std::int16_t>& pcm) {
  std::vector<double> powers;
  for (std::size_t at = 0; at + kFrame <= pcm.size(); at += kFrame) {
    double sum = 0;
    for (std::size_t n = at; n < at + kFrame; n++) sum += static_cast<double>(pcm[n]) * pcm[n];
    powers.push_back(sum / kFrame);
  }
  const double least = *std::ranges::max_element(powers) / 1000;
  double sum = 0;
  int count = 0;
  for (const double power : powers) {
    if (power < least) continue;
    sum += power;
    count++;
  }
  return std::sqrt(sum / count);
}

/// @param downDb  of the speech, below both tones together
ToneMaker& underSpeech(ToneMaker& maker, double levelDbm0, double downDb, unsigned seed) {
  const auto speech = recordedSpeech(maker.pcm.size(), seed);
  const double tones = ToneMaker::peakOf(levelDbm0);  // both together: peak of one = root mean square of two
  return maker.under(speech, tones * std::pow(10, -downDb / 20) / activeLevel(speech));
}

using Impair = std::function<void(ToneMaker& maker, unsigned seed)>;

struct Condition {
  const char* name;
  ToneMaker::Shape shape{};
  double gapMs = 60;
  Impair impair = {};
  int leastExact = kStrings;  // of kStrings
};

/// Random digits, whatever the shape says of the key.
std::string press(ToneMaker& maker, const Condition& condition, unsigned seed) {
  std::mt19937 random(seed);
  std::string keyed;
  maker.silence(150 + 0.125 * static_cast<double>(random() % 160));
  for (int i = 0; i < kDigits; i++) {
    ToneMaker::Shape shape = condition.shape;
    shape.key = static_cast<std::uint8_t>(random() % 10);
    keyed += kKeys[shape.key];
    maker.tone(shape).silence(condition.gapMs);
  }
  maker.silence(300);
  return keyed;
}

int exactStrings(const Condition& condition) {
  int exact = 0;
  for (unsigned seed = 1; seed <= kStrings; seed++) {
    ToneMaker maker;
    const std::string keyed = press(maker, condition, seed);
    if (condition.impair) condition.impair(maker, seed);
    maker.throughALaw();
    exact += keysIn(maker.pcm) == keyed ? 1 : 0;
  }
  return exact;
}

Impair noise(double levelDbm0) {
  return [=](ToneMaker& maker, unsigned seed) { maker.noise(levelDbm0, seed); };
}

Impair loss(int percent, ToneMaker::Fill fill) {
  return [=](ToneMaker& maker, unsigned seed) { maker.lose(percent, fill, seed); };
}

Impair echo(double delayMs, double downDb) {
  return [=](ToneMaker& maker, unsigned) { maker.echo(delayMs, downDb); };
}

Impair speech(double downDb) {
  return [=](ToneMaker& maker, unsigned seed) { underSpeech(maker, -10, downDb, seed); };
}

Impair dialTone(double levelDbm0) {
  return [=](ToneMaker& maker, unsigned) { maker.hum(350, levelDbm0).hum(440, levelDbm0); };
}

}  // namespace

TEST_CASE("what the standards accept is found whole") {
  const std::vector<Condition> conditions = {
      {.name = "40 ms on, 40 ms off", .shape = {.durationMs = 40}, .gapMs = 40},
      {.name = "93 ms a digit", .shape = {.durationMs = 50}, .gapMs = 43},
      {.name = "one second", .shape = {.durationMs = 1000}},
      {.name = "0 dBm0", .shape = {.durationMs = 50, .levelDbm0 = 0}},
      {.name = "-25 dBm0", .shape = {.durationMs = 50, .levelDbm0 = -25}},
      {.name = "-36 dBm0", .shape = {.durationMs = 50, .levelDbm0 = -36}},
      {.name = "high tone 4 dB up", .shape = {.durationMs = 50, .levelDbm0 = -14, .highOverLowDb = 4}},
      {.name = "high tone 8 dB down", .shape = {.durationMs = 50, .highOverLowDb = -8}},
      {.name = "both 1.5 % up", .shape = {.durationMs = 50, .lowOffset = 0.015, .highOffset = 0.015}},
      {.name = "both 1.5 % down", .shape = {.durationMs = 50, .lowOffset = -0.015, .highOffset = -0.015}},
      {.name = "1.5 % apart", .shape = {.durationMs = 50, .lowOffset = -0.015, .highOffset = 0.015}},
      {.name = "1.5 % together", .shape = {.durationMs = 50, .lowOffset = 0.015, .highOffset = -0.015}},
      {.name = "all limits at once",
       .shape = {.durationMs = 45,
                 .levelDbm0 = -17,
                 .highOverLowDb = -8,
                 .lowOffset = 0.015,
                 .highOffset = -0.015}},
      {.name = "a break of 10 ms", .shape = {.durationMs = 110, .breakMs = 10}},
      {.name = "a break of 19 ms", .shape = {.durationMs = 119, .breakMs = 19}},
      {.name = "noise 15 dB down", .shape = {.durationMs = 50, .levelDbm0 = -10}, .impair = noise(-25)},
      {.name = "dial tone 10 dB down",
       .shape = {.durationMs = 50, .levelDbm0 = -10},
       .impair = dialTone(-20)},
      {.name = "echo 20 ms late, 10 dB down",
       .shape = {.durationMs = 60},
       .gapMs = 80,
       .impair = echo(20, 10)},
      {.name = "echo 250 ms late, 20 dB down",
       .shape = {.durationMs = 60},
       .gapMs = 80,
       .impair = echo(250, 20)},
  };
  for (const Condition& condition : conditions) {
    INFO(condition.name);
    CHECK(exactStrings(condition) == kStrings);
  }
}

TEST_CASE("what a bad line does to keys") {
  using enum ToneMaker::Fill;
  const ToneMaker::Shape quick{.durationMs = 50, .levelDbm0 = -10};
  const ToneMaker::Shape slow{.durationMs = 100, .levelDbm0 = -10};
  const std::vector<Condition> conditions = {
      {.name = "noise 9 dB down", .shape = quick, .impair = noise(-19)},
      {.name = "hum as loud as a tone",
       .shape = quick,
       .impair = [](ToneMaker& maker, unsigned) { maker.hum(60, -10); }},
      {.name = "5 % lost, zeros, 100 ms", .shape = slow, .gapMs = 100, .impair = loss(5, kZeros)},
      {.name = "5 % lost, repeated, 100 ms", .shape = slow, .gapMs = 100, .impair = loss(5, kCopy)},
      {.name = "1 % lost, zeros, 50 ms", .shape = quick, .impair = loss(1, kZeros), .leastExact = 7},
      {.name = "1 % lost, repeated, 50 ms", .shape = quick, .impair = loss(1, kCopy), .leastExact = 7},
      {.name = "speech 15 dB down, 50 ms", .shape = quick, .impair = speech(15)},
      {.name = "speech 10 dB down, 50 ms", .shape = quick, .impair = speech(10), .leastExact = 7},
      {.name = "speech 6 dB down, 50 ms", .shape = quick, .impair = speech(6), .leastExact = 4},
      {.name = "speech 6 dB down, 100 ms", .shape = slow, .gapMs = 100, .impair = speech(6), .leastExact = 7},
  };
  for (const Condition& condition : conditions) {
    INFO(condition.name);
    CHECK(exactStrings(condition) >= condition.leastExact);
  }
}

TEST_CASE("what the standards refuse is never found") {
  const std::vector<Condition> conditions = {
      {.name = "10 ms", .shape = {.durationMs = 10}},
      {.name = "20 ms", .shape = {.durationMs = 20}},
      {.name = "23 ms", .shape = {.durationMs = 23}},
      {.name = "-55 dBm0", .shape = {.durationMs = 100, .levelDbm0 = -55}},
      {.name = "low tone 3.5 % up", .shape = {.durationMs = 100, .lowOffset = 0.035}},
      {.name = "low tone 3.5 % down", .shape = {.durationMs = 100, .lowOffset = -0.035}},
      {.name = "high tone 3.5 % up", .shape = {.durationMs = 100, .highOffset = 0.035}},
      {.name = "high tone 3.5 % down", .shape = {.durationMs = 100, .highOffset = -0.035}},
      {.name = "both 3.5 % off", .shape = {.durationMs = 100, .lowOffset = 0.035, .highOffset = 0.035}},
      {.name = "high tone 18 dB down", .shape = {.durationMs = 100, .levelDbm0 = -6, .highOverLowDb = -18}},
      {.name = "high tone 18 dB up", .shape = {.durationMs = 100, .levelDbm0 = -24, .highOverLowDb = 18}},
  };
  for (const Condition& condition : conditions) {
    INFO(condition.name);
    for (unsigned seed = 1; seed <= kStrings; seed++) {
      ToneMaker maker;
      press(maker, condition, seed);
      maker.throughALaw();
      CHECK(keysIn(maker.pcm) == "");
    }
  }
}

TEST_CASE("nothing else on a line is a key") {
  const std::vector<std::pair<const char*, std::vector<double>>> tones = {
      {"dial tone", {350, 440}},
      {"busy", {480, 620}},
      {"ringing", {440, 480}},
      {"fax", {1100}},
      {"answer tone", {2100}},
      {"milliwatt", {1004}},
      {"special information", {950, 1400, 1800}},
      {"R2", {1380, 1500}},
      {"two of one row", {697, 770}},
      {"two of one column", {1209, 1477}},
  };
  for (const auto& tone : tones) {
    INFO(tone.first);
    for (const double levelDbm0 : {-10.0, -20.0}) {
      ToneMaker maker;
      for (int i = 0; i < 6; i++) {
        ToneMaker burst;
        burst.silence(250 + i);
        for (const double hz : tone.second) burst.hum(hz, levelDbm0);
        maker.pcm.insert(maker.pcm.end(), burst.pcm.begin(), burst.pcm.end());
        maker.silence(120);
      }
      CHECK(keysIn(maker.pcm) == "");
    }
  }
  ToneMaker swept;  // two gliding tones that cross every frequency of the keypad
  for (std::size_t n = 0; n < 10 * kSampleRateHz; n++) {
    static double low = 0;
    static double high = 0;
    const double share = static_cast<double>(n) / (10 * kSampleRateHz);
    low += 2 * std::numbers::pi * (500 + 700 * std::fmod(43 * share, 1)) / kSampleRateHz;
    high += 2 * std::numbers::pi * (1100 + 700 * std::fmod(33 * share, 1)) / kSampleRateHz;
    swept.pcm.push_back(ToneMaker::clipped(8000 * (std::sin(low) + std::sin(high))));
  }
  CHECK(keysIn(swept.pcm) == "");
}

TEST_CASE("no recorded prompt holds a key") {
  int clips = 0;
  for (const char* locale : {"/en-GB", "/en-US"}) {
    for (const auto& entry : std::filesystem::directory_iterator(HUSHPAY_AUDIO + std::string(locale))) {
      if (entry.path().extension() != ".wav") continue;
      const auto clip = readWav(entry.path().string());
      INFO(entry.path().filename().string());
      const auto& pcm = std::get<std::vector<std::int16_t>>(clip);
      CHECK(keysIn(pcm) == "");
      ToneMaker maker;  // nor right behind a key, when another is believed sooner
      maker.silence(100).tone({.key = 3, .durationMs = 80}).silence(100);
      maker.pcm.insert(maker.pcm.end(), pcm.begin(), pcm.end());
      CHECK(keysIn(maker.pcm) == "3");
      clips++;
    }
  }
  CHECK(clips > 500);
}

TEST_SUITE_END();
