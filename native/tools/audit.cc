#include "audit.h"

#include <algorithm>
#include <cstdio>

#include "dsp/fragment_finder.h"
#include "dsp/tone_detector.h"
#include "json.h"

namespace hushpay {
namespace {

constexpr std::int64_t kApart = 40 * 8;       // a fragment this near a press belongs to it
constexpr std::int64_t kLikelyFrom = 24 * 8;  // fragments so long are seldom anything else
constexpr std::size_t kTail = 2 * 8000 / 10;  // of silence, so that a key at the very end comes up

struct Finding {
  const char* kind;      // press, fragment
  const char* sureness;  // certain, likely, possible
  std::size_t channel;   // from 1
  std::int64_t begin;
  std::int64_t end;
};

std::vector<Finding> pressesIn(std::span<const std::int16_t> samples, std::size_t channel) {
  std::vector<Finding> findings;
  ToneDetector detector;
  const auto note = [&](const ToneEdges& edges) {
    for (std::size_t i = 0; i < edges.count; i++) {
      const ToneEdge& edge = edges.items[i];
      if (edge.down) continue;
      findings.push_back({.kind = "press",
                          .sureness = "certain",
                          .channel = channel,
                          .begin = edge.onsetSample,
                          .end = edge.onsetSample + edge.durationSamples});
    }
  };
  constexpr std::size_t kPart = 160;
  for (std::size_t at = 0; at < samples.size(); at += kPart) {
    ToneEdges edges;
    detector.feed(samples.subspan(at, std::min(kPart, samples.size() - at)), edges);
    note(edges);
  }
  ToneEdges last;
  const std::vector<std::int16_t> tail(kTail);
  detector.feed(tail, last);
  detector.reset(last);
  note(last);
  return findings;
}

std::vector<Finding> fragmentsIn(std::span<const std::int16_t> samples, std::size_t channel,
                                 const std::vector<Finding>& presses) {
  std::vector<Finding> findings;
  FragmentFinder finder;
  const auto look = [&](std::span<const std::int16_t> part) {
    Fragment fragment;
    if (!finder.feed(part, fragment)) return;
    const bool isOfPress = std::ranges::any_of(presses, [&](const Finding& press) {
      return fragment.begin < press.end + kApart && fragment.end > press.begin - kApart;
    });
    if (isOfPress) return;
    findings.push_back({.kind = "fragment",
                        .sureness = fragment.end - fragment.begin >= kLikelyFrom ? "likely" : "possible",
                        .channel = channel,
                        .begin = fragment.begin,
                        .end = fragment.end});
  };
  for (std::size_t at = 0; at < samples.size(); at += kHop)
    look(samples.subspan(at, std::min<std::size_t>(kHop, samples.size() - at)));
  const std::vector<std::int16_t> tail(2 * kHop);
  look(std::span(tail).first(kHop));
  look(std::span(tail).first(kHop));
  return findings;
}

void print(const std::string& path, const Recording& recording, bool first) {
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < recording.channels.size(); i++) {
    const auto heard = atDetectorRate(recording.channels[i], recording.rateHz);
    const auto presses = pressesIn(heard, i + 1);
    const auto fragments = fragmentsIn(heard, i + 1, presses);
    findings.insert(findings.end(), presses.begin(), presses.end());
    findings.insert(findings.end(), fragments.begin(), fragments.end());
  }
  std::ranges::sort(findings, {}, &Finding::begin);
  const std::size_t samples = recording.channels.empty() ? 0 : recording.channels[0].size();
  std::printf("%s\n{\"file\":%s,\"durationMs\":%zu,\"channels\":%zu,\"findings\":[", first ? "" : ",",
              jsonString(path).c_str(), samples * 1000 / static_cast<std::size_t>(recording.rateHz),
              recording.channels.size());
  for (std::size_t i = 0; i < findings.size(); i++) {
    const Finding& finding = findings[i];
    std::printf("%s{\"kind\":\"%s\",\"sureness\":\"%s\",\"channel\":%zu,\"atMs\":%lld,\"durationMs\":%lld}",
                i == 0 ? "" : ",", finding.kind, finding.sureness, finding.channel,
                static_cast<long long>(std::max<std::int64_t>(0, finding.begin) / 8),
                static_cast<long long>((finding.end - finding.begin) / 8));
  }
  std::printf("]}");
}

}  // namespace

int audit(const std::vector<RecordingFile>& files) {
  std::string unreadable;
  bool first = true;
  std::printf("{\"recordings\":[");
  for (const auto& [path, name] : files) {
    const auto result = readRecording(path);
    if (const auto* problem = std::get_if<std::string>(&result)) {
      unreadable += (unreadable.empty() ? "" : ",\n") + ("{\"file\":" + jsonString(path)) +
                    ",\"problem\":" + jsonString(*problem) + "}";
      continue;
    }
    print(path, std::get<Recording>(result), first);
    first = false;
  }
  std::printf("],\n\"unreadable\":[%s]}\n", unreadable.c_str());
  return 0;
}

}  // namespace hushpay
