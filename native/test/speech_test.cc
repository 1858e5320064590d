// What codecs, their resampling and a room leave of recorded speech.
#include <doctest/doctest.h>

#include "codec/codec.h"
#include "party.h"
#include "recorded_speech.h"

using namespace hushpay;

TEST_SUITE_BEGIN("speech_test");

namespace {

constexpr std::array kAll = {Codec::kPcmu, Codec::kPcma, Codec::kG722,
                             Codec::kOpus, Codec::kL16,  Codec::kL16Wide};
constexpr const char* kNames[] = {"PCMU", "PCMA", "G722", "Opus", "L16/8000", "L16/16000"};
constexpr std::size_t kPacket = 160;

std::string nameOf(Codec codec) { return kNames[static_cast<std::size_t>(codec)]; }

Pcm through(Codec codec, const Pcm& said) {
  const auto encoder = makeEncoder(codec);
  const auto decoder = makeDecoder(codec);
  Pcm heard;
  std::array<std::uint8_t, kMaxPayloadSize> payload;
  std::array<std::int16_t, kMaxDecodedSamples> part;
  for (std::size_t at = 0; at + kPacket <= said.size(); at += kPacket) {
    const std::size_t size = encoder->encode(std::span(said).subspan(at, kPacket), payload);
    const std::size_t count = decoder->decode(ByteView(payload).first(size), part);
    heard.insert(heard.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return heard;
}

/// How many samples later it is heard.
std::size_t delayOf(const Pcm& said, std::span<const std::int16_t> heard, std::size_t most) {
  std::size_t best = 0;
  double bestProduct = -1;
  const std::size_t count = std::min({said.size(), heard.size() - most, std::size_t{16'000}});
  for (std::size_t lag = 0; lag <= most; lag++) {
    double product = 0;
    for (std::size_t n = 0; n < count; n++) product += static_cast<double>(said[n]) * heard[n + lag];
    if (product <= bestProduct) continue;
    bestProduct = product;
    best = lag;
  }
  return best;
}

/// Mean distance of the spectra where somebody speaks.
double distanceDb(const Pcm& said, std::span<const std::int16_t> heard) {
  double sum = 0;
  int frames = 0;
  for (std::size_t at = 0; at + speech::kFrame <= std::min(said.size(), heard.size()); at += speech::kFrame) {
    const auto before = std::span(said).subspan(at, speech::kFrame);
    double energy = 0;
    for (const std::int16_t sample : before) energy += static_cast<double>(sample) * sample;
    if (energy < speech::kFrame * 200.0 * 200) continue;
    sum += speech::distanceDb(before, heard.subspan(at, speech::kFrame));
    frames++;
  }
  REQUIRE(frames > 50);
  return sum / frames;
}

/// What each codec may do to a spectrum. Opus keeps what a voice sounds like, not its samples.
double allowedDb(Codec codec) {
  switch (codec) {
    case Codec::kL16:
      return 0.01;
    case Codec::kL16Wide:  // the resampling alone
      return 0.2;
    case Codec::kPcmu:
    case Codec::kPcma:
      return 0.6;
    case Codec::kG722:
      return 1.2;
    case Codec::kOpus:
      return 3;
  }
  return 0;
}

}  // namespace

TEST_CASE("recorded speech survives every codec and its resampling, and two codecs in a row") {
  const Pcm said = speech::recorded(8);
  for (const Codec first : kAll) {
    CAPTURE(nameOf(first));
    const Pcm once = through(first, said);
    const std::size_t late = delayOf(said, once, 400);
    CHECK(late <= 8 * 15);  // an encoder's look-ahead and the filters
    const double onceDb = distanceDb(said, std::span(once).subspan(late));
    CHECK(onceDb < allowedDb(first));
    for (const Codec second : kAll) {
      CAPTURE(nameOf(second));
      const Pcm twice = through(second, once);
      const double twiceDb = distanceDb(said, std::span(twice).subspan(delayOf(said, twice, 800)));
      CHECK(twiceDb < allowedDb(first) + allowedDb(second));
    }
  }
}

TEST_CASE("recorded speech passes from a leg of any codec to one of any other, straight on or mixed") {
  const Pcm said = speech::recorded(4);
  for (const bool isMixed : {false, true}) {
    for (const Codec from : kAll) {
      for (const Codec to : kAll) {
        CAPTURE(isMixed);
        CAPTURE(nameOf(from));
        CAPTURE(nameOf(to));
        Call call({});
        Party& speaker = call.join(20, from);
        Party& listener = call.join(20, to);
        Party& other = call.join(20, Codec::kPcmu);
        call.hear(1, 0, kOpen);
        if (isMixed) call.hear(1, 2, kOpen);  // who says nothing
        const auto say = [&](std::uint32_t ms, std::size_t at) {
          call.run(ms, [&](Party& party) {
            Pcm part(kPacket);
            if (&party == &speaker && at + kPacket <= said.size())
              std::copy_n(said.begin() + static_cast<std::ptrdiff_t>(at), kPacket, part.begin());
            if (&party == &speaker) at += kPacket;
            party.send(call.nowMs, part);
          });
        };
        say(isMixed ? 4000 : 500, said.size());  // the buffers find their delay
        CHECK(speaker.voice.way().isDirect() != isMixed);
        CHECK(other.voice.way().isDirect() == false);
        const std::size_t before = listener.ear.heard.size();
        say(4500, 0);
        const auto heard = std::span(listener.ear.heard).subspan(before - kPacket);
        const std::size_t late = delayOf(said, heard, 8 * 100);
        CHECK(distanceDb(said, heard.subspan(late)) < allowedDb(from) + allowedDb(to) + (isMixed ? 0.3 : 0));
      }
    }
  }
}

TEST_SUITE_END();
