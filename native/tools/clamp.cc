#include "clamp.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "dsp/tone_detector.h"
#include "json.h"
#include "media/clamp.h"
#include "recording.h"

namespace hushpay {
namespace {

constexpr std::size_t kFrame = 160;  // 20 ms, as the worker hears it
static_assert(kFrame == Clamp::kLookAhead);
constexpr std::size_t kSamplesPerMs = 8;

/// What the worker has for one speaker, and a listener in one mode.
class Speaker {
 public:
  explicit Speaker(ClampMode mode) : mode_(mode) { clamp_.arm(); }

  std::vector<std::int16_t> hear(std::span<const std::int16_t> samples) {
    // Silence behind the end, until all has come out of the line.
    std::vector<std::int16_t> in(samples.begin(), samples.end());
    in.resize((samples.size() + Clamp::kLookAhead + kFrame - 1) / kFrame * kFrame);
    std::vector<std::int16_t> out(in.size());
    for (std::size_t at = 0; at < in.size(); at += kFrame) {
      hearFrame(std::span(in).subspan(at, kFrame), std::span(out).subspan(at, kFrame));
    }
    out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(Clamp::kLookAhead));
    out.resize(samples.size());
    return out;
  }

  [[nodiscard]] ClampReport report() const { return clamp_.report(); }

 private:
  void hearFrame(std::span<const std::int16_t> in, std::span<std::int16_t> out) {
    ToneEdges edges;
    std::array<Pass, kFrame> pass;
    detector_.feed(in, edges);
    clamp_.process(in, Heard::kAudio, out, pass);
    for (std::size_t i = 0; i < edges.count; i++) {
      const ToneEdge& edge = edges.items[i];
      const auto ago = static_cast<int>(detector_.samplesFed() - edge.onsetSample);
      if (edge.down)
        clamp_.keyDown(KeyCarrier::kTone, edge.key, ago);
      else
        clamp_.keyUp(KeyCarrier::kTone, ago - static_cast<int>(edge.durationSamples));
    }
    // What the line held before the recording began is not part of it: no edge to fade.
    if (std::exchange(isFirst_, false)) pass.fill(Pass::kOpen);
    fill_.learn(out, pass);
    fill_.fill(mode_, out, pass);
  }

  ClampMode mode_;
  bool isFirst_ = true;
  ToneDetector detector_{};
  Clamp clamp_{};
  ClampFill fill_{};
};

struct Work {
  std::uint64_t samples = 0;
  std::uint64_t clampedSamples = 0;
  std::uint32_t presses = 0;
  std::uint32_t guardEvents = 0;
  float worstResidualDbm0 = ClampReport::kNoResidual;
  double cpuNs = 0;
};

double cpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void clampChannel(std::vector<std::int16_t>& samples, ClampMode mode, Work& work) {
  const auto speaker = std::make_unique<Speaker>(mode);
  const double begin = cpuNs();
  std::vector<std::int16_t> out = speaker->hear(samples);
  work.cpuNs += cpuNs() - begin;
  const ClampReport report = speaker->report();
  work.samples += samples.size();
  work.clampedSamples += report.clampedSamples;
  work.presses += report.tonePresses;
  work.guardEvents += report.guardEvents;
  work.worstResidualDbm0 = std::max(work.worstResidualDbm0, report.worstResidualDbm0);
  samples = std::move(out);
}

}  // namespace

int clamp(const std::vector<std::pair<std::string, std::string>>& files, ClampMode mode) {
  Work work;
  int failed = 0;
  const auto fail = [&](const std::string& path, const std::string& problem) {
    std::fprintf(stderr, "hushpay-dtmf: %s: %s\n", path.c_str(), problem.c_str());
    failed = 1;
  };
  for (const auto& [in, out] : files) {
    auto result = readRecording(in);
    if (const auto* problem = std::get_if<std::string>(&result)) {
      fail(in, *problem);
      continue;
    }
    auto& recording = std::get<Recording>(result);
    for (auto& channel : recording.channels) {
      channel = atDetectorRate(channel, recording.rateHz);
      clampChannel(channel, mode, work);
    }
    if (const auto problem = writeRecording(out, recording)) fail(out, *problem);
  }
  const double ms = static_cast<double>(work.samples) / kSamplesPerMs;
  std::printf(
      "{\"delayMs\":%zu,\"clampedMs\":%llu,\"presses\":%u,\"guardEvents\":%u,\"worstResidualDbm0\":%.1f,"
      "\"cpu\":{\"nsPer20ms\":%.0f,\"xRealtime\":%.0f}}\n",
      Clamp::kLookAhead / kSamplesPerMs, static_cast<unsigned long long>(work.clampedSamples / kSamplesPerMs),
      work.presses, work.guardEvents, static_cast<double>(work.worstResidualDbm0),
      ms > 0 ? work.cpuNs / (ms / 20) : 0, work.cpuNs > 0 ? ms * 1e6 / work.cpuNs : 0);
  return failed;
}

}  // namespace hushpay
