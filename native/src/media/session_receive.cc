#include <string.h>

#include <algorithm>
#include <cmath>

#include "media/session.h"
#include "media/time.h"
#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr int kMaxGapSamples = 200 * 8;  // longer is a pause in the stream, not a loss in it
constexpr int kMaxDropout = 3000;        // RFC 3550 appendix A.1
constexpr int kMaxMisorder = 100;
constexpr int kReplayRun = 5;
constexpr double kSamePressMs = 400;  // the second carrier of a press begins within this of the first

std::uint32_t arrivalTs(double arrivalMs, Codec codec) noexcept {
  return static_cast<std::uint32_t>(
      static_cast<std::uint64_t>(arrivalMs * kSamplesPerMs * tsPerSample(codec)));
}

}  // namespace

void Session::receiveRtp(ByteView datagram, double arrivalMs) noexcept {
  if (!connected_) return;
  const std::optional<RtpPacket> packet = parseRtp(datagram);
  if (!packet) {
    counts_.packetsMalformed++;
    return;
  }
  const bool isAudio = payloadTypes_.codecOf(packet->payloadType, arrivalMs).has_value();
  const bool isEvent = settings_.eventPayloadType != 0 && packet->payloadType == settings_.eventPayloadType;
  if (!isAudio && !isEvent) {
    counts_.packetsUnknownType++;
    return;
  }
  if (packet->payload.empty() || packet->payload.size() > kMaxPayloadSize) {
    counts_.packetsMalformed++;
    return;
  }
  if (!admit(*packet, arrivalMs)) return;
  lastPacketMs_ = arrivalMs;
  timedOut_ = false;
  const ByteView kept = isAudio ? packet->payload : ByteView{};
  auto put = reorder_.put(packet->sequence, packet->timestamp, packet->payloadType, kept, arrivalMs);
  if (put == ReorderBuffer::Put::kStored) {
    replayRun_ = 0;
  } else if (isReplay(packet->sequence)) {
    restartStream(*packet, arrivalMs);
    put = reorder_.put(packet->sequence, packet->timestamp, packet->payloadType, kept, arrivalMs);
  }
  if (put == ReorderBuffer::Put::kDuplicate)
    counts_.packetsDuplicate++;
  else
    received_.count(packet->sequence, packet->timestamp, arrivalTs(arrivalMs, settings_.codec));
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
}

void Session::drain(double nowMs) noexcept {
  while (const auto packet = reorder_.take(nowMs)) {
    if (packet->lost)
      gap_ = true;
    else if (const auto codec = payloadTypes_.codecOf(packet->payloadType, nowMs))
      hear(*packet, *codec);
  }
}

void Session::hear(const ReorderBuffer::Packet& packet, Codec codec) noexcept {
  ToneEdges edges;
  AudioDecoder& decoder = codecs_.decoder(codec);
  if (codec != heardCodec_) {
    decoder.reset();
    heardBefore_ = heardBefore_ && tsPerSample(codec) == tsPerSample(heardCodec_);
    heardCodec_ = codec;
  }
  const int tsUnit = static_cast<int>(tsPerSample(codec));
  const int missing = heardBefore_ ? ahead(expectedTs_, packet.timestamp) / tsUnit : 0;
  if (missing > kMaxGapSamples || missing < -kMaxGapSamples) {
    detector_.reset(edges);
    report(edges);
    edges.count = 0;
  } else if (missing > 0) {
    hearGap(missing, packet, decoder, edges);
  }
  expectedTs_ = packet.timestamp;
  std::array<std::int16_t, kMaxDecodedSamples> pcm;
  const auto samples = std::span(pcm).first(decoder.decode(packet.payload, pcm));
  if (samples.empty()) {
    counts_.packetsUndecodable++;
    gap_ = true;
    return report(edges);
  }
  gap_ = false;
  heardBefore_ = true;
  detector_.feed(samples, edges);
  expectedTs_ += static_cast<std::uint32_t>(samples.size()) * tsPerSample(codec);
  streamEndMs_ = packet.arrivalMs;
  report(edges);
}

/// What lies between the last packet heard and `next`: lost, or left out by a sender that suppresses silence.
void Session::hearGap(int samples, const ReorderBuffer::Packet& next, AudioDecoder& decoder,
                      ToneEdges& edges) noexcept {
  std::array<std::int16_t, kMaxGapSamples> pcm{};
  const auto gap = std::span(pcm).first(static_cast<std::size_t>(samples));
  if (!gap_) return detector_.feed(gap, edges);
  const std::size_t recovered = decoder.recover(next.payload, gap);
  detector_.conceal(gap.size() - recovered, edges);
  detector_.feed(gap.last(recovered), edges);
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
  if (!isSecondCarrier) tell(player_.bargeIn());
  events_.emit(event);
  explicit_bzero(&event, sizeof event);
}

void Session::keyUp(KeyCarrier carrier, double, std::uint32_t durationMs) noexcept {
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
