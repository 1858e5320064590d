// What a codec costs: hushpay-bench-codecs FILE.wav... prints, as JSON, nanoseconds of processor time to
// encode and to decode 20 ms of that speech, and bits per second.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "codec/codec.h"
#include "media/wav.h"
#include "rtp/packet.h"

namespace {

using namespace hushpay;

constexpr std::size_t kFrame = 160;
constexpr int kRounds = 5;  // the fastest counts: the machine has other work

struct Subject {
  const char* name;
  Codec codec;
  OpusWishes wishes;
};

constexpr Subject kSubjects[] = {
    {"PCMU", Codec::kPcmu, {}},
    {"PCMA", Codec::kPcma, {}},
    {"G722", Codec::kG722, {}},
    {"opus", Codec::kOpus, {}},
    {"opusFec", Codec::kOpus, {.fec = true}},
    {"L16/8000", Codec::kL16, {}},
    {"L16/16000", Codec::kL16Wide, {}},
};

double processorNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

struct Cost {
  double encodeNs = 0;
  double decodeNs = 0;
  double bitsPerSecond = 0;
};

Cost measure(const Subject& subject, const std::vector<std::int16_t>& speech) {
  const auto encoder = makeEncoder(subject.codec);
  const auto decoder = makeDecoder(subject.codec);
  encoder->configure(subject.wishes);
  const std::size_t frames = speech.size() / kFrame;
  std::vector<std::uint8_t> payloads(frames * kMaxPayloadSize);
  std::vector<std::size_t> sizes(frames);
  std::vector<std::int16_t> pcm(kMaxDecodedSamples);
  const double startNs = processorNs();
  for (std::size_t n = 0; n < frames; n++) {
    const auto payload = ByteSpan(payloads).subspan(n * kMaxPayloadSize, kMaxPayloadSize);
    sizes[n] = encoder->encode(std::span(speech).subspan(n * kFrame, kFrame), payload);
  }
  const double encodedNs = processorNs();
  for (std::size_t n = 0; n < frames; n++)
    decoder->decode(ByteView(payloads).subspan(n * kMaxPayloadSize, sizes[n]), pcm);
  const double decodedNs = processorNs();
  std::size_t bytes = 0;
  for (const std::size_t size : sizes) bytes += size;
  const auto count = static_cast<double>(frames);
  return {.encodeNs = (encodedNs - startNs) / count,
          .decodeNs = (decodedNs - encodedNs) / count,
          .bitsPerSecond = static_cast<double>(bytes) * 8 * 50 / count};
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
    std::fprintf(stderr, "usage: hushpay-bench-codecs FILE.wav...\n");
    return 64;
  }
  const char* separator = "{";
  for (const Subject& subject : kSubjects) {
    Cost best = measure(subject, speech);
    for (int round = 1; round < kRounds; round++) {
      const Cost cost = measure(subject, speech);
      best.encodeNs = std::min(best.encodeNs, cost.encodeNs);
      best.decodeNs = std::min(best.decodeNs, cost.decodeNs);
    }
    std::printf("%s\"%s\":{\"encodeNs\":%.0f,\"decodeNs\":%.0f,\"bitsPerSecond\":%.0f}", separator,
                subject.name, best.encodeNs, best.decodeNs, best.bitsPerSecond);
    separator = ",";
  }
  std::printf("}\n");
}
