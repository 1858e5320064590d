// What an eavesdropper hears of keys behind the clamp, condition by condition, beside two others: nothing at
// all between him and the caller, and a detector that mutes from its report on, without looking ahead.
//   hushpay-clamp-bench SPEECH.wav    prints JSON
#include <time.h>

#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "../test/keying.h"
#include "../tools/recording.h"

namespace hushpay {
namespace {

constexpr int kPresses = 64;

double cpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Silence from the frame after the detector's report to the one after the end.
std::vector<std::int16_t> mutedOnReport(const Take& take) {
  const auto detector = std::make_unique<ToneDetector>();
  std::vector<std::int16_t> out = take.pcm;
  bool down = false;
  for (std::size_t at = 0; at + 160 <= out.size(); at += 160) {
    ToneEdges edges;
    if (take.lost[at / 160])
      detector->conceal(160, edges);
    else
      detector->feed(std::span(take.pcm).subspan(at, 160), edges);
    if (down) std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), 160, std::int16_t{0});
    for (std::size_t i = 0; i < edges.count; i++) down = edges.items[i].down;
  }
  return out;
}

void print(const char* name, const Leak& leak, bool last) {
  std::printf("\"%s\":{\"decodedPercent\":%.1f,\"residualP95Dbm0\":%.0f}%s", name,
              100.0 * leak.decoded / leak.presses, static_cast<double>(leak.residualP95Dbm0),
              last ? "" : ",");
}

struct Cost {
  double armedNs;
  double disarmedNs;
};

/// CPU time of the clamp alone for 20 ms of speech.
Cost costOf(std::span<const std::int16_t> speech) {
  const auto clamp = std::make_unique<Clamp>();
  std::array<std::int16_t, 160> out{};
  std::array<Pass, 160> pass{};
  const auto run = [&] {
    const double begin = cpuNs();
    std::size_t frames = 0;
    for (int round = 0; round < 20; round++) {
      for (std::size_t at = 0; at + 160 <= speech.size(); at += 160, frames++)
        clamp->process(speech.subspan(at, 160), Heard::kAudio, out, pass);
    }
    return (cpuNs() - begin) / static_cast<double>(frames);
  };
  const double disarmed = run();
  clamp->arm();
  return {.armedNs = run(), .disarmedNs = disarmed};
}

}  // namespace
}  // namespace hushpay

int main(int argc, char** argv) {
  using namespace hushpay;
  const auto read = readRecording(argc > 1 ? argv[1] : "");
  if (const auto* problem = std::get_if<std::string>(&read)) {
    std::fprintf(stderr, "hushpay-clamp-bench: %s\n", problem->c_str());
    return 64;
  }
  const auto& speech = std::get<Recording>(read).channels.at(0);
  std::printf("{\"presses\":%d,\"conditions\":{", kPresses);
  const std::vector<Keying> table = conditions();
  unsigned seed = 100;
  for (const Keying& how : table) {
    const Take take = record(how, kPresses, speech, seed++);
    std::printf("%s\n\"%s\":{", &how == table.data() ? "" : ",", how.name.c_str());
    print("hushpay", leakOf(clampTake(take).pcm, take.presses), false);
    print("noLookAhead", leakOf(mutedOnReport(take), take.presses), false);
    print("open", leakOf(take.pcm, take.presses), true);
    std::printf("}");
  }
  const Cost cost = costOf(speech);
  std::printf("},\n\"cpu\":{\"armedNsPer20ms\":%.0f,\"disarmedNsPer20ms\":%.0f}}\n", cost.armedNs,
              cost.disarmedNs);
  return 0;
}
