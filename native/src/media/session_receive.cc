#include <string.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "media/room.h"
#include "media/session.h"
#include "media/time.h"
#include "rtp/prefetch.h"
#include "rtp/wrap.h"

namespace hushpay {
namespace {

constexpr int kMaxDropout = 3000;  // RFC 3550 appendix A.1
constexpr int kMaxMisorder = 100;
constexpr int kReplayRun = 5;
constexpr double kDirectHoldMs =
    20;  // listeners without a playout buffer of ours wait for a gap to be filled
/// A tone that was on when the session was taken up is heard as beginning with the first packet, or little
/// later.
constexpr double kTakeUpMs = 60;

using Meaning = PayloadTypes::Meaning;

std::uint32_t arrivalTs(double arrivalMs, std::uint32_t clockHz) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(arrivalMs * clockHz / 1000));
}

}  // namespace

void Session::prefetch() const noexcept {
  const auto upTo = [this](const void* end) {
    return static_cast<std::size_t>(static_cast<const char*>(end) - reinterpret_cast<const char*>(this));
  };
  hushpay::prefetch(this, upTo(&reorder_) + 64);
  hushpay::prefetch(&clock_, sizeof clock_ + 128);
  hushpay::prefetch(&dcOffset_, sizeof dcOffset_);
  hushpay::prefetch(&listened_, 128);
  const auto* tail = reinterpret_cast<const char*>(&room_);
  hushpay::prefetch(tail, 64);
  hushpay::prefetch(&eventSender_, static_cast<std::size_t>(reinterpret_cast<const char*>(this + 1) -
                                                            reinterpret_cast<const char*>(&eventSender_)));
}

void Session::prefetchVoice() const noexcept {
  if (room_ == nullptr) return;
  voice_->prefetch();
  room_->prefetch();
  codecs_.prefetch(settings_.codec);
  if (settings_.findsTones) detector_.prefetch();
}

void Session::prefetchNext() const noexcept {
  if (settings_.findsTones) detector_.prefetchNext();
  if (room_ == nullptr) return;
  voice_->prefetchNext();
  room_->prefetchListeners(*this);
}

void Session::prefetchSending() const noexcept {
  hushpay::prefetch(this, 512);
  hushpay::prefetch(&eventSender_, 192);
  packets_.prefetch();
}

void Session::receiveRtp(ByteView datagram, double arrivalMs) noexcept {
  if (!connected_) return;
  std::optional<RtpPacket> packet = parseRtp(datagram);
  if (!packet) {
    counts_.packetsMalformed++;
    return;
  }
  Meaning meaning = payloadTypes_.of(packet->payloadType, arrivalMs);
  std::optional<RedundantPacket> red;
  if (meaning.kind == PayloadKind::kRedundant) {
    red = parseRedundant(packet->payload, packet->timestamp);
    if (!red) {
      counts_.packetsMalformed++;
      return;
    }
    packet->payloadType = red->primary().payloadType;
    packet->payload = red->primary().payload;
    meaning = payloadTypes_.of(packet->payloadType, arrivalMs);
  }
  if (meaning.kind == PayloadKind::kUnknown || meaning.kind == PayloadKind::kRedundant) {
    counts_.packetsUnknownType++;
    unknown_ = true;
    return;
  }
  if (packet->payload.empty() || packet->payload.size() > kMaxPayloadSize) {
    counts_.packetsMalformed++;
    return;
  }
  if (!admit(*packet, arrivalMs)) return;
  if (packet->ssrc == seed_.ssrc) yieldName(arrivalMs);
  lastPacketMs_ = arrivalMs;
  timedOut_ = false;
  if (red) receiveCopies(*red, packet->sequence, arrivalMs);
  const bool isAudio = meaning.kind == PayloadKind::kAudio;
  const bool isEvent = meaning.kind == PayloadKind::kEvent;
  if (isAudio && meaning.clockHz != clock_.rateHz()) changeClock(meaning.clockHz, arrivalMs);
  const bool isInTurn = reorder_.passBy(packet->sequence);
  if (store(*packet, meaning, isInTurn, arrivalMs) && !isEvent) {
    const std::size_t samples = isAudio ? codecs_.decoder(meaning.codec).sampleCount(packet->payload) : 0;
    clock_.note(packet->timestamp + toTs(samples), arrivalMs);
  }
  // Whatever its turn, a telephone-event is looked at: it knows by its timestamp what it has counted.
  if (isEvent) {
    const EventPacket event{
        .timestamp = packet->timestamp, .marker = packet->marker, .payload = packet->payload};
    receiveEvent(event, meaning.clockHz, arrivalMs);
  }
  if (isInTurn && !isEvent) {
    take({.lost = false,
          .payloadType = packet->payloadType,
          .timestamp = packet->timestamp,
          .arrivalMs = arrivalMs,
          .payload = packet->payload},
         arrivalMs);
  }
  drain(arrivalMs);
}

/// Puts a packet in its turn, if it is not in it already; an event takes its turn only.
/// @return false if its turn is over
bool Session::store(const RtpPacket& packet, const Meaning& meaning, bool isInTurn, double nowMs) noexcept {
  const ByteView kept = meaning.kind == PayloadKind::kEvent ? ByteView{} : packet.payload;
  auto put = isInTurn ? ReorderBuffer::Put::kStored
                      : reorder_.put(packet.sequence, packet.timestamp, packet.payloadType, kept, nowMs);
  if (put == ReorderBuffer::Put::kStored) {
    replayRun_ = 0;
  } else if (isReplay(packet.sequence)) {
    restartStream(packet, nowMs);
    put = reorder_.put(packet.sequence, packet.timestamp, packet.payloadType, kept, nowMs);
  }
  if (put == ReorderBuffer::Put::kDuplicate)
    counts_.packetsDuplicate++;
  else if (meaning.kind == PayloadKind::kAudio)
    received_.count(packet.sequence, packet.timestamp, arrivalTs(nowMs, meaning.clockHz));
  else
    received_.count(packet.sequence);
  if (put == ReorderBuffer::Put::kLate) counts_.packetsLate++;
  return put == ReorderBuffer::Put::kStored;
}

/// The peer speaks a codec of another clock: what was heard and what will be have no timestamps in common.
void Session::changeClock(std::uint32_t clockHz, double nowMs) noexcept {
  restartDetector(nowMs);
  clock_.restart(clockHz);
  received_.restartTransit();
  heardBefore_ = false;
  gap_ = false;
}

std::uint32_t Session::toTs(std::size_t samples) const noexcept {
  return static_cast<std::uint32_t>(samples * clock_.rateHz() / (1000 * kSamplesPerMs));
}

/// What an RFC 2198 packet repeats of earlier ones: events by their timestamp, audio in the place of the
/// packet it was in, if that has not come.
void Session::receiveCopies(const RedundantPacket& red, std::uint16_t sequence, double nowMs) noexcept {
  const RedundantBlock& primary = red.primary();
  const bool primaryIsAudio = payloadTypes_.of(primary.payloadType, nowMs).kind == PayloadKind::kAudio;
  for (const RedundantBlock& copy : red.copies()) {
    if (copy.payload.empty() || copy.payload.size() > kMaxPayloadSize) continue;
    if (ahead(firstTs_, copy.timestamp) < 0) continue;  // of before the stream
    const Meaning meaning = payloadTypes_.of(copy.payloadType, nowMs);
    if (meaning.kind == PayloadKind::kEvent) {
      receiveEvent({.timestamp = copy.timestamp, .payload = copy.payload, .redundant = true}, meaning.clockHz,
                   nowMs);
    } else if (meaning.kind == PayloadKind::kAudio && primaryIsAudio) {
      const std::uint32_t frameTs = toTs(codecs_.decoder(meaning.codec).sampleCount(copy.payload));
      const std::uint32_t offsetTs = primary.timestamp - copy.timestamp;
      const std::uint32_t turns = frameTs > 0 ? offsetTs / frameTs : 0;
      if (turns * frameTs != offsetTs || turns == 0 || turns > RedundantPacket::kMostCopies) continue;
      reorder_.put(static_cast<std::uint16_t>(sequence - turns), copy.timestamp, copy.payloadType,
                   copy.payload, nowMs);
    }
  }
}

void Session::receiveEvent(const EventPacket& packet, std::uint32_t clockHz, double nowMs) noexcept {
  KeyEdges edges;
  eventReceiver_.setClockRate(clockHz, nowMs);
  const StreamClock* clock = clockHz == clock_.rateHz() ? &clock_ : nullptr;
  if (!eventReceiver_.receive(packet, clock, nowMs, edges)) counts_.packetsMalformed++;
  report(edges);
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
  eventReceiver_.restart(nowMs);
  restartDetector(nowMs);
  clock_.restart();
  dcOffset_.reset();
  firstTs_ = packet.timestamp;
  heardBefore_ = false;
  gap_ = false;
  unknown_ = false;
  if (voice_ != nullptr) voice_->breakOff();
}

void Session::drain(double nowMs) noexcept {
  if (reorder_.isEmpty()) return;
  const bool isDirect = voice_ != nullptr && voice_->way().isDirect();
  while (const auto packet = reorder_.take(nowMs, isDirect ? kDirectHoldMs : ReorderBuffer::kHoldMs))
    take(*packet, nowMs);
}

void Session::take(const ReorderBuffer::Packet& packet, double nowMs) noexcept {
  if (packet.lost) {
    gap_ = true;
    return;
  }
  const Meaning meaning = payloadTypes_.of(packet.payloadType, nowMs);
  if (meaning.kind == PayloadKind::kAudio) hear(packet, meaning.codec);
  if (meaning.kind == PayloadKind::kComfortNoise) hearSilence(packet);
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

void Session::report(ToneEdges& edges, std::int64_t fed) noexcept {
  for (std::size_t i = 0; i < edges.count; i++) {
    const ToneEdge& edge = edges.items[i];
    const double onsetMs = clock_.at(expectedTs_ - toTs(static_cast<std::size_t>(fed - edge.onsetSample)));
    if (edge.down)
      keyDown(KeyCarrier::kTone, edge.key, onsetMs);
    else
      keyUp(KeyCarrier::kTone, onsetMs, edge.durationSamples / kSamplesPerMs);
  }
  explicit_bzero(&edges, sizeof edges);
}

/// True for the press during which another worker's session was taken up: it has been reported already.
bool Session::isOfBefore(KeyCarrier carrier, double onsetMs) noexcept {
  bool& pressed = pressedBefore_[static_cast<std::size_t>(carrier)];
  const bool wasPressed = std::exchange(pressed, false);
  return wasPressed && onsetMs < resumedMs_ + kTakeUpMs;
}

void Session::keyDown(KeyCarrier carrier, std::uint8_t key, double onsetMs) noexcept {
  if (voice_ != nullptr) voice_->keyDown(carrier, key, samplesSince(onsetMs));
  const double otherUntilMs = carrier == KeyCarrier::kTone ? eventReceiver_.reachMs()
                              : clock_.running()           ? clock_.at(expectedTs_)
                                                           : 0;
  const PressPairs::Verdict verdict = pairs_.down(carrier, key, onsetMs, otherUntilMs);
  isPart_[static_cast<std::size_t>(carrier)] = verdict.kind == PressPairs::Kind::kPart;
  if (verdict.kind == PressPairs::Kind::kPart || isOfBefore(carrier, onsetMs)) return;
  pressed_[static_cast<std::size_t>(carrier)] = true;
  (carrier == KeyCarrier::kEvent ? counts_.eventsReceived : counts_.tonesDetected)++;
  MediaEvent event{.kind = MediaEvent::Kind::kKeyDown, .carrier = carrier, .key = key, .session = id_};
  event.onsetMs = verdict.onsetMs;
  event.press = ++presses_[static_cast<std::size_t>(carrier)];
  // The second carrier of a press must not end the phrase that answers the first.
  if (verdict.kind == PressPairs::Kind::kFirst) tell(player_.bargeIn());
  events_.emit(event);
  explicit_bzero(&event, sizeof event);
}

void Session::keyUp(KeyCarrier carrier, double onsetMs, std::uint32_t durationMs) noexcept {
  if (voice_ != nullptr) voice_->keyUp(carrier, samplesSince(onsetMs + durationMs));
  pairs_.up(carrier, onsetMs + durationMs);
  if (isPart_[static_cast<std::size_t>(carrier)]) return;
  // The end of a press that an earlier worker reported is not told.
  if (!std::exchange(pressed_[static_cast<std::size_t>(carrier)], false)) return;
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
