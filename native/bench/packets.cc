// What the packets of secure calls cost without sockets: hushpay-bench-packets CALLS SECONDS FILE.wav... lets
// so many calls of two speak to each other, the caller clamped towards the agent, and prints, as JSON,
// nanoseconds of processor time for a packet that is clamped and one that passes, those of a room's tick, and
// a checksum of all that was sent: equal for two builds that send the same. For instructions, valgrind
// --tool=callgrind
// --toggle-collect='*hearClamped*' (or '*hearPassing*', '*tickAll*') counts the same work, whatever else
// runs.
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "codec/g711.h"
#include "media/room.h"
#include "media/session.h"
#include "media/wav.h"

namespace {

using namespace hushpay;

constexpr std::size_t kFrame = 160;
constexpr int kWarmUpFrames = 500;  // until voices go straight on

/// What is sent, told from anything else that might have been.
struct Sink final : PacketSink, EventSink {
  std::uint64_t checksum = 14'695'981'039'346'656'037U;
  std::uint64_t packets = 0;

  void sendRtp(ByteView datagram) noexcept override {
    packets++;
    for (std::size_t at = 0; at + 8 <= datagram.size(); at += 8) {
      std::uint64_t word = 0;
      std::copy_n(&datagram[at], sizeof word, reinterpret_cast<std::uint8_t*>(&word));
      checksum = (checksum ^ word) * 1'099'511'628'211U;
    }
  }
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent&) noexcept override {}
};

struct Party {
  Sink sink;
  Session session;
  Voice voice;
  std::size_t at;  // of the speech
  std::uint16_t sequence = 0;
  std::array<std::uint8_t, kRtpHeaderSize + kFrame> datagram{};

  Party(std::uint32_t id, bool findsTones, std::size_t at)
      : session(id, {.ssrc = id, .timestamp = 0, .sequence = 0, .cname = {"name"}}, 0, sink, sink), at(at) {
    session.prepare(Codec::kPcmu);
    session.connect({.codec = Codec::kPcmu,
                     .eventPayloadType = 101,
                     .ptimeMs = 20,
                     .sending = true,
                     .receiving = true,
                     .findsTones = findsTones},
                    0);
  }

  void prepare(const std::vector<std::uint8_t>& speech) {
    writeRtpHeader(datagram, {.payloadType = 0,
                              .marker = false,
                              .sequence = sequence,
                              .timestamp = sequence * std::uint32_t{kFrame},
                              .ssrc = session.id() + 1'000'000,
                              .payload = {}});
    sequence++;
    std::copy_n(&speech[at], kFrame, &datagram[kRtpHeaderSize]);
    at = (at + kFrame) % speech.size();
  }
};

struct Call {
  Room room;
  Party caller;
  Party agent;

  Call(std::uint32_t id, std::size_t at, std::size_t other)
      : caller(2 * id + 1, true, at), agent(2 * id + 2, false, other) {
    room.join(caller.session, caller.voice, nullptr);
    room.join(agent.session, agent.voice, nullptr);
    room.hear(agent.session, caller.session, Source::kVoice, {.access = Access::kClamped});
    room.hear(caller.session, agent.session, Source::kVoice, {.access = Access::kOpen});
  }
};

using Calls = std::vector<std::unique_ptr<Call>>;

double processorNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// As the engine does: what the packets after next touch is on its way while one is worked on.
void hear(Calls& calls, Party Call::*party, double nowMs) {
  constexpr std::size_t kStep = 2;
  const auto sessionAt = [&](std::size_t at) {
    return at < calls.size() ? &((*calls[at]).*party).session : nullptr;
  };
  for (std::size_t at = 0; at < calls.size() + 3 * kStep; at++) {
    if (const Session* session = sessionAt(at)) session->prefetch();
    if (const Session* session = sessionAt(at - kStep)) session->prefetchVoice();
    if (const Session* session = sessionAt(at - 2 * kStep)) session->prefetchNext();
    if (Session* session = sessionAt(at - 3 * kStep))
      session->receiveRtp(((*calls[at - 3 * kStep]).*party).datagram, nowMs);
  }
}

[[gnu::noinline]] void hearClamped(Calls& calls, double nowMs) { hear(calls, &Call::caller, nowMs); }
[[gnu::noinline]] void hearPassing(Calls& calls, double nowMs) { hear(calls, &Call::agent, nowMs); }
[[gnu::noinline]] void tickAll(Calls& calls, double nowMs) {
  for (auto& call : calls) {
    call->caller.session.tick(nowMs);
    call->agent.session.tick(nowMs);
  }
  for (auto& call : calls) call->room.tick();
}

struct Cost {
  double clampedNs = 0;
  double passingNs = 0;
  double tickNs = 0;
};

/// 20 ms of every call.
void frame(Calls& calls, const std::vector<std::uint8_t>& speech, double nowMs, Cost& cost) {
  for (auto& call : calls) {
    call->caller.prepare(speech);
    call->agent.prepare(speech);
  }
  const double beganNs = processorNs();
  hearClamped(calls, nowMs);
  const double clampedNs = processorNs();
  hearPassing(calls, nowMs);
  const double passedNs = processorNs();
  tickAll(calls, nowMs + 3);
  tickAll(calls, nowMs + 13);
  cost.clampedNs += clampedNs - beganNs;
  cost.passingNs += passedNs - clampedNs;
  cost.tickNs += processorNs() - passedNs;
}

}  // namespace

int main(int count, char** words) {
  std::vector<std::int16_t> pcm;
  for (int n = 3; n < count; n++) {
    const WavResult wav = readWav(words[n]);
    if (const auto* samples = std::get_if<std::vector<std::int16_t>>(&wav))
      pcm.insert(pcm.end(), samples->begin(), samples->end());
  }
  pcm.resize(pcm.size() / kFrame * kFrame);
  const std::size_t many = count > 3 ? std::strtoul(words[1], nullptr, 10) : 0;
  const std::size_t frames = count > 3 ? 50 * std::strtoul(words[2], nullptr, 10) : 0;
  if (pcm.empty() || many == 0 || frames == 0) {
    std::fprintf(stderr, "usage: hushpay-bench-packets CALLS SECONDS FILE.wav...\n");
    return 64;
  }
  std::vector<std::uint8_t> speech(pcm.size());
  G711Encoder(Codec::kPcmu).encode(pcm, speech);
  Calls calls;
  const std::size_t clips = pcm.size() / kFrame;
  for (std::size_t n = 0; n < many; n++) {
    calls.push_back(std::make_unique<Call>(static_cast<std::uint32_t>(n), n * 137 % clips * kFrame,
                                           (n * 137 + clips / 2) % clips * kFrame));
  }
  double nowMs = 1000;
  Cost warmUp;
  for (int n = 0; n < kWarmUpFrames; n++, nowMs += 20) frame(calls, speech, nowMs, warmUp);
  Cost cost;
  for (std::size_t n = 0; n < frames; n++, nowMs += 20) frame(calls, speech, nowMs, cost);
  std::uint64_t checksum = 0;
  std::uint64_t packets = 0;
  std::uint64_t clamped = 0;
  for (auto& call : calls) {
    for (const Party* party : {&call->caller, &call->agent}) {
      checksum = checksum * 31 + party->sink.checksum;
      packets += party->sink.packets;
    }
    clamped += call->caller.session.counts().clamp.clampedSamples;
    call->room.leaveAll();
  }
  const auto each = static_cast<double>(frames * many);
  std::printf(
      "{\"clampedNs\":%.0f,\"passingNs\":%.0f,\"tickNs\":%.1f,\"packets\":%llu,\"clampedSamples\":%llu,"
      "\"sessionBytes\":%zu,\"checksum\":\"%016llx\"}\n",
      cost.clampedNs / each, cost.passingNs / each, cost.tickNs / each / 2,
      static_cast<unsigned long long>(packets), static_cast<unsigned long long>(clamped), sizeof(Call),
      static_cast<unsigned long long>(checksum));
}
