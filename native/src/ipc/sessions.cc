#include <algorithm>
#include <array>
#include <utility>

#include "ipc/convert.h"
#include "ipc/link_wish.h"
#include "ipc/server.h"
#include "media/time.h"

namespace hushpay {

namespace pb = media::v1;

namespace {

constexpr std::uint32_t kMaxSilenceMs = 60'000;
constexpr std::uint32_t kMaxPayloadType = 127;
/// Of what is recorded: the room's samples as they are.
constexpr StreamSettings kTapeSettings = {
    .codec = Codec::kL16, .payloadType = 96, .ptimeMs = 20, .sending = true, .findsTones = false};
constexpr std::array<std::uint32_t, 5> kClocksHz = {8000, 16'000, 24'000, 32'000, 48'000};

/// Each a payload type, and none for two things.
bool arePayloadTypes(const pb::ConnectSession& command) {
  if (command.has_receive_payload_type() && command.receive_payload_type() > kMaxPayloadType) return false;
  if (command.receive_event_payload_type() > kMaxPayloadType) return false;
  std::array types = {command.payload_type(), command.event_payload_type(), command.noise_payload_type(),
                      command.redundant_payload_type()};
  const auto isSame = [](std::uint32_t a, std::uint32_t b) { return a == b && a != 0; };
  std::ranges::sort(types);
  return types.back() <= kMaxPayloadType && std::ranges::adjacent_find(types, isSame) == types.end();
}

/// What control was told may be a little old; the board is not.
void goOn(LinkWish::Srtp& srtp, const StreamPosition& before) {
  if (srtp.sendFrom && before.sent.ssrc != 0) srtp.sendFrom = before.sent;
  if (srtp.receiveFrom && before.received.ssrc != 0) srtp.receiveFrom = before.received;
}

constexpr const char* kNoSocket = "no socket can be opened; let the service open more files (LimitNOFILE)";

}  // namespace

Server::Outcome Server::open(const pb::OpenSession& command, pb::Reply& reply) {
  if (!ports_) return {pb::STATUS_NOT_CONFIGURED, {}};
  if (find(command.session()) != nullptr) return {pb::STATUS_SESSION_EXISTS, {}};
  if (legs_.size() + closing_.size() >= Engine::kMaxLegs)
    return {pb::STATUS_NO_FREE_PORT, "too many sessions"};
  if (command.has_tape()) return openTape(command);
  const bool isNew = command.resume_port() == 0;
  if (isNew && engine_.load().isFull(maxBusy_, legs_.size()))
    return {pb::STATUS_OVERLOADED, "it carries as many as it can"};
  std::optional<Place> place = placeOf(command);
  if (!place) return {pb::STATUS_NO_FREE_PORT, ports_->isOutOfSockets() ? kNoSocket : ""};
  const std::uint16_t port = place->port();
  auto leg = std::make_unique<Leg>(command.session(), std::move(place->sockets), place->shared,
                                   bindTo_->withPort(port), makeSeed(), place->slot, mediaTimeoutMs_, engine_,
                                   links_, engine_.outbox());
  if (place->isTakenUp) leg->takeUp(Board::last(place->slot), nowMs());
  const Outcome outcome = post({.kind = MediaCommand::Kind::kAdd, .leg = leg.get()});
  if (outcome.status != pb::STATUS_OK) {
    board_.release(place->slot);
    leavePort(*leg);
    return outcome;
  }
  legs_.emplace(command.session(), std::move(leg));
  reply.set_local_port(port);
  return {};
}

/// A session without a peer: connected with its tape from the beginning.
Server::Outcome Server::openTape(const pb::OpenSession& command) {
  const pb::TapeChannel& wish = command.tape();
  if (wish.channel() >= Tape::kChannels || wish.path().empty()) return {pb::STATUS_BAD_ARGUMENT, "tape"};
  BoardSlot* slot = board_.claim(command.session());
  if (slot == nullptr) return {pb::STATUS_NO_FREE_PORT, "too many sessions"};
  auto leg = std::make_unique<Leg>(command.session(), SocketPair(), nullptr, *bindTo_, makeSeed(), *slot, 0,
                                   engine_, links_, engine_.outbox());
  leg->session().prepare(kTapeSettings.codec);
  leg->recordOn(tapes_.open(wish.tape(), wish.path(), wish.began_ms()), wish.channel());
  Leg& added = *leg;
  const Outcome outcome = post({.kind = MediaCommand::Kind::kAdd, .leg = &added});
  if (outcome.status != pb::STATUS_OK) {
    added.tape()->leave(nowMs());
    board_.release(*slot);
    return outcome;
  }
  legs_.emplace(command.session(), std::move(leg));
  const Outcome connected =
      post({.kind = MediaCommand::Kind::kConnect, .leg = &added, .settings = kTapeSettings});
  if (connected.status != pb::STATUS_OK) close(command.session(), 0);
  return connected;
}

/// The sockets and the slot of a session: new ones, or those of an earlier process.
std::optional<Server::Place> Server::placeOf(const pb::OpenSession& command) {
  const bool isTakenUp = command.resume_port() != 0;
  if (!isTakenUp) board_.forgetOthers();
  const auto resumed = static_cast<std::uint16_t>(command.resume_port());
  SharedPort* shared = command.shares_port() ? sharedPort(resumed) : nullptr;
  std::optional<SocketPair> sockets;
  if (!command.shares_port())
    sockets = isTakenUp ? ports_->reopen(*bindTo_, resumed) : ports_->open(*bindTo_, nowMs());
  if (!sockets && shared == nullptr) return std::nullopt;
  BoardSlot* found = isTakenUp ? board_.takeUp(command.session()) : nullptr;
  BoardSlot* slot = found != nullptr ? found : board_.claim(command.session());
  if (slot == nullptr) {
    if (sockets) ports_->giveBack(sockets->port(), nowMs());
    return std::nullopt;
  }
  const bool hasPosition = found != nullptr && Board::last(*found).atMs > 0;
  if (shared != nullptr) shared->join(command.session());
  return Place{sockets ? std::move(*sockets) : SocketPair{}, shared, *slot, hasPosition};
}

/// One with room for another leg.
/// @param port  of an earlier process; 0: any
SharedPort* Server::sharedPort(std::uint16_t port) {
  for (const auto& each : sharedPorts_) {
    if (port == 0 ? !each->isFull() : each->sockets().port() == port) return each.get();
  }
  constexpr int kLegs = SharedPort::kMostLegs;
  auto sockets = port == 0 ? ports_->open(*bindTo_, nowMs(), kLegs) : ports_->reopen(*bindTo_, port, kLegs);
  if (!sockets) return nullptr;
  return sharedPorts_.emplace_back(std::make_unique<SharedPort>(std::move(*sockets))).get();
}

/// The leg is retired: its port rests, unless others go on with it.
void Server::leavePort(const Leg& leg) {
  const std::uint16_t port = leg.sockets().port();
  SharedPort* shared = leg.sharedPort();
  if (shared != nullptr) shared->leave(leg.session().id());
  if (shared != nullptr && !shared->isEmpty()) return;
  std::erase_if(sharedPorts_, [&](const auto& each) { return each.get() == shared; });
  ports_->giveBack(port, nowMs());
}

Server::Outcome Server::connect(const pb::ConnectSession& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  if (leg->tape() != nullptr) return {pb::STATUS_BAD_ARGUMENT, "the session has no peer"};
  const std::optional<Codec> codec = codecOf(command.codec());
  if (!codec) return {pb::STATUS_BAD_CODEC, {}};
  LinkWish wish;
  std::string detail;
  const Status status = readLinkWish(command, leg->local(), wish, detail);
  if (status != pb::STATUS_OK) return {status, detail};
  if (!arePayloadTypes(command)) return {pb::STATUS_BAD_ARGUMENT, "payload type"};
  const std::uint32_t eventClockHz = command.event_clock_hz() == 0 ? 8000 : command.event_clock_hz();
  if (std::ranges::find(kClocksHz, eventClockHz) == kClocksHz.end())
    return {pb::STATUS_BAD_ARGUMENT, "event_clock_hz"};
  if (!hasFrame(*codec, command.ptime_ms())) return {pb::STATUS_BAD_ARGUMENT, "ptime_ms"};
  if (SharedPort* shared = leg->sharedPort()) {
    if (wish.ice || wish.dtls || wish.learns) return {pb::STATUS_BAD_ARGUMENT, "its port is shared"};
    if (!shared->claim(command.session(), wish.rtp)) return {pb::STATUS_ADDRESS_TAKEN, {}};
  }
  if (const auto before = leg->takenUp(); before && wish.srtp) goOn(*wish.srtp, *before);
  leg->session().prepare(*codec);
  return post(
      {.kind = MediaCommand::Kind::kConnect,
       .leg = leg,
       .settings = {.codec = *codec,
                    .payloadType = static_cast<std::uint8_t>(command.payload_type()),
                    .otherPayloadType = command.has_receive_payload_type()
                                            ? static_cast<std::uint8_t>(command.receive_payload_type())
                                            : kNoType,
                    .eventPayloadType = static_cast<std::uint8_t>(command.event_payload_type()),
                    .otherEventPayloadType = static_cast<std::uint8_t>(command.receive_event_payload_type()),
                    .ptimeMs = command.ptime_ms(),
                    .sending = command.sending(),
                    .receiving = command.receiving(),
                    .eventClockHz = eventClockHz,
                    .noisePayloadType = static_cast<std::uint8_t>(command.noise_payload_type()),
                    .redundantPayloadType = static_cast<std::uint8_t>(command.redundant_payload_type()),
                    .opus = wishesOf(command.opus()),
                    .findsTones = !command.ignores_tones()},
       .link = links_.arrange(*leg, wish, nowMs())});
}

Server::Outcome Server::play(const pb::PlayClip& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  if (command.play() == 0) return {pb::STATUS_BAD_ARGUMENT, "play 0 is none"};
  PlayItem item{.play = command.play(), .last = command.last(), .bargeIn = command.barge_in()};
  if (command.clip() == 0) {
    if (command.silence_ms() > kMaxSilenceMs) return {pb::STATUS_BAD_ARGUMENT, "silence_ms"};
    item.sampleCount = command.silence_ms() * 8;
  } else {
    const auto clip = clips_.find(command.clip());
    if (clip == clips_.end()) return {pb::STATUS_BAD_CLIP, "not loaded"};
    item.samples = clip->second.data();
    item.sampleCount = static_cast<std::uint32_t>(clip->second.size());
  }
  if (!leg->reservePlayItem()) return {pb::STATUS_QUEUE_FULL, {}};
  Outcome outcome = post({.kind = MediaCommand::Kind::kPlay, .leg = leg, .item = item});
  if (outcome.status != pb::STATUS_OK) leg->returnPlayItem();
  return outcome;
}

Server::Outcome Server::stopPlay(const pb::StopPlay& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  return post({.kind = MediaCommand::Kind::kStopPlay, .leg = leg, .item = {.play = command.play()}});
}

Server::Outcome Server::sendKey(const pb::SendKey& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  if (command.key() > 15 || command.duration_ms() == 0 || command.duration_ms() > kMaxKeyMs) {
    return {pb::STATUS_BAD_ARGUMENT, "key or duration_ms"};
  }
  return post({.kind = MediaCommand::Kind::kSendKey,
               .key = static_cast<std::uint8_t>(command.key()),
               .durationMs = command.duration_ms(),
               .leg = leg});
}

Server::Outcome Server::close(std::uint32_t session, std::uint32_t replyTo) {
  const auto found = legs_.find(session);
  if (found == legs_.end()) return {pb::STATUS_NO_SUCH_SESSION, {}};
  const Outcome outcome = post({.kind = MediaCommand::Kind::kRemove, .leg = found->second.get()});
  if (outcome.status != pb::STATUS_OK) return outcome;
  links_.close(session);
  forgetMember(session);
  closing_.push_back({std::move(found->second), replyTo});
  legs_.erase(found);
  return {};
}

}  // namespace hushpay
