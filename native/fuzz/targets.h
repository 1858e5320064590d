#pragma once

#include <array>
#include <string_view>

#include "rtp/bytes.h"

namespace hushpay {

/// What is fed with bytes of chance: everything that reads what the network or a file says. Each throws
/// nothing, reads nothing beyond its input, and aborts where its answer cannot be.
struct FuzzTarget {
  std::string_view name;  // its folder in fuzz/corpus has inputs to begin with
  void (*run)(ByteView input);
};

void fuzzRtp(ByteView input);
void fuzzRtcp(ByteView input);
void fuzzEvent(ByteView input);
void fuzzRedundant(ByteView input);
void fuzzWav(ByteView input);
/// A call: records of direction and time step (one byte), size (one byte) and a datagram.
void fuzzSession(ByteView input);
/// A protected packet: one byte of suite and kind, the datagram. Whatever opens must have been protected with
/// the key.
void fuzzSrtp(ByteView input);
/// A datagram at a lite agent of ICE.
void fuzzStun(ByteView input);
/// Datagrams at both ends of a handshake: one byte of end, two of size each.
void fuzzDtls(ByteView input);
/// What control sends, as the worker takes it from its channel: frames of media.proto, up to what the media
/// thread is told.
void fuzzCommand(ByteView input);

inline constexpr std::array<FuzzTarget, 10> kFuzzTargets = {{{"rtp", fuzzRtp},
                                                             {"rtcp", fuzzRtcp},
                                                             {"event", fuzzEvent},
                                                             {"redundant", fuzzRedundant},
                                                             {"wav", fuzzWav},
                                                             {"session", fuzzSession},
                                                             {"srtp", fuzzSrtp},
                                                             {"stun", fuzzStun},
                                                             {"dtls", fuzzDtls},
                                                             {"command", fuzzCommand}}};

}  // namespace hushpay
