#include <string.h>

#include <algorithm>

#include "media/room.h"
#include "media/session.h"
#include "media/time.h"

namespace hushpay {
namespace {

/// Packets that may have been sent after the position was saved. A number is never used twice: under SRTP
/// that would use a key stream twice.
constexpr std::uint16_t kResumeSkip = 32;
constexpr double kReportIntervalMs = 5000;  // RFC 3550 section 6.2, spread by half either way

}  // namespace

Session::Session(std::uint32_t id, const StreamSeed& seed, std::uint32_t mediaTimeoutMs, PacketSink& packets,
                 EventSink& events)
    : id_(id),
      mediaTimeoutMs_(mediaTimeoutMs),
      packets_(packets),
      events_(events),
      seed_(seed),
      sequence_(seed.sequence),
      timestamp_(seed.timestamp),
      reportJitter_(seed.ssrc ^ seed.timestamp) {}

Session::~Session() {
  player_.wipe();
  eventSender_.wipe();
  toneGenerator_.wipe();
  detector_.wipe();
  eventReceiver_.wipe();
  pairs_.wipe();
  reorder_.wipe();
  codecs_.wipe();
}

void Session::resume(const StreamPosition& position, double nowMs) noexcept {
  seed_ = position.next;
  sequence_ = static_cast<std::uint16_t>(position.next.sequence + kResumeSkip);
  timestamp_ = position.next.timestamp;
  silentMs_ = nowMs - position.atMs;
  counts_ = position.counts;
  packetsSent_ = position.packetsSent;
  octetsSent_ = position.octetsSent;
  presses_ = position.presses;
  pressedBefore_ = position.pressed;
  resumedMs_ = nowMs;
}

StreamPosition Session::position(double nowMs) const noexcept {
  StreamPosition position{.next = seed_,
                          .atMs = nowMs,
                          .counts = counts(),
                          .packetsSent = packetsSent_,
                          .octetsSent = octetsSent_,
                          .presses = presses_,
                          .pressed = pressed_};
  position.next.sequence = sequence_;
  position.next.timestamp = timestamp_;
  return position;
}

void Session::connect(const StreamSettings& settings, double nowMs) noexcept {
  if (room_ != nullptr) room_->stir();
  const bool isFirst = !connected_;
  if (settings.sending && !settings_.sending) talking_ = false;
  if (isFirst) {
    nextReportMs_ = nowMs + kReportIntervalMs / 2;
    timestamp_ += static_cast<std::uint32_t>(silentMs_ * kSamplesPerMs) * tsPerSample(settings.codec);
  }
  AudioEncoder& encoder = codecs_.encoder(settings.codec);
  if (isFirst || settings.codec != settings_.codec) encoder.reset();
  encoder.configure(settings.opus);
  const bool newTypes = settings.codec != settings_.codec || settings.payloadType != settings_.payloadType ||
                        settings.eventPayloadType != settings_.eventPayloadType;
  if (voice_ != nullptr && newTypes) voice_->breakOff();
  if (settings.ptimeMs != settings_.ptimeMs) ticksToFrame_ = 0;
  settings_ = settings;
  payloadTypes_.set(settings, nowMs);
  connected_ = true;
  lastPacketMs_ = nowMs;
  timedOut_ = false;
}

void Session::setSending(bool sending) noexcept {
  if (room_ != nullptr) room_->stir();
  if (sending && !settings_.sending) talking_ = false;
  settings_.sending = sending;
}

void Session::play(const PlayItem& item) noexcept {
  if (room_ != nullptr) room_->stir();
  player_.add(item);  // room was checked before it was queued
}

void Session::stopPlay(std::uint32_t play) noexcept { tell(player_.stop(play)); }

void Session::sendKey(std::uint8_t key, std::uint32_t durationMs) noexcept {
  if (room_ != nullptr) room_->stir();
  if (settings_.eventPayloadType != 0)
    eventSender_.press(key, durationMs);
  else
    toneGenerator_.press(key, durationMs);
}

void Session::tick(double nowMs) noexcept {
  if (!connected_) return;
  tickMs_ = nowMs;
  drain(nowMs);
  KeyEdges edges;
  eventReceiver_.tick(nowMs, lastPacketMs_, edges);
  report(edges);
  pairs_.tick(nowMs);
  const bool watching = settings_.receiving && mediaTimeoutMs_ > 0 && !timedOut_;
  if (watching && nowMs - lastPacketMs_ > mediaTimeoutMs_) {
    timedOut_ = true;
    events_.emit({.kind = MediaEvent::Kind::kMediaTimeout, .session = id_});
  }
  if (room_ == nullptr) {
    if (ticksToFrame_ == 0) {
      ticksToFrame_ = settings_.ptimeMs / kTickMs;
      sendFrame();
    }
    ticksToFrame_--;
  }
  if (nowMs >= nextReportMs_) sendReport(nowMs, false);
}

double Session::dueMs() const noexcept {
  if (!connected_) return kNeverMs;
  const bool isBusy = room_ == nullptr || player_.playing() || eventReceiver_.down() || !reorder_.isEmpty();
  if (isBusy) return 0;
  const bool watching = settings_.receiving && mediaTimeoutMs_ > 0 && !timedOut_;
  return std::min({nextReportMs_, watching ? lastPacketMs_ + mediaTimeoutMs_ : kNeverMs,
                   eventReceiver_.forgetsAtMs(), pairs_.forgetsAtMs()});
}

void Session::sendFrame() noexcept {
  std::array<std::int16_t, kMaxEncodedSamples> pcm;
  const std::span<std::int16_t> frame(pcm.data(), settings_.ptimeMs * kSamplesPerMs);
  renderPrompt(frame);
  sendMix(frame);
}

bool Session::renderPrompt(std::span<std::int16_t> samples) noexcept {
  if (!connected_ || !settings_.sending) return false;  // a phrase waits while the peer holds the leg
  PlayNews news;
  const bool isPlaying = player_.render(samples, news);
  tell(news);
  return isPlaying;
}

void Session::sendMix(std::span<std::int16_t> frame, EncodedFrames* shared) noexcept {
  const auto frameMs = static_cast<std::uint32_t>(frame.size() / kSamplesPerMs);
  const std::uint32_t tsUnit = tsPerSample(settings_.codec);
  if (connected_ && settings_.sending) {
    toneGenerator_.render(frame);
    const std::uint32_t eventTs = timestamp_ / tsUnit * (settings_.eventClockHz / 8000);
    if (const auto event = eventSender_.frame(eventTs, frameMs, settings_.eventClockHz)) {
      sendPacket(settings_.eventPayloadType, event->marker, event->timestamp, event->payload);
      talking_ = false;
    } else {
      sendAudio(frame, shared);
    }
  }
  passTime(frame.size());  // the clock of a stream goes on while it pauses
  explicit_bzero(frame.data(), frame.size_bytes());
}

bool Session::sendAsItCame(Codec codec, ByteView payload, std::size_t sampleCount) noexcept {
  // Whoever limits what Opus may be sent to it has reasons.
  const bool isWelcome =
      codec != Codec::kOpus || (settings_.opus.maxBitrate == 0 && !settings_.opus.constantBitrate);
  const bool fits = codec == settings_.codec && sampleCount == settings_.ptimeMs * kSamplesPerMs;
  if (!isWelcome || !fits || payload.empty() || !sendsAudioOnly()) return false;
  sendPacket(settings_.payloadType, !talking_, timestamp_, payload);
  passTime(sampleCount);
  talking_ = true;
  return true;
}

bool Session::leaveOut(std::size_t sampleCount, bool wasSent) noexcept {
  const std::size_t packet = settings_.ptimeMs * kSamplesPerMs;
  if (!sendsAudioOnly() || (wasSent && sampleCount % packet != 0)) return false;
  if (wasSent)
    sequence_ = static_cast<std::uint16_t>(sequence_ + sampleCount / packet);
  else
    talking_ = false;
  passTime(sampleCount);
  return true;
}

void Session::pause(std::size_t sampleCount) noexcept {
  passTime(sampleCount);
  talking_ = false;
}

void Session::passTime(std::size_t sampleCount) noexcept {
  timestamp_ += static_cast<std::uint32_t>(sampleCount) * tsPerSample(settings_.codec);
}

void Session::sendAudio(std::span<const std::int16_t> pcm, EncodedFrames* shared) noexcept {
  AudioEncoder& encoder = codecs_.encoder(settings_.codec);
  std::array<std::uint8_t, kMaxPayloadSize> own;
  ByteView payload;
  const auto* same = shared != nullptr ? shared->find(settings_.codec, settings_.opus, pcm) : nullptr;
  if (same != nullptr) {
    payload = ByteView(same->payload).first(same->size);
    encoder.follow(*same->encoder);
    counts_.packetsShared++;
  } else {
    payload = ByteView(own).first(encoder.encode(pcm, own));
    if (shared != nullptr) shared->keep(settings_.codec, settings_.opus, encoder, pcm, payload);
  }
  if (!payload.empty()) sendPacket(settings_.payloadType, !talking_, timestamp_, payload);
  talking_ = !payload.empty();
}

void Session::sendPacket(std::uint8_t payloadType, bool marker, std::uint32_t timestamp,
                         ByteView payload) noexcept {
  std::array<std::uint8_t, kRtpHeaderSize + kMaxPayloadSize> datagram;
  writeRtpHeader(datagram, {.payloadType = payloadType,
                            .marker = marker,
                            .sequence = sequence_++,
                            .timestamp = timestamp,
                            .ssrc = seed_.ssrc,
                            .payload = {}});
  std::ranges::copy(payload, datagram.begin() + kRtpHeaderSize);
  packets_.sendRtp(ByteView(datagram).first(kRtpHeaderSize + payload.size()));
  packetsSent_++;
  octetsSent_ += static_cast<std::uint32_t>(payload.size());
  counts_.packetsSent++;
  reportsSinceSent_ = 0;
}

void Session::sendReport(double nowMs, bool bye) noexcept {
  OutgoingRtcp out{.ssrc = seed_.ssrc, .sender = {}, .report = {}, .cname = seed_.cname.data(), .bye = bye};
  if (reportsSinceSent_ < kReportsOfSender) {
    out.sender =
        SenderInfo{.ntp = ntpNow(), .timestamp = timestamp_, .packets = packetsSent_, .octets = octetsSent_};
  }
  if (hasStream_) {
    ReportBlock block{.ssrc = remoteSsrc_};
    received_.report(block);
    block.lastReport = lastSenderReport_;
    if (lastSenderReport_ != 0) {
      block.sinceLastReport = static_cast<std::uint32_t>((nowMs - lastSenderReportMs_) * 65.536);
    }
    out.report = block;
  }
  std::array<std::uint8_t, kMaxRtcpSize> datagram;
  packets_.sendRtcp(ByteView(datagram).first(writeRtcp(datagram, out)));
  if (reportsSinceSent_ < kReportsOfSender) reportsSinceSent_++;
  reportJitter_ = reportJitter_ * 1664525 + 1013904223;
  nextReportMs_ = nowMs + kReportIntervalMs * (0.5 + static_cast<double>(reportJitter_ >> 8) / (1u << 24));
}

/// The peer has the source identifier we have: whoever finds out says BYE and takes another (RFC 3550 section
/// 8.2). Once: a peer that has it again sends our own packets back.
void Session::yieldName(double nowMs) noexcept {
  if (hasYielded_) return;
  hasYielded_ = true;
  sendReport(nowMs, true);
  reportJitter_ = reportJitter_ * 1664525 + 1013904223;
  seed_.ssrc ^= reportJitter_ | 1;
  talking_ = false;
  packetsSent_ = octetsSent_ = 0;
  reportsSinceSent_ = kReportsOfSender;
}

void Session::tell(const PlayNews& news) noexcept {
  if (news.started) {
    MediaEvent event{.kind = MediaEvent::Kind::kPlayProgress, .session = id_};
    event.play = news.startedPlay;
    event.clipsStarted = news.clipsStarted;
    events_.emit(event);
  }
  if (news.ended) {
    MediaEvent event{.kind = MediaEvent::Kind::kPlayFinished, .playEnd = news.end, .session = id_};
    event.play = news.endedPlay;
    event.playedMs = news.playedSamples / kSamplesPerMs;
    event.starvedMs = news.starvedSamples / kSamplesPerMs;
    events_.emit(event);
  }
}

void Session::close(double nowMs) noexcept {
  if (connected_) sendReport(nowMs, true);
  connected_ = false;
  player_.wipe();
  eventSender_.wipe();
  toneGenerator_.wipe();
}

SessionCounts Session::counts() const noexcept {
  SessionCounts counts = counts_;
  counts.packetsReceived += received_.received();
  counts.packetsLost += received_.lost();
  counts.jitterMs = received_.jitterTs() * 1000 / clock_.rateHz();
  counts.starvedMs += player_.starvedSamples() / kSamplesPerMs;
  if (pastVoice_ != nullptr) {
    const VoiceFigures before = counts.voice;
    counts.voice = pastVoice_->figures();
    counts.voice.concealedMs += before.concealedMs;
    counts.voice.discardedMs += before.discardedMs;
    counts.clamp += pastVoice_->clampReport();
  }
  return counts;
}

}  // namespace hushpay
