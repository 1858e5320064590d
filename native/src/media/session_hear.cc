#include <algorithm>

#include "media/room.h"
#include "media/session.h"
#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr int kMaxGapSamples = 200 * 8;  // longer is a pause in the stream, not a loss in it
constexpr double kNever = -1;
constexpr std::size_t kNoiseSamples = 40 * 8;  // of silence at once for a comfort noise packet: it ends a key

}  // namespace

/// @param onsetMs  of a tone that is down when the stream goes on: it may be one that was down before
void Session::restartDetector(double onsetMs) noexcept {
  pairs_.interrupted(onsetMs);
  const std::int64_t fed = detector_.samplesFed();
  ToneEdges edges;
  detector_.reset(edges);
  report(edges, fed);
  if (voice_ != nullptr) voice_->breakOff();
}

/// Whoever starts to listen knows nothing of what was before, and a key that is down ends for who stops.
bool Session::listensForTones() noexcept {
  const bool listens = settings_.findsTones || (voice_ != nullptr && voice_->isClamped());
  if (listens != listened_) {
    ToneEdges edges;
    const std::int64_t fed = detector_.samplesFed();
    detector_.reset(edges);
    report(edges, fed);
  }
  listened_ = listens;
  return listens;
}

void Session::detect(std::span<const std::int16_t> samples, ToneEdges& edges) noexcept {
  if (listensForTones()) detector_.feed(samples, edges);
}

/// Tells the detector of the time since what it heard last: lost, or left out by the sender.
/// @param decoder  of the packet; null if it is no audio
void Session::fillUpTo(const ReorderBuffer::Packet& packet, AudioDecoder* decoder) noexcept {
  ToneEdges edges;
  const int tsUnit = static_cast<int>(toTs(1));
  const int missing = heardBefore_ ? ahead(expectedTs_, packet.timestamp) / tsUnit : 0;
  if (missing > kMaxGapSamples || missing < -kMaxGapSamples)
    restartDetector(gap_ || missing < 0 ? clock_.at(packet.timestamp) : kNever);
  else if (missing > 0)
    hearGap(missing, packet.payload, decoder, edges);
  if (missing > 0 && missing <= kMaxGapSamples) expectedTs_ = packet.timestamp;
  report(edges, detector_.samplesFed());
  gap_ = false;
  unknown_ = false;
  heardBefore_ = true;
}

/// What the packet behind a loss repeats of it is audio; a sender that left something out was silent.
void Session::hearGap(int samples, ByteView next, AudioDecoder* decoder, ToneEdges& edges) noexcept {
  std::array<std::int16_t, kMaxGapSamples> pcm{};
  const auto gap = std::span(pcm).first(static_cast<std::size_t>(samples));
  if (!gap_) {
    detect(gap, edges);
    return skip(gap.size(), false);
  }
  const auto recovered = gap.last(decoder != nullptr ? decoder->recover(next, gap) : 0);
  const std::size_t lost = gap.size() - recovered.size();
  const std::uint32_t recoveredTs = expectedTs_ + toTs(lost);
  if (lost > 0) pairs_.interrupted(clock_.at(recoveredTs));
  if (listensForTones()) detector_.conceal(lost, edges);
  skip(lost, true);
  dcOffset_.remove(recovered);
  detect(recovered, edges);
  passOn(recoveredTs, {.samples = recovered});
}

void Session::hear(const ReorderBuffer::Packet& packet, Codec codec) noexcept {
  if (clockHzOf(codec) != clock_.rateHz())
    return;  // waited too long: the peer has gone on with another clock
  AudioDecoder& decoder = codecs_.decoder(codec);
  if (codec != heardCodec_) decoder.reset();
  heardCodec_ = codec;
  fillUpTo(packet, &decoder);
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  const auto samples = std::span(pcm).first(decoder.decode(packet.payload, pcm));
  dcOffset_.remove(samples);
  if (samples.empty()) {
    counts_.packetsUndecodable++;
    gap_ = unknown_ = true;
  }
  ToneEdges edges;
  detect(samples, edges);
  const ByteView asItCame = dcOffset_.isApplied() ? ByteView{} : packet.payload;
  passOn(packet.timestamp, {.samples = samples, .codec = codec, .payload = asItCame});
  expectedTs_ = packet.timestamp + toTs(samples.size());
  report(edges, detector_.samplesFed());
}

/// Comfort noise (RFC 3389) is silence to a detector, and no loss.
void Session::hearSilence(const ReorderBuffer::Packet& packet) noexcept {
  static constexpr std::array<std::int16_t, kNoiseSamples> kSilence{};
  fillUpTo(packet, nullptr);
  ToneEdges edges;
  detect(kSilence, edges);
  skip(kNoiseSamples, false);
  expectedTs_ = packet.timestamp + toTs(kNoiseSamples);
  report(edges, detector_.samplesFed());
}

bool Session::eventCovers(std::uint32_t timestamp, std::uint32_t sampleCount) const noexcept {
  if (settings_.eventClockHz != clock_.rateHz()) return eventReceiver_.down();
  return eventReceiver_.covers(timestamp, toTs(sampleCount));
}

/// The voice of a room speaks what was heard.
void Session::passOn(std::uint32_t timestamp, Speech speech) noexcept {
  if (room_ == nullptr || speech.samples.empty()) return;
  const bool isEvent = eventCovers(timestamp, static_cast<std::uint32_t>(speech.samples.size()));
  speech.what = isEvent ? Heard::kEvent : Heard::kAudio;
  room_->pass(*this, speech);
}

/// Samples of the stream that nobody has: a voice goes on past them.
void Session::skip(std::size_t sampleCount, bool wasSent) noexcept {
  static constexpr std::array<std::int16_t, kMaxGapSamples> kNothing{};
  if (room_ == nullptr || sampleCount == 0) return;
  const bool isEvent = eventCovers(expectedTs_, static_cast<std::uint32_t>(sampleCount));
  const Heard what = isEvent ? Heard::kEvent : unknown_ ? Heard::kUnknown : Heard::kLost;
  room_->pass(*this, {.samples = std::span(kNothing).first(sampleCount), .what = what, .wasSent = wasSent});
}

/// @return how many samples ago the voice heard it; 0 if it is still to come
int Session::samplesSince(double momentMs) const noexcept {
  constexpr double kLongestMs = 10'000;
  if (!clock_.running()) return 0;
  return static_cast<int>(std::clamp(clock_.at(expectedTs_) - momentMs, 0.0, kLongestMs) * kSamplesPerMs);
}

void Session::cover(std::uint32_t durationMs) noexcept {
  if (voice_ != nullptr) voice_->cover(static_cast<int>(durationMs * kSamplesPerMs));
}

void Session::enter(Room& room, Voice& voice, std::size_t place) noexcept {
  room_ = &room;
  place_ = place;
  voice_ = &voice;
  pastVoice_ = &voice;
}

void Session::leaveRoom() noexcept {
  room_ = nullptr;
  voice_ = nullptr;
  ticksToFrame_ = 0;
}

void Session::hasten(std::size_t sampleCount) noexcept {
  while (voice_->isShortOf(sampleCount) && reorder_.giveUp()) {
    gap_ = true;
    drain(tickMs_);
  }
}

}  // namespace hushpay
