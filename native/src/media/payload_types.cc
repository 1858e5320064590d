#include "media/payload_types.h"

namespace hushpay {
namespace {

constexpr std::uint8_t kComfortNoiseType = 13;  // RFC 3551 table 4; sent without being negotiated, too
constexpr double kOldTypesMs = 3000;

PayloadTypes::Meaning meaningOf(std::uint8_t type, const StreamSettings& settings) noexcept {
  const auto isAgreed = [type](std::uint8_t agreed) { return agreed != 0 && agreed == type; };
  if (type == settings.payloadType || type == settings.otherPayloadType) {
    return {.kind = PayloadKind::kAudio, .codec = settings.codec, .clockHz = clockHzOf(settings.codec)};
  }
  if (isAgreed(settings.eventPayloadType))
    return {.kind = PayloadKind::kEvent, .clockHz = settings.eventClockHz};
  if (isAgreed(settings.redundantPayloadType)) return {.kind = PayloadKind::kRedundant};
  if (isAgreed(settings.noisePayloadType) || type == kComfortNoiseType)
    return {.kind = PayloadKind::kComfortNoise};
  // Last: the peer may have given the number another meaning by its answer.
  if (isAgreed(settings.otherEventPayloadType))
    return {.kind = PayloadKind::kEvent, .clockHz = settings.eventClockHz};
  return {};
}

}  // namespace

void PayloadTypes::set(const StreamSettings& settings, double nowMs) noexcept {
  previous_ = current_;
  current_ = settings;
  previousUntilMs_ = hasCurrent_ ? nowMs + kOldTypesMs : nowMs;
  hasCurrent_ = true;
}

PayloadTypes::Meaning PayloadTypes::of(std::uint8_t payloadType, double nowMs) const noexcept {
  const Meaning meaning = meaningOf(payloadType, current_);
  if (meaning.kind != PayloadKind::kUnknown || nowMs >= previousUntilMs_) return meaning;
  const Meaning old = meaningOf(payloadType, previous_);
  // An event on a clock that is no more cannot be put in order with the new ones.
  return old.kind == PayloadKind::kEvent && old.clockHz != current_.eventClockHz ? Meaning{} : old;
}

}  // namespace hushpay
