#pragma once

#include <optional>

#include "media.pb.h"
#include "media/event.h"
#include "media/session.h"

namespace hushpay {

// Between the core's values and media.proto's messages. IPC thread.

/// @return nothing for a codec this worker does not speak
std::optional<Codec> codecOf(media::v1::Codec codec);
OpusWishes wishesOf(const media::v1::Opus& opus);
void copyStats(const SessionCounts& counts, media::v1::SessionStats& into);
/// @return nothing for what this worker does not know, or a gain out of range
std::optional<Hearing> hearingOf(const media::v1::Hear& command);
std::optional<Source> sourceOf(media::v1::Source source);
void copyFigures(std::uint32_t session, const VoiceFigures& figures, media::v1::VoiceFigures& into);
void convert(const MediaEvent& event, media::v1::Event& into);

/// Protobuf keeps a cleared message's memory: what can tell a digit, and keys, are overwritten first.
void forgetIdentity(media::v1::DtlsIdentity& identity);
void forgetKey(media::v1::Event& event);
void forgetKey(media::v1::Command& command);

/// First values of a new stream, from the kernel's random numbers.
StreamSeed makeSeed();

}  // namespace hushpay
