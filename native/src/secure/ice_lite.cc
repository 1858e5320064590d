#include "secure/ice_lite.h"

#include <algorithm>
#include <utility>

namespace hushpay {
namespace {

constexpr int kUnknownAttribute = 420;
constexpr int kRoleConflict = 487;

ByteView bytesOf(const std::string& text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

IceLite::IceLite(IceCredentials credentials)
    : credentials_(std::move(credentials)),
      user_(credentials_.localUser + ":" + credentials_.remoteUser),
      hmac_(bytesOf(credentials_.localPassword)) {}

IceLite::Outcome IceLite::receive(ByteView datagram, const Endpoint& source, ByteSpan reply) {
  const std::optional<StunRequest> request = parseStunRequest(datagram);
  // A stranger learns nothing, not even that somebody listens: no 400 or 401.
  if (!request || request->user != user_ || !hasStunIntegrity(datagram, *request, hmac_)) return {};
  if (request->unknown != 0) {
    return {.replySize =
                writeStunError(reply, request->transaction, kUnknownAttribute, request->unknown, hmac_)};
  }
  if (request->isControlled) {  // a lite agent cannot decide, so the peer must (RFC 8445 section 7.3.1.1)
    return {.replySize = writeStunError(reply, request->transaction, kRoleConflict, 0, hmac_)};
  }
  prove(source);
  return {.replySize = writeStunSuccess(reply, request->transaction, source, hmac_),
          .proved = true,
          .nominated = request->useCandidate};
}

bool IceLite::isProven(const Endpoint& source) const noexcept {
  return std::ranges::any_of(proven_,
                             [&](const Endpoint& each) { return each.size != 0 && isSame(each, source); });
}

void IceLite::prove(const Endpoint& source) {
  auto place = std::ranges::find_if(proven_, [&](const Endpoint& each) { return isSame(each, source); });
  if (place == proven_.end()) place = proven_.end() - 1;
  *place = source;
  std::rotate(proven_.begin(), place, place + 1);
}

}  // namespace hushpay
