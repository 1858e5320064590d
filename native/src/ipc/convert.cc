#include "ipc/convert.h"

#include <sys/random.h>

#include <array>
#include <cmath>
#include <cstring>

#include "ipc/link_wish.h"

namespace hushpay {

namespace pb = media::v1;

namespace {

pb::PlayEnd endOf(PlayEnd end) {
  switch (end) {
    case PlayEnd::kFinished:
      return pb::PLAY_END_FINISHED;
    case PlayEnd::kBargeIn:
      return pb::PLAY_END_BARGE_IN;
    case PlayEnd::kStopped:
      return pb::PLAY_END_STOPPED;
  }
  return pb::PLAY_END_STOPPED;
}

constexpr double kLeastGainDb = -60;
constexpr double kMostGainDb = 20;
constexpr std::uint64_t kSamplesPerMs = 8;

std::optional<Access> accessOf(pb::Access access) {
  if (access == pb::ACCESS_NONE) return Access::kNone;
  if (access == pb::ACCESS_OPEN) return Access::kOpen;
  if (access == pb::ACCESS_CLAMPED) return Access::kClamped;
  return std::nullopt;
}

std::optional<ClampMode> modeOf(pb::ClampMode mode) {
  if (mode == pb::CLAMP_MODE_COMFORT_NOISE) return ClampMode::kComfortNoise;
  if (mode == pb::CLAMP_MODE_SILENCE) return ClampMode::kSilence;
  if (mode == pb::CLAMP_MODE_NEUTRAL_TONE) return ClampMode::kNeutralTone;
  return std::nullopt;
}

void copyReport(const ClampReport& report, pb::ClampReport& into) {
  into.set_tone_presses(report.tonePresses);
  into.set_event_presses(report.eventPresses);
  into.set_other_presses(report.otherPresses);
  into.set_guard_events(report.guardEvents);
  into.set_armed_ms(report.armedSamples / kSamplesPerMs);
  into.set_clamped_ms(report.clampedSamples / kSamplesPerMs);
  into.set_missing_ms(report.missingSamples / kSamplesPerMs);
  into.set_worst_residual_dbm0(report.worstResidualDbm0);
}

pb::Carrier carrierOf(KeyCarrier carrier) {
  return carrier == KeyCarrier::kEvent ? pb::CARRIER_EVENT : pb::CARRIER_TONE;
}

}  // namespace

StreamSeed makeSeed() {
  StreamSeed seed;
  std::array<std::uint8_t, 22> random{};
  if (getrandom(random.data(), random.size(), 0) < 0) random.fill(0x5a);
  std::memcpy(&seed.ssrc, random.data(), 4);
  std::memcpy(&seed.timestamp, random.data() + 4, 4);
  std::memcpy(&seed.sequence, random.data() + 8, 2);
  seed.sequence &= 0x7fff;  // a first packet lost must not be one that rolls over (RFC 3711 section 3.3.1)
  static constexpr char kHex[] = "0123456789abcdef";
  for (std::size_t i = 0; i < 12; i++) {
    seed.cname[2 * i] = kHex[random[10 + i] >> 4];
    if (2 * i + 1 < seed.cname.size() - 1) seed.cname[2 * i + 1] = kHex[random[10 + i] & 15];
  }
  return seed;
}

std::optional<Codec> codecOf(pb::Codec codec) {
  switch (codec) {
    case pb::CODEC_PCMU:
      return Codec::kPcmu;
    case pb::CODEC_PCMA:
      return Codec::kPcma;
    case pb::CODEC_G722:
      return Codec::kG722;
    case pb::CODEC_OPUS:
      return Codec::kOpus;
    case pb::CODEC_L16_8000:
      return Codec::kL16;
    case pb::CODEC_L16_16000:
      return Codec::kL16Wide;
    default:
      return std::nullopt;
  }
}

OpusWishes wishesOf(const pb::Opus& opus) {
  return {.maxBitrate = opus.max_bitrate(), .fec = opus.fec(), .constantBitrate = opus.constant_bitrate()};
}

std::optional<Source> sourceOf(pb::Source source) {
  if (source == pb::SOURCE_VOICE) return Source::kVoice;
  if (source == pb::SOURCE_PROMPTS) return Source::kPrompts;
  return std::nullopt;
}

std::optional<Hearing> hearingOf(const pb::Hear& command) {
  const auto access = accessOf(command.access());
  const auto mode = modeOf(command.mode());
  const double gainDb = command.gain_db();
  if (!access || !mode || !(gainDb >= kLeastGainDb && gainDb <= kMostGainDb)) return std::nullopt;
  if (command.delay_ms() > DelayTap::kMaxMs) return std::nullopt;
  return Hearing{.access = *access,
                 .mode = *mode,
                 .gain = static_cast<float>(std::pow(10, gainDb / 20)),
                 .delayMs = static_cast<std::uint16_t>(command.delay_ms())};
}

void copyFigures(std::uint32_t session, const VoiceFigures& figures, pb::VoiceFigures& into) {
  into.set_session(session);
  into.set_level_dbm0(figures.levelDbm0);
  into.set_playout_ms(figures.delayMs);
  into.set_concealed_ms(figures.concealedMs);
  into.set_discarded_ms(figures.discardedMs);
}

void copyStats(const SessionCounts& counts, pb::SessionStats& into) {
  into.set_packets_received(counts.packetsReceived);
  into.set_packets_sent(counts.packetsSent);
  into.set_packets_lost(counts.packetsLost > 0 ? static_cast<std::uint64_t>(counts.packetsLost) : 0);
  into.set_packets_late(counts.packetsLate);
  into.set_packets_duplicate(counts.packetsDuplicate);
  into.set_packets_foreign(counts.packetsForeign);
  into.set_packets_malformed(counts.packetsMalformed);
  into.set_packets_unknown_type(counts.packetsUnknownType);
  into.set_events_received(counts.eventsReceived);
  into.set_tones_detected(counts.tonesDetected);
  into.set_jitter_ms(counts.jitterMs);
  into.set_round_trip_ms(counts.roundTripMs);
  into.set_remote_loss(counts.remoteLoss);
  into.set_starved_ms(counts.starvedMs);
  into.set_packets_undecodable(counts.packetsUndecodable);
  into.set_packets_shared(counts.packetsShared);
  copyFigures(0, counts.voice, *into.mutable_voice());
  copyReport(counts.clamp, *into.mutable_clamp());
}

void convert(const MediaEvent& event, pb::Event& into) {
  switch (event.kind) {
    case MediaEvent::Kind::kPlayProgress: {
      auto* progress = into.mutable_play_progress();
      progress->set_session(event.session);
      progress->set_play(event.play);
      progress->set_clips_started(event.clipsStarted);
      return;
    }
    case MediaEvent::Kind::kPlayFinished: {
      auto* finished = into.mutable_play_finished();
      finished->set_session(event.session);
      finished->set_play(event.play);
      finished->set_end(endOf(event.playEnd));
      finished->set_played_ms(event.playedMs);
      finished->set_starved_ms(event.starvedMs);
      return;
    }
    case MediaEvent::Kind::kKeyDown: {
      auto* down = into.mutable_key_down();
      down->set_session(event.session);
      down->set_key(event.key);
      down->set_carrier(carrierOf(event.carrier));
      down->set_onset_ms(event.onsetMs);
      down->set_press(event.press);
      return;
    }
    case MediaEvent::Kind::kKeyUp: {
      auto* up = into.mutable_key_up();
      up->set_session(event.session);
      up->set_carrier(carrierOf(event.carrier));
      up->set_press(event.press);
      up->set_duration_ms(event.durationMs);
      return;
    }
    case MediaEvent::Kind::kMediaTimeout:
      into.mutable_media_timeout()->set_session(event.session);
      return;
    case MediaEvent::Kind::kActiveSpeaker: {
      auto* speaker = into.mutable_active_speaker();
      speaker->set_room(event.room);
      speaker->set_session(event.session);
      speaker->set_level_dbm0(event.levelDbm0);
      return;
    }
  }
}

void forgetIdentity(pb::DtlsIdentity& identity) {
  std::string& key = *identity.mutable_private_key();
  explicit_bzero(key.data(), key.size());
}

void forgetKey(pb::Event& event) {
  if (event.has_key_down()) event.mutable_key_down()->set_key(0);
}

void forgetKey(pb::Command& command) {
  if (command.has_send_key()) command.mutable_send_key()->set_key(0);
  if (command.has_play_clip()) command.mutable_play_clip()->set_clip(0);
  if (command.has_configure() && command.configure().has_dtls_identity())
    forgetIdentity(*command.mutable_configure()->mutable_dtls_identity());
  if (command.has_connect_session() && command.connect_session().has_srtp())
    forgetKeys(*command.mutable_connect_session()->mutable_srtp());
}

}  // namespace hushpay
