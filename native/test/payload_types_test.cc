#include "media/payload_types.h"

#include <doctest/doctest.h>

using namespace hushpay;

TEST_SUITE_BEGIN("payload_types_test");

TEST_CASE("events come by the number of the answer and by that of the offer") {
  PayloadTypes types;
  types.set({.eventPayloadType = 96, .otherEventPayloadType = 101, .eventClockHz = 16'000}, 0);
  for (const std::uint8_t type : {std::uint8_t{96}, std::uint8_t{101}}) {
    CAPTURE(type);
    CHECK(types.of(type, 10).kind == PayloadKind::kEvent);
    CHECK(types.of(type, 10).clockHz == 16'000);
  }
  CHECK(types.of(97, 10).kind == PayloadKind::kUnknown);
}

TEST_CASE("the number of the offer gives way to what the answer has by it") {
  PayloadTypes types;
  types.set({.payloadType = 101, .eventPayloadType = 96, .otherEventPayloadType = 101}, 0);
  CHECK(types.of(101, 10).kind == PayloadKind::kAudio);
  types.set({.eventPayloadType = 96, .otherEventPayloadType = 101, .redundantPayloadType = 101}, 0);
  CHECK(types.of(101, 10).kind == PayloadKind::kRedundant);
  types.set({.eventPayloadType = 96, .otherEventPayloadType = 101, .noisePayloadType = 101}, 0);
  CHECK(types.of(101, 10).kind == PayloadKind::kComfortNoise);
}

TEST_CASE("no number of an offer is none") {
  PayloadTypes types;
  types.set({.payloadType = 8, .eventPayloadType = 96}, 0);
  CHECK(types.of(0, 10).kind == PayloadKind::kUnknown);
}

TEST_SUITE_END();
