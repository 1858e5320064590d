#include "media/clamp.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "clamp_passage.h"
#include "keying.h"
#include "listening.h"
#include "no_allocation.h"

TEST_SUITE_BEGIN("clamp_test");

using namespace hushpay;

namespace {

bool isClosed(const Passage& stretch) {
  return std::ranges::none_of(stretch.pass, [](Pass pass) { return pass == Pass::kOpen; }) &&
         std::ranges::all_of(stretch.pcm, [](std::int16_t value) { return value == 0; });
}

}  // namespace

TEST_CASE("what it cannot vouch for is closed") {
  Clamp clamp;
  const auto speech = voice(1'000, 8);
  clamp.arm();
  through(clamp, speech);
  SUBCASE("an unknown payload") {
    CHECK(isClosed(through(clamp, speech, Heard::kUnknown)) ==
          false);  // the line still holds 20 ms of before
    CHECK(isClosed(through(clamp, speech, Heard::kUnknown)));
  }
  SUBCASE("a telephone-event, what was in the line before it, and 40 ms more") {
    CHECK(isClosed(through(clamp, std::vector<std::int16_t>(480), Heard::kEvent)));
    CHECK(isClosed(through(clamp, std::span(speech).first(320))));
  }
  SUBCASE("what SIP INFO covers") {
    clamp.cover(800);
    CHECK(isClosed(through(clamp, std::span(speech).first(800))));
    CHECK(clamp.report().otherPresses == 1);
  }
  SUBCASE("the beginning of another stream") {
    clamp.reset();
    CHECK(isClosed(through(clamp, std::span(speech).first(160))));
    CHECK(!isClosed(through(clamp, std::span(speech).first(1600))));
  }
  SUBCASE("what is lost is missing, not replaced; so are the last milliseconds before it") {
    const Passage out = through(clamp, std::vector<std::int16_t>(320), Heard::kLost);
    CHECK(out.pass[100] == Pass::kOpen);
    CHECK(out.pass[120] == Pass::kMissing);
    CHECK(out.pass[200] == Pass::kMissing);
    CHECK(clamp.report().missingSamples > 0);
  }
  SUBCASE("nothing when it is wiped: it is disarmed") {
    clamp.wipe();
    CHECK(!clamp.armed());
  }
}

TEST_CASE("a key that is already down when the clamp is armed is not heard again") {
  const Take take = record({.name = "held", .onMs = 600, .offMs = 400}, 1, {}, 2);
  Clamp clamp;
  const auto half = static_cast<std::size_t>(take.presses[0].onset / 160 * 160 + 1600);
  through(clamp, std::span(take.pcm).first(half));
  clamp.arm();
  const auto end = static_cast<std::size_t>(take.presses[0].end / 160 * 160);
  CHECK(isClosed(through(clamp, std::span(take.pcm).subspan(half, end - half))));
}

TEST_CASE("what waits to be heard when the clamp is armed is vouched for, or is not") {
  constexpr int kWaiting = 40 * 8;
  constexpr int kComesAgain = Clamp::kLookAhead;
  Clamp clamp;
  SUBCASE("a voice is") {
    const auto speech = voice(2'000, 8);
    int vouched = 0;
    for (std::size_t end = 8'000; end < 16'000; end += 160) {
      clamp.wipe();
      through(clamp, std::span(speech).first(end));
      vouched += clamp.arm(kWaiting) == kComesAgain ? 1 : 0;
    }
    CHECK(vouched >= 48);  // of 50: an alarm may be wrong
  }
  SUBCASE("a key is not, wherever in it the clamp is armed, nor its end") {
    const Take take =
        record({.name = "key", .onMs = 80, .offMs = 200, .speechUnderDb = 15}, 1, voice(2'000, 4), 3);
    const Press press = take.presses[0];
    for (std::int64_t end = press.onset / 8 * 8 + kComesAgain; end < press.end + kWaiting - 40; end += 40) {
      CAPTURE(end - press.onset);
      clamp.wipe();
      through(clamp, std::span(take.pcm).first(static_cast<std::size_t>(end)));
      CHECK(clamp.arm(kWaiting) == kWaiting);
    }
  }
  SUBCASE("nor what came while a carrier knew of a key; what follows that is closed until it comes up") {
    const auto speech = voice(1'000, 8);
    through(clamp, speech);
    clamp.keyDown(KeyCarrier::kTone, 5, 320);
    SUBCASE("and is down") {
      CHECK(clamp.arm(kWaiting) == kWaiting);
      CHECK(isClosed(through(clamp, std::span(speech).first(1600))));
      clamp.keyUp(KeyCarrier::kTone, 0);
      CHECK(!isClosed(through(clamp, std::span(speech).first(1600))));
    }
    SUBCASE("and came up 20 ms ago") {
      clamp.keyUp(KeyCarrier::kTone, 160);
      CHECK(clamp.arm(kWaiting) == kWaiting);
    }
  }
  SUBCASE("nor more than it can remember") {
    through(clamp, std::vector<std::int16_t>(4'000));
    CHECK(clamp.arm(1'000) == 1'000);
    CHECK(clamp.arm(1'000) == 0);  // it is armed
  }
}

TEST_CASE("arming and disarming do not click and lose nothing") {
  for (const double hz : {180.0, 330.0, 1000.0}) {
    CAPTURE(hz);
    const auto pcm = sine(3'000, hz, -12);
    Clamp clamp;
    std::vector<std::int16_t> heard;
    const auto add = [&](const Passage& stretch) {
      heard.insert(heard.end(), stretch.pcm.begin(), stretch.pcm.end());
    };
    add(through(clamp, std::span(pcm).first(8'000)));
    clamp.arm();
    CHECK(clamp.armed());
    add(through(clamp, std::span(pcm).subspan(8'000, 4'000)));
    clamp.disarm();
    CHECK(clamp.armed());  // the delay is still there
    add(through(clamp, std::span(pcm).subspan(12'000)));
    CHECK(!clamp.armed());
    // A tone that starts again anywhere would step by up to its peak.
    CHECK(largestStep(heard) <= largestStep(pcm) * 5 / 4);
  }
}

TEST_CASE("a word that follows the arming is whole, 20 ms later; after disarming it is on time again") {
  Clamp clamp;
  const std::vector<std::int16_t> quiet(1'600);
  const auto word = voice(400, 12);
  through(clamp, quiet);
  clamp.arm();
  std::vector<std::int16_t> said = word;
  said.resize(word.size() + 160);
  const Passage armed = through(clamp, said);
  CHECK(std::equal(word.begin(), word.end(), armed.pcm.begin() + 160));
  clamp.disarm();
  through(clamp, quiet);
  CHECK(!clamp.armed());
  CHECK(through(clamp, word).pcm == word);
}

TEST_CASE("disarmed it is not there") {
  Clamp clamp;
  const Take take = record({.name = "plain"}, 4, {}, 3);
  const Passage out = through(clamp, take.pcm);
  CHECK(out.pcm == take.pcm);
  CHECK(clamp.report().clampedSamples == 0);
}

TEST_CASE("the record says what happened") {
  const Take take = record({.name = "plain"}, 10, {}, 6);
  const ClampReport report = clampTake(take).report;
  CHECK(report.tonePresses == 10);
  CHECK(report.guardEvents == 0);
  CHECK(report.worstResidualDbm0 <= -60);
  CHECK(report.clampedSamples >= 10 * 80 * 8);
  SUBCASE("alarms that no key followed") {
    Clamp clamp;
    clamp.arm();
    through(clamp, take.pcm);  // nobody counts
    CHECK(clamp.report().guardEvents == 10);
  }
  SUBCASE("a press that was let through shows") {
    ResidualMeter meter;
    meter.wipe();
    const Press press = take.presses[0];
    meter.hear(std::span(take.pcm).first(static_cast<std::size_t>(press.end)));
    meter.press(press.key, static_cast<int>(press.end - press.onset));
    CHECK(meter.worstDbm0() > -9);  // two tones of -10 dBm0
    CHECK(meter.worstDbm0() < -4);
  }
}

TEST_CASE("it takes samples in any portions alike") {
  const Take take = record({.name = "plain"}, 4, {}, 3);
  Clamp one;
  Clamp other;
  one.arm();
  other.arm();
  const Passage whole = through(one, take.pcm);
  Passage parts;
  std::mt19937 random(1);
  for (std::size_t at = 0; at < take.pcm.size();) {
    const std::size_t size = std::min<std::size_t>(1 + random() % 300, take.pcm.size() - at);
    const Passage part = through(other, std::span(take.pcm).subspan(at, size));
    parts.pcm.insert(parts.pcm.end(), part.pcm.begin(), part.pcm.end());
    at += size;
  }
  CHECK(whole.pcm == parts.pcm);
}

TEST_CASE("comfort noise is as loud as the line, up to -60 dBm0, and knows nothing of a tone") {
  for (const double lineDbm0 : {-75.0, -68.0, -62.0}) {
    CAPTURE(lineDbm0);
    const Take take = record({.name = "plain", .onMs = 400, .noiseDbm0 = lineDbm0}, 6, {}, 4);
    const Clamped clamped = clampTake(take);
    const auto levelOf = [](std::span<const std::int16_t> pcm) {
      double power = 0;
      for (const double value : pcm) power += value * value / static_cast<double>(pcm.size());
      return kFullScaleDbm0 + 10 * std::log10(2 * power / (32767.0 * 32767.0));
    };
    const Press& press = take.presses[3];
    const double level =
        levelOf(std::span(clamped.pcm).subspan(static_cast<std::size_t>(press.onset + 400), 2000));
    CHECK(level <= -58);
    CHECK(level >= lineDbm0 - 9);  // without the middle of the band
    CHECK(level <= lineDbm0 + 3);
  }
}

TEST_CASE("a call of all that can happen allocates nothing") {
  const Take take = record({.name = "loss", .lossPercent = 5}, 8, {}, 3);
  const auto clamp = std::make_unique<Clamp>();
  const auto fill = std::make_unique<ClampFill>();
  std::array<std::int16_t, 160> out{};
  std::array<Pass, 160> pass{};
  const std::size_t before = allocations();
  clamp->arm();
  for (std::size_t at = 0; at + 160 <= take.pcm.size(); at += 160) {
    const auto frame = std::span(take.pcm).subspan(at, 160);
    const auto number = at / 160;
    if (number == 20) clamp->keyDown(KeyCarrier::kEvent, 5, 40);
    if (number == 25) clamp->keyUp(KeyCarrier::kEvent, 10);
    if (number == 40) clamp->cover(400);
    if (number == 60) clamp->disarm();
    if (number == 80) clamp->arm();
    if (number == 90) clamp->reset();
    clamp->process(frame, take.lost[number] ? Heard::kLost : Heard::kAudio, out, pass);
    fill->learn(out, pass);
    fill->fill(ClampMode::kComfortNoise, out, pass);
  }
  CHECK(allocations() == before);
  const auto proof = std::make_unique<std::size_t>(1);  // that they are counted
  CHECK(allocations() == before + *proof);
}

TEST_SUITE_END();
