#include "detect.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "dsp/tone_detector.h"
#include "json.h"
#include "recording.h"

namespace hushpay {
namespace {

constexpr std::size_t kFrame = 160;  // 20 ms, as the worker hears it
constexpr const char* kKeys = "0123456789*#ABCD";

struct Work {
  std::uint64_t frames = 0;
  std::chrono::nanoseconds spent{0};
  bool first = true;
};

void print(const ToneEdges& edges, const std::string& head, double reportedAtMs, Work& work) {
  for (std::size_t i = 0; i < edges.count; i++) {
    const ToneEdge& edge = edges.items[i];
    if (!edge.down) continue;
    std::printf("%s\n{%s,\"digit\":\"%c\",\"onsetMs\":%.1f,\"reportedAtMs\":%.1f}", work.first ? "" : ",",
                head.c_str(), kKeys[edge.key], static_cast<double>(edge.onsetSample) / 8, reportedAtMs);
    work.first = false;
  }
}

void detectIn(std::span<const std::int16_t> samples, const std::string& head, Work& work) {
  ToneDetector detector;
  for (std::size_t at = 0; at < samples.size(); at += kFrame) {
    const std::size_t size = std::min(kFrame, samples.size() - at);
    ToneEdges edges;
    const auto begin = std::chrono::steady_clock::now();
    detector.feed(samples.subspan(at, size), edges);
    work.spent += std::chrono::steady_clock::now() - begin;
    work.frames++;
    if (edges.count > 0) print(edges, head, static_cast<double>(at + size) / 8, work);
  }
}

}  // namespace

int detect(const std::vector<std::string>& files) {
  Work work;
  bool failed = false;
  std::printf("{\"detector\":\"hushpay\",\"detections\":[");
  for (const std::string& path : files) {
    const auto result = readRecording(path);
    if (const auto* problem = std::get_if<std::string>(&result)) {
      std::fprintf(stderr, "hushpay-dtmf: %s: %s\n", path.c_str(), problem->c_str());
      failed = true;
      continue;
    }
    const auto& channels = std::get<Recording>(result).channels;
    const std::string name = "\"file\":" + jsonString(std::filesystem::path(path).filename().string());
    for (std::size_t channel = 0; channel < channels.size(); channel++) {
      const std::string place = channels.size() == 1 ? "" : ",\"channel\":" + std::to_string(channel + 1);
      detectIn(channels[channel], name + place, work);
    }
  }
  const double nsPerFrame =
      work.frames == 0 ? 0 : static_cast<double>(work.spent.count()) / static_cast<double>(work.frames);
  std::printf("],\n\"cpu\":{\"nsPer20ms\":%.0f,\"xRealtime\":%.0f}}\n", nsPerFrame,
              nsPerFrame > 0 ? 20e6 / nsPerFrame : 0);
  return failed ? 1 : 0;
}

}  // namespace hushpay
