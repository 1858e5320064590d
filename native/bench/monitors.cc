// What listeners of one mix cost: hushpay-bench-monitors FILE.wav prints, as JSON, per codec, nanoseconds of
// processor time of a room for 20 ms of a call of two with eight monitors, who hear the same or each a little
// else.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "media/room.h"
#include "media/session.h"
#include "media/wav.h"

namespace {

using namespace hushpay;

constexpr std::size_t kMonitors = 8;
constexpr std::size_t kFrame = 160;
constexpr int kRounds = 5;  // the fastest counts: the machine has other work

struct Nowhere final : PacketSink, EventSink {
  void sendRtp(ByteView) noexcept override {}
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent&) noexcept override {}
};

struct Party {
  Nowhere nowhere;
  Session session;
  Voice voice;

  Party(std::uint32_t id, Codec codec)
      : session(id, {.ssrc = id, .timestamp = 0, .sequence = 0, .cname = {"name"}}, 0, nowhere, nowhere) {
    session.prepare(codec);
    session.connect({.codec = codec, .ptimeMs = 20, .sending = true, .receiving = true}, 0);
  }
};

double processorNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// @param codec  of the monitors; caller and agent speak PCMU
double roomNs(Codec codec, bool isSame, const std::vector<std::int16_t>& speech) {
  Room room;
  std::vector<std::unique_ptr<Party>> parties;
  for (std::uint32_t n = 0; n < 2 + kMonitors; n++) {
    parties.push_back(std::make_unique<Party>(n + 1, n < 2 ? Codec::kPcmu : codec));
    room.join(parties.back()->session, parties.back()->voice);
  }
  const auto hear = [&](std::size_t listener, std::size_t speaker, float gain) {
    room.hear(parties[listener]->session, parties[speaker]->session, Source::kVoice,
              {.access = Access::kOpen, .gain = gain});
  };
  for (std::size_t monitor = 2; monitor < parties.size(); monitor++) {
    hear(monitor, 0, isSame ? 1 : 1 - static_cast<float>(monitor) / 100);
    hear(monitor, 1, 1);
  }
  const std::size_t frames = speech.size() / kFrame;
  double spentNs = 0;
  for (std::size_t n = 0; n < frames; n++) {
    for (std::size_t speaker = 0; speaker < 2; speaker++) {
      const std::size_t from = (n + speaker * frames / 2) % frames * kFrame;
      parties[speaker]->voice.hear(std::span(speech).subspan(from, kFrame), Heard::kAudio);
    }
    const double startNs = processorNs();
    for (int tick = 0; tick < 2; tick++) room.tick();
    spentNs += processorNs() - startNs;
  }
  room.leaveAll();
  return spentNs / static_cast<double>(frames);
}

}  // namespace

int main(int count, char** files) {
  std::vector<std::int16_t> speech;
  for (int n = 1; n < count; n++) {
    const WavResult wav = readWav(files[n]);
    if (const auto* pcm = std::get_if<std::vector<std::int16_t>>(&wav))
      speech.insert(speech.end(), pcm->begin(), pcm->end());
  }
  if (speech.size() < kFrame) {
    std::fprintf(stderr, "usage: hushpay-bench-monitors FILE.wav...\n");
    return 64;
  }
  const char* separator = "{";
  for (const auto& [name, codec] :
       {std::pair("PCMU", Codec::kPcmu), std::pair("G722", Codec::kG722), std::pair("opus", Codec::kOpus)}) {
    double same = roomNs(codec, true, speech);
    double apart = roomNs(codec, false, speech);
    for (int round = 1; round < kRounds; round++) {
      same = std::min(same, roomNs(codec, true, speech));
      apart = std::min(apart, roomNs(codec, false, speech));
    }
    std::printf("%s\"%s\":{\"sameNs\":%.0f,\"apartNs\":%.0f}", separator, name, same, apart);
    separator = ",";
  }
  std::printf("}\n");
}
