#pragma once

#include <string>

#include "media.pb.h"
#include "media/link_keeper.h"

namespace hushpay {

/// Reads from a command how a leg's packets shall travel.
/// @param local   address the leg's RTP socket is bound to
/// @param detail  says what is wrong when the status is not STATUS_OK
media::v1::Status readLinkWish(const media::v1::ConnectSession& command, const Endpoint& local,
                               LinkWish& wish, std::string& detail);

std::string hexOf(ByteView bytes);

void copyState(const StreamState& state, media::v1::StreamState& into);

/// Overwrites the keys a message carries: protobuf keeps a cleared message's memory.
void forgetKeys(media::v1::Srtp& srtp);

}  // namespace hushpay
