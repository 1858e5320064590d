#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/tone_detector.h"
#include "media/wav.h"

namespace {

constexpr std::size_t kFrame = 160;  // 20 ms, as the worker hears it
constexpr const char* kKeys = "0123456789*#ABCD";

struct Work {
  std::uint64_t frames = 0;
  std::chrono::nanoseconds spent{0};
  bool first = true;
  bool failed = false;
};

std::vector<std::string> filesOf(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".wav") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

std::string jsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';
    else
      out += c;
  }
  return out + '"';
}

void print(const hushpay::ToneEdges& edges, const std::string& name, double reportedAtMs, Work& work) {
  for (std::size_t i = 0; i < edges.count; i++) {
    const hushpay::ToneEdge& edge = edges.items[i];
    if (!edge.down) continue;
    std::printf("%s\n{\"file\":%s,\"digit\":\"%c\",\"onsetMs\":%.1f,\"reportedAtMs\":%.1f}",
                work.first ? "" : ",", name.c_str(), kKeys[edge.key],
                static_cast<double>(edge.onsetSample) / 8, reportedAtMs);
    work.first = false;
  }
}

void detect(const std::string& path, Work& work) {
  hushpay::WavResult result = hushpay::readWav(path);
  if (const auto* problem = std::get_if<std::string>(&result)) {
    std::fprintf(stderr, "hushpay-dtmf: %s: %s; expected 16-bit mono PCM at 8000 Hz\n", path.c_str(),
                 problem->c_str());
    work.failed = true;
    return;
  }
  const std::vector<std::int16_t>& samples = std::get<std::vector<std::int16_t>>(result);
  const std::string name = jsonString(std::filesystem::path(path).filename().string());
  hushpay::ToneDetector detector;
  for (std::size_t at = 0; at < samples.size(); at += kFrame) {
    const std::size_t size = std::min(kFrame, samples.size() - at);
    hushpay::ToneEdges edges;
    const auto begin = std::chrono::steady_clock::now();
    detector.feed(std::span(samples).subspan(at, size), edges);
    work.spent += std::chrono::steady_clock::now() - begin;
    work.frames++;
    if (edges.count > 0) print(edges, name, static_cast<double>(at + size) / 8, work);
  }
}

}  // namespace

/// Runs the worker's own detector over files: hushpay-dtmf detect FILE-OR-DIRECTORY…
int main(int argc, char** argv) {
  if (argc < 3 || std::string_view(argv[1]) != "detect") {
    std::fputs("usage: hushpay-dtmf detect FILE.wav|DIRECTORY ...\n", stderr);
    return 64;
  }
  Work work;
  std::printf("{\"detector\":\"hushpay\",\"detections\":[");
  for (int i = 2; i < argc; i++) {
    for (const std::string& file : filesOf(argv[i])) detect(file, work);
  }
  const double nsPerFrame =
      work.frames == 0 ? 0 : static_cast<double>(work.spent.count()) / static_cast<double>(work.frames);
  std::printf("],\n\"cpu\":{\"nsPer20ms\":%.0f,\"xRealtime\":%.0f}}\n", nsPerFrame,
              nsPerFrame > 0 ? 20e6 / nsPerFrame : 0);
  return work.failed ? 1 : 0;
}
