// What listeners of one mix cost: hushpay-bench-monitors FILE.wav prints, as JSON, per codec, nanoseconds of
// processor time of a room for 20 ms of a call of two with eight monitors, who hear the same or each a little
// else; and of a member of a conference in which everybody hears everybody, the same or each a little else.
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

/// What a room spends on 20 ms, when these speak.
template <typename Speak>
double blockNs(Room& room, std::size_t frames, Speak speak) {
  timespec now{};
  const auto processorNs = [&] {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  };
  double spentNs = 0;
  for (std::size_t n = 0; n < frames; n++) {
    speak(n);
    const double startNs = processorNs();
    for (int tick = 0; tick < 2; tick++) room.tick();
    spentNs += processorNs() - startNs;
  }
  return spentNs / static_cast<double>(frames);
}

/// @param codec  of the monitors; caller and agent speak PCMU
double roomNs(Codec codec, bool isSame, const std::vector<std::int16_t>& speech) {
  Room room;
  std::vector<std::unique_ptr<Party>> parties;
  for (std::uint32_t n = 0; n < 2 + kMonitors; n++) {
    parties.push_back(std::make_unique<Party>(n + 1, n < 2 ? Codec::kPcmu : codec));
    room.join(parties.back()->session, parties.back()->voice, room.makeSeats(parties.size()));
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
  const double spentNs = blockNs(room, frames, [&](std::size_t n) {
    for (std::size_t speaker = 0; speaker < 2; speaker++) {
      const std::size_t from = (n + speaker * frames / 2) % frames * kFrame;
      parties[speaker]->voice.hear(std::span(speech).subspan(from, kFrame), Heard::kAudio);
    }
  });
  room.leaveAll();
  return spentNs;
}

/// A member's share.
double memberNs(std::size_t members, bool isSame, const std::vector<std::int16_t>& speech) {
  constexpr std::size_t kFrames = 200;
  Room room;
  std::vector<std::unique_ptr<Party>> parties;
  for (std::uint32_t n = 0; n < members; n++) {
    parties.push_back(std::make_unique<Party>(n + 1, Codec::kPcmu));
    room.join(parties.back()->session, parties.back()->voice, room.makeSeats(parties.size()));
  }
  for (std::size_t listener = 0; listener < members; listener++) {
    const float gain = isSame ? 1 : 1 - static_cast<float>(listener) / 1000;
    for (std::size_t speaker = 0; speaker < members; speaker++) {
      if (listener != speaker)
        room.hear(parties[listener]->session, parties[speaker]->session, Source::kVoice,
                  {.access = Access::kOpen, .gain = gain});
    }
  }
  const std::size_t frames = speech.size() / kFrame;
  const double spentNs = blockNs(room, kFrames, [&](std::size_t n) {
    for (std::size_t speaker = 0; speaker < members; speaker++) {
      const std::size_t from = (n + speaker * frames / members) % frames * kFrame;
      parties[speaker]->voice.hear(std::span(speech).subspan(from, kFrame), Heard::kAudio);
    }
  });
  room.leaveAll();
  return spentNs / static_cast<double>(members);
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
  const char* separator = "{\"monitors\":{";
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
  separator = "},\"conferences\":{";
  for (const std::size_t members : {8, 32, 128}) {
    double same = memberNs(members, true, speech);
    double apart = memberNs(members, false, speech);
    for (int round = 1; round < kRounds; round++) {
      same = std::min(same, memberNs(members, true, speech));
      apart = std::min(apart, memberNs(members, false, speech));
    }
    std::printf("%s\"%zu\":{\"sameNs\":%.0f,\"apartNs\":%.0f}", separator, members, same, apart);
    separator = ",";
  }
  std::printf("}}\n");
}
