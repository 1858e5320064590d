#include <string.h>

#include <algorithm>
#include <cmath>

#include "media/session.h"
#include "media/time.h"
#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr std::uint32_t kSamplesPerMs = 8;
constexpr int kMaxGapSamples = 200 * 8;  // longer is a pause in the stream, not a loss in it
constexpr int kMaxDropout = 3000;        // RFC 3550 appendix A.1
constexpr int kMaxMisorder = 100;
constexpr int kReplayRun = 5;
constexpr double kSamePressMs = 400;  // the second carrier of a press begins within this of the first

std::uint32_t arrivalTs(double arrivalMs) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(arrivalMs * kSamplesPerMs));
}

/// @return 0 if it is still to come
int samplesSince(double momentMs, double streamEndMs) noexcept {
  constexpr double kLongestMs = 10'000;
  return static_cast<int>(std::clamp(streamEndMs - momentMs, 0.0, kLongestMs) * kSamplesPerMs);
}

}  // namespace

void Session::receiveRtp(ByteView datagram, double arrivalMs) noexcept {
  if (!connected_) return;
  const std::optional<RtpPacket> packet = parseRtp(datagram);
  if (!packet) {
    counts_.packetsMalformed++;
    return;
  }
  const bool isAudio = packet->payloadType == settings_.payloadType;
  const bool isEvent = settings_.eventPayloadType != 0 && packet->payloadType == settings_.eventPayloadType;
  if (!isAudio && !isEvent) {
    counts_.packetsUnknownType++;
    unknown_ = true;
    return;
  }
  if (packet->payload.empty() || packet->payload.size() > kMaxPayloadSize) {
    counts_.packetsMalformed++;
    return;
  }
  if (!admit(*packet, arrivalMs)) return;
  lastPacketMs_ = arrivalMs;
  timedOut_ = false;
  const auto content = isAudio ? ReorderBuffer::Content::kAudio : ReorderBuffer::Content::kOther;
  const ByteView kept = isAudio ? packet->payload : ByteView{};
  auto put = reorder_.put(packet->sequence, packet->timestamp, content, kept, arrivalMs);
  if (put == ReorderBuffer::Put::kStored) {
    replayRun_ = 0;
  } else if (isReplay(packet->sequence)) {
    restartStream(*packet, arrivalMs);
    put = reorder_.put(packet->sequence, packet->timestamp, content, kept, arrivalMs);
  }
  if (put == ReorderBuffer::Put::kDuplicate)
    counts_.packetsDuplicate++;
  else
    received_.count(packet->sequence, packet->timestamp, arrivalTs(arrivalMs));
  if (put == ReorderBuffer::Put::kLate) counts_.packetsLate++;
  // Whatever its turn, a telephone-event is looked at: it knows by its timestamp what it has counted.
  if (isEvent) {
    KeyEdges edges;
    if (!eventReceiver_.receive(packet->timestamp, packet->marker, packet->payload, arrivalMs, edges)) {
      counts_.packetsMalformed++;
    }
    report(edges);
  }
  drain(arrivalMs);
}

/// Follows one source at a time. Another, or the same one far from where it was, takes over when it has sent
/// two packets in sequence (RFC 3550 appendix A.1).
bool Session::admit(const RtpPacket& packet, double nowMs) noexcept {
  const int turns = reorder_.turnsUntil(packet.sequence);
  const bool isNear = turns <= kMaxDropout && turns >= -kMaxMisorder;
  if (hasStream_ && packet.ssrc == remoteSsrc_ && isNear) {
    hasCandidate_ = false;
    return true;
  }
  const bool isNext =
      hasCandidate_ && packet.ssrc == candidateSsrc_ && ahead(candidateSequence_, packet.sequence) == 1;
  if (hasStream_ && !isNext) {
    hasCandidate_ = true;
    candidateSsrc_ = packet.ssrc;
    candidateSequence_ = packet.sequence;
    return false;
  }
  restartStream(packet, nowMs);
  return true;
}

/// True if the peer has gone back to numbers it used before and goes on from there.
bool Session::isReplay(std::uint16_t sequence) noexcept {
  replayRun_ = replayRun_ > 0 && ahead(replaySequence_, sequence) == 1 ? replayRun_ + 1 : 1;
  replaySequence_ = sequence;
  return replayRun_ >= kReplayRun;
}

void Session::restartStream(const RtpPacket& packet, double nowMs) noexcept {
  if (hasStream_) {
    counts_.packetsReceived += received_.received();
    counts_.packetsLost += received_.lost();
  }
  replayRun_ = 0;
  hasStream_ = true;
  hasCandidate_ = false;
  remoteSsrc_ = packet.ssrc;
  received_.restart(packet.sequence);
  reorder_.restart(packet.sequence);
  KeyEdges keys;
  eventReceiver_.restart(nowMs, keys);
  report(keys);
  ToneEdges tones;
  detector_.reset(tones);
  report(tones);
  heardBefore_ = false;
  gap_ = false;
  unknown_ = false;
  if (voice_ != nullptr) voice_->breakOff();
}

void Session::drain(double nowMs) noexcept {
  while (const auto packet = reorder_.take(nowMs)) {
    if (packet->lost)
      gap_ = true;
    else if (packet->content == ReorderBuffer::Content::kAudio)
      hear(*packet);
  }
}

void Session::hear(const ReorderBuffer::Packet& packet) noexcept {
  ToneEdges edges;
  const int missing = heardBefore_ ? ahead(expectedTs_, packet.timestamp) : 0;
  if (missing > kMaxGapSamples || missing < -kMaxGapSamples) {
    detector_.reset(edges);
    report(edges);
    edges.count = 0;
    if (voice_ != nullptr) voice_->breakOff();
  } else if (missing > 0 && gap_) {
    detector_.conceal(static_cast<std::size_t>(missing), edges);
  } else if (missing > 0) {
    static constexpr std::array<std::int16_t, kMaxGapSamples> kSilence{};  // the sender suppressed it
    detector_.feed(std::span(kSilence).first(static_cast<std::size_t>(missing)), edges);
  }
  if (missing > 0 && missing <= kMaxGapSamples) skip(static_cast<std::size_t>(missing));
  gap_ = false;
  unknown_ = false;
  heardBefore_ = true;
  std::array<std::int16_t, kMaxFrame> pcm;
  const std::span<std::int16_t> samples(pcm.data(), packet.payload.size());
  decode(settings_.codec, packet.payload, samples);
  detector_.feed(samples, edges);
  if (voice_ != nullptr) voice_->hear(samples, eventReceiver_.down() ? Heard::kEvent : Heard::kAudio);
  expectedTs_ = packet.timestamp + static_cast<std::uint32_t>(samples.size());
  streamEndMs_ = packet.arrivalMs;
  report(edges);
}

/// Samples of the stream that nobody has: a voice goes on past them.
void Session::skip(std::size_t sampleCount) noexcept {
  static constexpr std::array<std::int16_t, kMaxGapSamples> kNothing{};
  if (voice_ == nullptr) return;
  const Heard what = eventReceiver_.down() ? Heard::kEvent : unknown_ ? Heard::kUnknown : Heard::kLost;
  voice_->hear(std::span(kNothing).first(sampleCount), what);
}

void Session::cover(std::uint32_t durationMs) noexcept {
  if (voice_ != nullptr) voice_->cover(static_cast<int>(durationMs * kSamplesPerMs));
}

void Session::enter(Room& room, Voice& voice) noexcept {
  room_ = &room;
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

void Session::report(KeyEdges& edges) noexcept {
  for (const KeyEdge& edge : edges) {
    if (edge.down)
      keyDown(KeyCarrier::kEvent, edge.key, edge.onsetMs);
    else
      keyUp(KeyCarrier::kEvent, edge.onsetMs, edge.durationMs);
  }
  edges.wipe();
}

void Session::report(ToneEdges& edges) noexcept {
  for (std::size_t i = 0; i < edges.count; i++) {
    const ToneEdge& edge = edges.items[i];
    const double onsetMs =
        streamEndMs_ - static_cast<double>(detector_.samplesFed() - edge.onsetSample) / kSamplesPerMs;
    if (edge.down)
      keyDown(KeyCarrier::kTone, edge.key, onsetMs);
    else
      keyUp(KeyCarrier::kTone, onsetMs, edge.durationSamples / kSamplesPerMs);
  }
  explicit_bzero(&edges, sizeof edges);
}

void Session::keyDown(KeyCarrier carrier, std::uint8_t key, double onsetMs) noexcept {
  (carrier == KeyCarrier::kEvent ? counts_.eventsReceived : counts_.tonesDetected)++;
  const std::uint32_t press = ++presses_[static_cast<std::size_t>(carrier)];
  // The second carrier of a press must not end the phrase that answers the first.
  const bool isSecondCarrier = hasLastKey_ && lastKey_ == key && lastCarrier_ != carrier &&
                               std::abs(onsetMs - lastOnsetMs_) < kSamePressMs;
  hasLastKey_ = !isSecondCarrier;
  lastKey_ = key;
  lastCarrier_ = carrier;
  lastOnsetMs_ = onsetMs;
  MediaEvent event{.kind = MediaEvent::Kind::kKeyDown, .carrier = carrier, .key = key, .session = id_};
  event.onsetMs = onsetMs;
  event.press = press;
  if (voice_ != nullptr) voice_->keyDown(carrier, key, samplesSince(onsetMs, streamEndMs_));
  if (!isSecondCarrier) tell(player_.bargeIn());
  events_.emit(event);
  explicit_bzero(&event, sizeof event);
}

void Session::keyUp(KeyCarrier carrier, double onsetMs, std::uint32_t durationMs) noexcept {
  if (voice_ != nullptr) voice_->keyUp(carrier, samplesSince(onsetMs + durationMs, streamEndMs_));
  MediaEvent event{.kind = MediaEvent::Kind::kKeyUp, .carrier = carrier, .session = id_};
  event.press = presses_[static_cast<std::size_t>(carrier)];
  event.durationMs = durationMs;
  events_.emit(event);
}

void Session::receiveRtcp(ByteView datagram, double arrivalMs) noexcept {
  if (!connected_) return;
  const std::optional<IncomingRtcp> incoming = parseRtcp(datagram, seed_.ssrc);
  if (!incoming) {
    counts_.packetsMalformed++;
    return;
  }
  lastPacketMs_ = arrivalMs;  // a peer that keeps silent (no audio between keys) still reports
  timedOut_ = false;
  if (incoming->senderNtp) {
    lastSenderReport_ = middleOfNtp(*incoming->senderNtp);
    lastSenderReportMs_ = arrivalMs;
  }
  if (incoming->aboutUs) {
    counts_.remoteLoss = incoming->aboutUs->fractionLost / 256.0;
    if (const auto tripMs = roundTripMs(*incoming->aboutUs, ntpNow())) counts_.roundTripMs = *tripMs;
  }
}

}  // namespace hushpay
