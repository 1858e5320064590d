#include "media/link_keeper.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "secure/demux.h"

namespace hushpay {

LinkKeeper::LinkKeeper(Engine& engine) : engine_(engine), wakeFd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wakeFd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

LinkKeeper::~LinkKeeper() { ::close(wakeFd_); }

void LinkKeeper::put(const SetupDatagram& datagram) noexcept {
  if (inbox_.push(datagram)) eventfd_write(wakeFd_, 1);
}

void LinkKeeper::Entry::sendDtls(ByteView datagram) {
  if (dtlsPeer.size == 0) return;
  (void)sendto(leg.sockets().rtp(), datagram.data(), datagram.size(), MSG_DONTWAIT, dtlsPeer.raw(),
               dtlsPeer.size);
}

LinkKeeper::Entry& LinkKeeper::entryOf(Leg& leg) {
  auto& entry = entries_[leg.session().id()];
  if (!entry) entry = std::make_unique<Entry>(leg);
  return *entry;
}

Link LinkKeeper::arrange(Leg& leg, const LinkWish& wish, double nowMs) {
  Entry& entry = entryOf(leg);
  Link& link = entry.link;
  dropSettledKeys(entry);
  link.rtcpMux = wish.rtcpMux;
  link.learns = wish.learns;
  link.learnFrom = wish.learnFrom;
  link.limitsUnheard = wish.limitsUnheard;
  link.rtcp = wish.rtcp;
  useIce(entry, wish);
  if (!link.ice) link.rtp = wish.rtp;
  if (wish.dtls) {
    useDtls(entry, wish, nowMs);
    return link;
  }
  settle(entry);
  entry.dtls.reset();
  entry.wanted.reset();
  link.dtls = false;
  link.awaitsKeys = false;
  if (wish.srtp) {
    useKeys(entry, *wish.srtp);
  } else {
    entry.srtp.reset();
    link.sender = nullptr;
    link.receiver = nullptr;
    link.generation++;
  }
  return link;
}

/// A direction whose key has not changed goes on: its counters and its replay window belong to the key. So
/// they do where the key was left a moment ago, or a change never reached the media thread.
void LinkKeeper::useKeys(Entry& entry, const LinkWish::Srtp& srtp) {
  Link& link = entry.link;
  const bool sameSend = entry.srtp && link.sender != nullptr && entry.srtp->send == srtp.send;
  const bool sameReceive = entry.srtp && link.receiver != nullptr && entry.srtp->receive == srtp.receive;
  if (sameSend && sameReceive) return;
  link.generation++;
  Keys keys{.sendKey = srtp.send, .receiveKey = srtp.receive, .sender = nullptr, .receiver = nullptr};
  if (!sameSend) {
    const auto held = std::ranges::find_if(
        entry.keys, [&](const Keys& each) { return each.sender && each.sendKey == srtp.send; });
    if (held == entry.keys.end()) {
      keys.sender = std::make_unique<SrtpSender>(srtp.send);
      if (srtp.sendFrom) keys.sender->resume(*srtp.sendFrom);
    }
    link.sender = keys.sender ? keys.sender.get() : held->sender.get();
  }
  if (!sameReceive) {
    const auto held = std::ranges::find_if(
        entry.keys, [&](const Keys& each) { return each.receiver && each.receiveKey == srtp.receive; });
    if (held == entry.keys.end()) {
      keys.receiver = std::make_unique<SrtpReceiver>(srtp.receive);
      if (srtp.receiveFrom) keys.receiver->resume(*srtp.receiveFrom);
    }
    link.receiver = keys.receiver ? keys.receiver.get() : held->receiver.get();
  }
  if (keys.sender || keys.receiver) entry.keys.push_back(std::move(keys));
  entry.srtp = srtp;
  entry.isNew = true;
}

/// Frees the keys the media thread has let go of.
void LinkKeeper::dropSettledKeys(Entry& entry) {
  if (entry.leg.settledGeneration() != entry.link.generation) return;
  for (Keys& keys : entry.keys) {
    if (keys.sender.get() != entry.link.sender) keys.sender.reset();
    if (keys.receiver.get() != entry.link.receiver) keys.receiver.reset();
  }
  std::erase_if(entry.keys, [](const Keys& keys) { return !keys.sender && !keys.receiver; });
}

void LinkKeeper::useIce(Entry& entry, const LinkWish& wish) {
  entry.link.ice = wish.ice.has_value();
  if (!wish.ice) {
    entry.ice.reset();
    return;
  }
  if (entry.ice && entry.ice->credentials() == *wish.ice) return;
  entry.ice = std::make_unique<IceLite>(
      *wish.ice);  // after a restart the old pair serves until the new one is chosen
  if (!wish.proven) return;
  entry.ice->trust(*wish.proven);
  entry.link.proven = entry.ice->proven();
  entry.link.rtp = entry.dtlsPeer = *wish.proven;
}

/// The same certificate and role as before: the association stays (RFC 5763 section 6.6).
void LinkKeeper::useDtls(Entry& entry, const LinkWish& wish, double nowMs) {
  Link& link = entry.link;
  link.dtls = true;
  if (!link.ice) entry.dtlsPeer = wish.rtp;
  if (entry.dtls && entry.wanted == wish.dtls && entry.dtls->state() != DtlsAssociation::State::kFailed)
    return;
  settle(entry);
  if (!entry.srtp) link.awaitsKeys = true;  // else the old keys serve until the new ones are there
  entry.wanted = wish.dtls;
  entry.dtls = std::make_unique<DtlsAssociation>(identity_, wish.dtls->role, wish.dtls->fingerprint,
                                                 !wish.ice.has_value(), entry, nowMs);
  handshakes_++;
  if (entry.dtlsPeer.size != 0) entry.dtls->start();
}

/// Ends the watch over a handshake that is still going on.
void LinkKeeper::settle(Entry& entry) {
  if (entry.dtls && entry.dtls->state() == DtlsAssociation::State::kHandshaking) handshakes_--;
}

void LinkKeeper::close(std::uint32_t session) {
  const auto found = entries_.find(session);
  if (found == entries_.end()) return;
  settle(*found->second);
  found->second->dtls.reset();
  found->second->isClosed = true;
}

void LinkKeeper::forget(std::uint32_t session) { entries_.erase(session); }

void LinkKeeper::takeSetup(double nowMs) {
  eventfd_t count = 0;
  eventfd_read(wakeFd_, &count);
  SetupDatagram datagram;
  while (inbox_.pop(datagram)) {
    const auto found = entries_.find(datagram.session);
    if (found == entries_.end() || found->second->isClosed) continue;
    Entry& entry = *found->second;
    const ByteView bytes = ByteView(datagram.bytes).first(datagram.size);
    if (kindOf(bytes) == DatagramKind::kStun) {
      takeStun(entry, datagram, nowMs);
    } else if (entry.dtls) {
      if (entry.ice && !entry.ice->isProven(datagram.source)) continue;
      if (entry.ice) entry.dtlsPeer = datagram.source;
      const auto before = entry.dtls->state();
      entry.dtls->receive(bytes, datagram.source, nowMs);
      if (before == DtlsAssociation::State::kHandshaking) conclude(entry);
    }
  }
}

void LinkKeeper::takeStun(Entry& entry, const SetupDatagram& datagram, double nowMs) {
  if (!entry.ice) return;
  std::array<std::uint8_t, kMaxStunSize> reply{};
  const IceLite::Outcome outcome =
      entry.ice->receive(ByteView(datagram.bytes).first(datagram.size), datagram.source, reply);
  if (outcome.replySize == 0) return;
  (void)sendto(entry.leg.sockets().rtp(), reply.data(), outcome.replySize, MSG_DONTWAIT,
               datagram.source.raw(), datagram.source.size);
  if (!outcome.proved) return;
  Link& link = entry.link;
  const auto proven = entry.ice->proven();
  const bool isNews = !std::ranges::is_permutation(proven, link.proven, isSame) ||
                      (outcome.nominated && !isSame(link.rtp, datagram.source));
  link.proven = proven;
  if (outcome.nominated) link.rtp = datagram.source;
  if (isSame(link.rtp, datagram.source)) entry.checkedMs = nowMs;
  if (isNews) relink(entry);
  if (!outcome.nominated) return;
  entry.dtlsPeer = datagram.source;
  if (entry.dtls) entry.dtls->start();
}

/// Looks what has become of a handshake that was going on.
void LinkKeeper::conclude(Entry& entry) {
  switch (entry.dtls->state()) {
    case DtlsAssociation::State::kHandshaking:
      return;
    case DtlsAssociation::State::kDone:
      handshakes_--;
      useKeys(entry, {.send = entry.dtls->keys().send,
                      .receive = entry.dtls->keys().receive,
                      .sendFrom = {},
                      .receiveFrom = {}});
      entry.link.awaitsKeys = false;
      return relink(entry);
    case DtlsAssociation::State::kFailed:
      handshakes_--;
      problems_.push_back("DTLS of session " + std::to_string(entry.leg.session().id()) + ": " +
                          entry.dtls->problem());
  }
}

void LinkKeeper::relink(const Entry& entry) {
  (void)engine_.post({.kind = MediaCommand::Kind::kRelink, .leg = &entry.leg, .link = entry.link});
}

void LinkKeeper::tick(double nowMs) {
  if (handshakes_ == 0 || nowMs < nextTickMs_) return;
  nextTickMs_ = nowMs + kTickMs;
  for (auto& [session, entry] : entries_) {
    if (!entry->dtls || entry->dtls->state() != DtlsAssociation::State::kHandshaking) continue;
    entry->dtls->tick(nowMs);
    conclude(*entry);
  }
}

bool LinkKeeper::changed(Entry& entry, StreamState& state) {
  if (!entry.srtp) return false;
  const SrtpPosition sent = entry.leg.sendPosition();
  const SrtpPosition received = entry.leg.receivePosition();
  const bool isSame = !entry.isNew && sent.ssrc == entry.toldSendSsrc &&
                      received.ssrc == entry.toldReceiveSsrc && sent.index >> 16 == entry.toldSendRollOver &&
                      received.index >> 16 == entry.toldReceiveRollOver;
  if (isSame) return false;
  entry.isNew = false;
  entry.toldSendSsrc = sent.ssrc;
  entry.toldReceiveSsrc = received.ssrc;
  entry.toldSendRollOver = sent.index >> 16;
  entry.toldReceiveRollOver = received.index >> 16;
  state.srtp = *entry.srtp;
  state.srtp.sendFrom = sent;
  state.srtp.receiveFrom = received;
  return true;
}

std::vector<std::string> LinkKeeper::takeProblems() { return std::exchange(problems_, {}); }

}  // namespace hushpay
