#pragma once

#include <cstdint>

#include "codec/codec.h"

namespace hushpay {

constexpr std::uint8_t kNoType = 0xff;

/// What offer and answer agreed on for one leg. A payload type of 0 means none, but for the codec's own.
struct StreamSettings {
  Codec codec = Codec::kPcmu;
  std::uint8_t payloadType = 0;             // of what we send
  std::uint8_t otherPayloadType = kNoType;  // taken from the peer as well
  std::uint8_t eventPayloadType = 0;
  std::uint8_t otherEventPayloadType = 0;  // taken from the peer as well
  std::uint32_t ptimeMs = 20;
  bool sending = false;
  bool receiving = false;
  std::uint32_t eventClockHz = 8000;
  std::uint8_t noisePayloadType = 0;      // comfort noise (RFC 3389), beside the static 13
  std::uint8_t redundantPayloadType = 0;  // RFC 2198
  OpusWishes opus{};
  bool findsTones =
      true;  // keys in the audio are looked for; they are in any case while somebody is to hear none
};

}  // namespace hushpay
