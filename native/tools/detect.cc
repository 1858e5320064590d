#include "detect.h"

#include <time.h>

#include <algorithm>
#include <cstdio>

#include "dsp/decimator.h"
#include "dsp/tone_detector.h"
#include "json.h"

namespace hushpay {
namespace {

constexpr int kFramesPerSecond = 50;  // of 20 ms, as the worker hears them
constexpr const char* kKeys = "0123456789*#ABCD";

struct Work {
  std::uint64_t frames = 0;
  double spentNs = 0;
  bool first = true;
};

struct Found {
  ToneEdge edge;
  double reportedAtMs;  // end of the frame that told of it
};

/// Processor time of this thread: what else the machine has to do does not count.
double processorNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

std::vector<Found> detectIn(std::span<const std::int16_t> samples, int rateHz, Work& work) {
  std::vector<Found> found;
  Decimator decimator(rateHz);
  ToneDetector detector;
  const auto frame = static_cast<std::size_t>(rateHz / kFramesPerSecond);
  std::vector<std::int16_t> decimated(decimator.mostOut(frame));
  const double begunNs = processorNs();
  for (std::size_t at = 0; at < samples.size(); at += frame) {
    const std::size_t size = std::min(frame, samples.size() - at);
    ToneEdges edges;
    auto heard = samples.subspan(at, size);
    if (rateHz != kSampleRateHz) heard = std::span(decimated).first(decimator.feed(heard, decimated));
    detector.feed(heard, edges);
    work.frames++;
    for (std::size_t i = 0; i < edges.count; i++) {
      if (edges.items[i].down)
        found.push_back({edges.items[i], 1000 * static_cast<double>(at + size) / rateHz});
    }
  }
  work.spentNs += processorNs() - begunNs;
  return found;
}

void print(const std::vector<Found>& found, const std::string& head, Work& work) {
  for (const auto& [edge, reportedAtMs] : found) {
    std::printf("%s\n{%s,\"digit\":\"%c\",\"onsetMs\":%.1f,\"reportedAtMs\":%.1f}", work.first ? "" : ",",
                head.c_str(), kKeys[edge.key], static_cast<double>(edge.onsetSample) / 8, reportedAtMs);
    work.first = false;
  }
}

}  // namespace

int detect(const std::vector<RecordingFile>& files) {
  Work work;
  bool failed = false;
  std::printf("{\"detector\":\"hushpay\",\"detections\":[");
  for (const auto& [path, file] : files) {
    const auto result = readRecording(path);
    if (const auto* problem = std::get_if<std::string>(&result)) {
      std::fprintf(stderr, "hushpay-dtmf: %s: %s\n", path.c_str(), problem->c_str());
      failed = true;
      continue;
    }
    const auto& [rateHz, channels] = std::get<Recording>(result);
    const std::string name = "\"file\":" + jsonString(file);
    for (std::size_t channel = 0; channel < channels.size(); channel++) {
      const std::string place = channels.size() == 1 ? "" : ",\"channel\":" + std::to_string(channel + 1);
      print(detectIn(channels[channel], rateHz, work), name + place, work);
    }
  }
  const double nsPerFrame = work.frames == 0 ? 0 : work.spentNs / static_cast<double>(work.frames);
  std::printf("],\n\"cpu\":{\"nsPer20ms\":%.0f,\"xRealtime\":%.0f}}\n", nsPerFrame,
              nsPerFrame > 0 ? 20e6 / nsPerFrame : 0);
  return failed ? 1 : 0;
}

}  // namespace hushpay
