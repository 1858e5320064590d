#include "ipc/link_wish.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "media/time.h"

namespace hushpay {

namespace pb = media::v1;

namespace {

constexpr std::uint32_t kMaxPort = 65'535;
constexpr std::size_t kShortestIceUser = 4;  // RFC 8445 section 5.3
constexpr std::size_t kShortestIcePassword = 22;
constexpr std::size_t kLongestIceText = 256;

std::optional<SrtpSuite> suiteOf(pb::SrtpSuite suite) {
  switch (suite) {
    case pb::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80:
      return SrtpSuite::kAesCm128Sha1_80;
    case pb::SRTP_SUITE_AES_CM_128_HMAC_SHA1_32:
      return SrtpSuite::kAesCm128Sha1_32;
    case pb::SRTP_SUITE_AEAD_AES_128_GCM:
      return SrtpSuite::kAeadAes128Gcm;
    case pb::SRTP_SUITE_AEAD_AES_256_GCM:
      return SrtpSuite::kAeadAes256Gcm;
    default:
      return std::nullopt;
  }
}

pb::SrtpSuite messageOf(SrtpSuite suite) {
  switch (suite) {
    case SrtpSuite::kAesCm128Sha1_80:
      return pb::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80;
    case SrtpSuite::kAesCm128Sha1_32:
      return pb::SRTP_SUITE_AES_CM_128_HMAC_SHA1_32;
    case SrtpSuite::kAeadAes128Gcm:
      return pb::SRTP_SUITE_AEAD_AES_128_GCM;
    case SrtpSuite::kAeadAes256Gcm:
      return pb::SRTP_SUITE_AEAD_AES_256_GCM;
  }
  return pb::SRTP_SUITE_UNSPECIFIED;
}

std::optional<SrtpKey> keyOf(SrtpSuite suite, const std::string& bytes) {
  if (bytes.size() != SrtpKey::sizeOf(suite)) return std::nullopt;
  SrtpKey key;
  key.suite = suite;
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

SrtpPosition positionOf(const pb::StreamPosition& position) {
  return {.ssrc = position.ssrc(), .index = position.index(), .rtcpIndex = position.rtcp_index()};
}

void copyPosition(const SrtpPosition& position, pb::StreamPosition& into) {
  into.set_ssrc(position.ssrc);
  into.set_index(position.index);
  into.set_rtcp_index(position.rtcpIndex);
}

bool readSrtp(const pb::Srtp& srtp, LinkWish& wish) {
  const std::optional<SrtpSuite> suite = suiteOf(srtp.suite());
  const std::optional<SrtpKey> send = suite ? keyOf(*suite, srtp.send_key()) : std::nullopt;
  const std::optional<SrtpKey> receive = suite ? keyOf(*suite, srtp.receive_key()) : std::nullopt;
  if (!send || !receive || *send == *receive)
    return false;  // one key both ways would use up every index twice
  wish.srtp = LinkWish::Srtp{.send = *send, .receive = *receive, .sendFrom = {}, .receiveFrom = {}};
  if (srtp.has_send_from()) wish.srtp->sendFrom = positionOf(srtp.send_from());
  if (srtp.has_receive_from()) wish.srtp->receiveFrom = positionOf(srtp.receive_from());
  return true;
}

bool readDtls(const pb::Dtls& dtls, LinkWish& wish) {
  static const std::pair<const char*, std::pair<DtlsFingerprint::Hash, std::size_t>> kHashes[] = {
      {"sha-256", {DtlsFingerprint::Hash::kSha256, 32}},
      {"sha-384", {DtlsFingerprint::Hash::kSha384, 48}},
      {"sha-512", {DtlsFingerprint::Hash::kSha512, 64}}};
  const auto* hash = std::ranges::find(kHashes, dtls.hash(), [](const auto& each) { return each.first; });
  if (hash == std::end(kHashes) || dtls.fingerprint().size() != hash->second.second) return false;
  LinkWish::Dtls wanted;
  wanted.role = dtls.active() ? DtlsAssociation::Role::kActive : DtlsAssociation::Role::kPassive;
  wanted.fingerprint.hash = hash->second.first;
  wanted.fingerprint.size = dtls.fingerprint().size();
  std::copy(dtls.fingerprint().begin(), dtls.fingerprint().end(), wanted.fingerprint.digest.begin());
  wish.dtls = wanted;
  return true;
}

/// A peer of an earlier worker, if it may still be sent to (RFC 7675 section 5.1).
std::optional<Endpoint> readProven(const pb::ProvenPeer& peer, const Endpoint& local) {
  constexpr double kConsentMs = 30'000;
  if (peer.port() == 0 || peer.port() > kMaxPort || nowMs() - peer.checked_ms() > kConsentMs)
    return std::nullopt;
  auto address = Endpoint::parse(peer.address(), static_cast<std::uint16_t>(peer.port()));
  if (!address || address->family() != local.family() || !address->isHost() || isSame(*address, local))
    return std::nullopt;
  return address;
}

bool readIce(const pb::Ice& ice, const Endpoint& local, LinkWish& wish) {
  const bool isFit =
      ice.local_user().size() >= kShortestIceUser && ice.local_user().size() <= kLongestIceText &&
      ice.remote_user().size() >= kShortestIceUser && ice.remote_user().size() <= kLongestIceText &&
      ice.local_password().size() >= kShortestIcePassword && ice.local_password().size() <= kLongestIceText;
  if (!isFit) return false;
  wish.ice = IceCredentials{
      .localUser = ice.local_user(), .localPassword = ice.local_password(), .remoteUser = ice.remote_user()};
  if (ice.has_proven()) wish.proven = readProven(ice.proven(), local);
  return true;
}

/// @return why the addresses are no good, or null
const char* readAddresses(const pb::ConnectSession& command, const Endpoint& local, LinkWish& wish) {
  const std::uint32_t rtcpPort = command.rtcp_mux() ? command.remote_port() : command.remote_rtcp_port();
  if (command.remote_port() == 0 || command.remote_port() > kMaxPort || rtcpPort == 0 || rtcpPort > kMaxPort)
    return "port out of range";
  const auto rtp =
      Endpoint::parse(command.remote_address(), static_cast<std::uint16_t>(command.remote_port()));
  if (!rtp) return "remote_address is no IP address";
  if (rtp->family() != local.family()) return "remote_address is of another IP version";
  if (!rtp->isHost()) return "remote_address is not one host's";
  wish.rtp = *rtp;
  wish.rtcp = rtp->withPort(static_cast<std::uint16_t>(rtcpPort));
  return isSame(wish.rtp, local) || isSame(wish.rtcp, local) ? "the session would talk to itself" : nullptr;
}

}  // namespace

pb::Status readLinkWish(const pb::ConnectSession& command, const Endpoint& local, LinkWish& wish,
                        std::string& detail) {
  const auto refuse = [&](pb::Status status, const char* why) {
    detail = why;
    return status;
  };
  if (command.has_ice()) {
    if (!readIce(command.ice(), local, wish)) return refuse(pb::STATUS_BAD_ARGUMENT, "ice");
  } else if (const char* problem = readAddresses(command, local, wish)) {
    return refuse(pb::STATUS_BAD_ADDRESS, problem);
  }
  if (!command.learn_from().empty()) {
    const auto from = Endpoint::parse(command.learn_from(), 0);
    if (!from) return refuse(pb::STATUS_BAD_ADDRESS, "learn_from is no IP address");
    wish.learnFrom = *from;
  }
  wish.learns = command.learn_source();
  wish.limitsUnheard = command.limits_unheard();
  wish.rtcpMux = command.rtcp_mux();
  if (command.has_srtp() && command.has_dtls()) return refuse(pb::STATUS_BAD_ARGUMENT, "srtp and dtls");
  if (command.has_srtp() && !readSrtp(command.srtp(), wish)) return refuse(pb::STATUS_BAD_ARGUMENT, "srtp");
  if (command.has_dtls() && !readDtls(command.dtls(), wish)) return refuse(pb::STATUS_BAD_ARGUMENT, "dtls");
  return pb::STATUS_OK;
}

std::string hexOf(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void copyState(const StreamState& state, pb::StreamState& into) {
  into.set_session(state.session);
  pb::Srtp& srtp = *into.mutable_srtp();
  const auto bytesOf = [](const SrtpKey& key) {
    return std::pair(key.bytes.data(), SrtpKey::sizeOf(key.suite));
  };
  srtp.set_suite(messageOf(state.srtp.send.suite));
  srtp.set_send_key(bytesOf(state.srtp.send).first, bytesOf(state.srtp.send).second);
  srtp.set_receive_key(bytesOf(state.srtp.receive).first, bytesOf(state.srtp.receive).second);
  if (state.srtp.sendFrom) copyPosition(*state.srtp.sendFrom, *srtp.mutable_send_from());
  if (state.srtp.receiveFrom) copyPosition(*state.srtp.receiveFrom, *srtp.mutable_receive_from());
}

void forgetKeys(pb::Srtp& srtp) {
  for (std::string* key : {srtp.mutable_send_key(), srtp.mutable_receive_key()})
    explicit_bzero(key->data(), key->size());
}

}  // namespace hushpay
