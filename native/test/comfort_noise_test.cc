#include <doctest/doctest.h>

#include "direct_call.h"

using namespace hushpay;
using namespace hushpay::direct;

TEST_SUITE_BEGIN("comfort_noise_test");

namespace {

constexpr std::uint8_t kNoiseType = 13;
constexpr double kLineRms = 25;  // about -60 dBm0

double rms(std::span<const std::int16_t> pcm) {
  double energy = 0;
  for (const std::int16_t sample : pcm) energy += static_cast<double>(sample) * sample;
  return std::sqrt(energy / static_cast<double>(pcm.size()));
}

/// A caller on a line that is never quite still, whose phone sends nothing while they are silent.
struct Sparing : Call {
  std::normal_distribution<double> line{0, kLineRms};

  explicit Sparing(Codec listener) : Call({Codec::kPcmu, listener}) {
    phones[0]->session.connect({.codec = Codec::kPcmu,
                                .payloadType = 0,
                                .eventPayloadType = 101,
                                .ptimeMs = 20,
                                .sending = true,
                                .receiving = true,
                                .noisePayloadType = kNoiseType},
                               nowMs);
  }
  Pcm over(Pcm pcm) {
    for (auto& sample : pcm) sample = static_cast<std::int16_t>(sample + line(random));
    return pcm;
  }
  void talk(int packets) {
    for (int i = 0; i < packets; i++) frame([&] { phones[0]->say(phones[0]->encoded(over(hum()))); });
  }
  void breathe(int packets) {
    for (int i = 0; i < packets; i++) frame([&] { phones[0]->say(phones[0]->encoded(over(Pcm(160)))); });
  }
  /// Says that it falls silent, and does (RFC 3389).
  void fallSilent(int packets) {
    frame([&] { phones[0]->say({63}, kNoiseType); });
    for (int i = 1; i < packets; i++) frame([&] { phones[0]->timestamp += 160; });
  }
};

}  // namespace

TEST_CASE("while a caller's phone sends nothing, the listener hears the noise of the line, not a hole") {
  for (const Codec codec : {Codec::kPcmu, Codec::kPcma}) {
    for (const Hearing& hearing : {kOpen, kClamped}) {
      Sparing call(codec);
      call.hear(1, 0, hearing);
      call.breathe(50);
      for (int turn = 0; turn < 5; turn++) {
        call.talk(50);
        call.breathe(10);
        call.fallSilent(10);  // until the voice counts as paused, and the mix has it
        const std::size_t from = call[1].packets.size();
        call.fallSilent(90);
        const auto heard = call[1].heard(from);
        CHECK(call[1].packets.size() - from >= 88);
        for (std::size_t at = 0; at + 800 <= heard.size(); at += 800) {
          const double levelRms = rms(std::span(heard).subspan(at, 800));
          CHECK(levelRms > kLineRms / 2.5);
          CHECK(levelRms < kLineRms * 2.5);
        }
        CHECK(largestStep(heard) < 12 * kLineRms);
      }
    }
  }
}

TEST_SUITE_END();
