#include "ipc/server.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "ipc/convert.h"
#include "ipc/link_wish.h"
#include "media/time.h"
#include "media/wav.h"

namespace hushpay {
namespace {

namespace pb = media::v1;

constexpr std::uint32_t kMaxSilenceMs = 60'000;
constexpr std::uint32_t kMaxPayloadType = 127;
constexpr std::uint32_t kMaxPort = 65'535;
constexpr std::array<std::uint32_t, 5> kClocksHz = {8000, 16'000, 24'000, 32'000, 48'000};

/// Each a payload type, and none for two things.
bool arePayloadTypes(const pb::ConnectSession& command) {
  if (command.has_receive_payload_type() && command.receive_payload_type() > kMaxPayloadType) return false;
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

int openSignalFd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);  // blocked for all threads in main()
}

int openSecondTimer() {
  const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const itimerspec everySecond{.it_interval = {1, 0}, .it_value = {1, 0}};
  timerfd_settime(fd, 0, &everySecond, nullptr);
  return fd;
}

}  // namespace

Server::Server(int channelFd, int boardFd)
    : channel_(channelFd),
      signalFd_(openSignalFd()),
      timerFd_(openSecondTimer()),
      board_(boardFd, Engine::kMaxLegs),
      engine_(board_) {}

Server::~Server() {
  ::close(signalFd_);
  ::close(timerFd_);
}

int Server::run() {
  pb::Command command;
  for (;;) {
    const short channelEvents = static_cast<short>(POLLIN | (channel_.hasBacklog() ? POLLOUT : 0));
    std::array<pollfd, 5> waits = {
        {{channel_.fd(), channelEvents, 0},
         // Told no more than it reads, control loses events in the counted queue, not here.
         {channel_.isClogged() ? -1 : engine_.wakeFd(), POLLIN, 0},
         {timerFd_, POLLIN, 0},
         {signalFd_, POLLIN, 0},
         {links_.wakeFd(), POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), links_.patienceMs()) < 0 && errno != EINTR) return 1;
    if (waits[3].revents != 0) return 0;
    if (waits[0].revents != 0) {
      const Channel::Read state = channel_.read();
      const bool isSound = channel_.eachMessage([&](ByteView bytes) {
        if (!command.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
        handle(command);
        forgetKey(command);
        return true;
      });
      if (!isSound) return 1;
      if (state != Channel::Read::kOpen) return 0;
    }
    if (waits[1].revents != 0) {
      eventfd_t count = 0;
      eventfd_read(engine_.wakeFd(), &count);
      forwardEvents();
      finishClosing();
    }
    if (waits[4].revents != 0) links_.takeSetup(nowMs());
    links_.tick(nowMs());
    if (waits[2].revents != 0) {
      sendStats();
      tellLinks();
    }
    if (!channel_.flush()) return 0;
  }
}

void Server::handle(const pb::Command& command) {
  pb::Event event;
  pb::Reply& reply = *event.mutable_reply();
  Outcome outcome;
  switch (command.body_case()) {
    case pb::Command::kConfigure:
      outcome = configure(command.configure());
      reply.set_dtls_fingerprint(hexOf(links_.identity().fingerprint()));
      break;
    case pb::Command::kLoadClip:
      outcome = loadClip(command.load_clip(), reply);
      break;
    case pb::Command::kOpenSession:
      outcome = open(command.open_session(), reply);
      break;
    case pb::Command::kConnectSession:
      outcome = connect(command.connect_session());
      break;
    case pb::Command::kPlayClip:
      outcome = play(command.play_clip());
      break;
    case pb::Command::kStopPlay:
      outcome = stopPlay(command.stop_play());
      break;
    case pb::Command::kSendKey:
      outcome = sendKey(command.send_key());
      break;
    case pb::Command::kCloseSession:
      outcome = close(command.close_session().session(), command.id());
      if (outcome.status == pb::STATUS_OK) return;  // answered when the media thread has let go
      break;
    case pb::Command::kOpenRoom:
      outcome = openRoom(command.open_room());
      break;
    case pb::Command::kJoinRoom:
      outcome = joinRoom(command.join_room());
      break;
    case pb::Command::kLeaveRoom:
      outcome = leaveRoom(command.leave_room());
      break;
    case pb::Command::kHear:
      outcome = hear(command.hear());
      break;
    case pb::Command::kLookAtRoom:
      outcome = lookAtRoom(command.look_at_room(), reply);
      break;
    case pb::Command::kCloseRoom:
      outcome = closeRoom(command.close_room());
      break;
    case pb::Command::kCoverKey:
      outcome = coverKey(command.cover_key());
      break;
    case pb::Command::kPing:
      break;
    case pb::Command::BODY_NOT_SET:
      outcome = {pb::STATUS_BAD_ARGUMENT, "no command"};
      break;
  }
  if (command.id() == 0) return;
  reply.set_id(command.id());
  reply.set_status(outcome.status);
  reply.set_detail(outcome.detail);
  channel_.write(event);
}

Server::Outcome Server::configure(const pb::Configure& command) {
  if (ports_) return {pb::STATUS_BAD_ARGUMENT, "configured already"};
  const std::uint32_t first = command.port_min();
  const std::uint32_t last = command.port_max();
  if (first == 0 || first % 2 != 0 || last > kMaxPort || first >= last) {
    return {pb::STATUS_BAD_ARGUMENT, "the port range must begin with an even port and hold a pair"};
  }
  bindTo_ = Endpoint::parse(command.bind_address(), 0);
  if (!bindTo_) return {pb::STATUS_BAD_ADDRESS, "bind_address is no IP address"};
  ports_.emplace(static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last), command.port_rest_ms());
  if (!(command.max_busy() > 0 && command.max_busy() <= 1)) return {pb::STATUS_BAD_ARGUMENT, "max_busy"};
  mediaTimeoutMs_ = command.media_timeout_ms();
  maxBusy_ = command.max_busy();
  return {};
}

Server::Outcome Server::loadClip(const pb::LoadClip& command, pb::Reply& reply) {
  if (command.clip() == 0) return {pb::STATUS_BAD_ARGUMENT, "clip 0 is silence"};
  // A clip is never replaced: sessions may be playing from its samples.
  if (clips_.contains(command.clip())) return {pb::STATUS_BAD_ARGUMENT, "the clip is loaded already"};
  WavResult result = readWav(command.path());
  if (auto* problem = std::get_if<std::string>(&result)) return {pb::STATUS_BAD_CLIP, std::move(*problem)};
  auto& samples = std::get<std::vector<std::int16_t>>(result);
  reply.set_clip_duration_ms(static_cast<std::uint32_t>(samples.size() / 8));
  clips_.emplace(command.clip(), std::move(samples));
  return {};
}

Server::Outcome Server::open(const pb::OpenSession& command, pb::Reply& reply) {
  if (!ports_) return {pb::STATUS_NOT_CONFIGURED, {}};
  if (find(command.session()) != nullptr) return {pb::STATUS_SESSION_EXISTS, {}};
  if (legs_.size() + closing_.size() >= Engine::kMaxLegs)
    return {pb::STATUS_NO_FREE_PORT, "too many sessions"};
  const bool isNew = command.resume_port() == 0;
  if (isNew && engine_.load().isFull(maxBusy_))
    return {pb::STATUS_OVERLOADED, "it carries as many as it can"};
  std::optional<Place> place = placeOf(command);
  if (!place) return {pb::STATUS_NO_FREE_PORT, {}};
  const std::uint16_t port = place->sockets.port();
  auto leg = std::make_unique<Leg>(command.session(), std::move(place->sockets), bindTo_->withPort(port),
                                   makeSeed(), place->slot, mediaTimeoutMs_, engine_, links_);
  if (place->isTakenUp) leg->takeUp(Board::last(place->slot), nowMs());
  const Outcome outcome = post({.kind = MediaCommand::Kind::kAdd, .leg = leg.get()});
  if (outcome.status != pb::STATUS_OK) {
    board_.release(place->slot);
    return outcome;
  }
  legs_.emplace(command.session(), std::move(leg));
  reply.set_local_port(port);
  return {};
}

/// The sockets and the slot of a session: new ones, or those of an earlier process.
std::optional<Server::Place> Server::placeOf(const pb::OpenSession& command) {
  const bool isTakenUp = command.resume_port() != 0;
  if (!isTakenUp) board_.forgetOthers();
  auto sockets = isTakenUp ? ports_->reopen(*bindTo_, static_cast<std::uint16_t>(command.resume_port()))
                           : ports_->open(*bindTo_, nowMs());
  if (!sockets) return std::nullopt;
  BoardSlot* found = isTakenUp ? board_.takeUp(command.session()) : nullptr;
  BoardSlot* slot = found != nullptr ? found : board_.claim(command.session());
  if (slot == nullptr) return std::nullopt;
  const bool hasPosition = found != nullptr && Board::last(*found).atMs > 0;
  return Place{std::move(*sockets), *slot, hasPosition};
}

Server::Outcome Server::connect(const pb::ConnectSession& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
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
                    .ptimeMs = command.ptime_ms(),
                    .sending = command.sending(),
                    .receiving = command.receiving(),
                    .eventClockHz = eventClockHz,
                    .noisePayloadType = static_cast<std::uint8_t>(command.noise_payload_type()),
                    .redundantPayloadType = static_cast<std::uint8_t>(command.redundant_payload_type()),
                    .opus = wishesOf(command.opus())},
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

Server::Outcome Server::post(const MediaCommand& command) {
  if (engine_.post(command)) return {};
  return {pb::STATUS_QUEUE_FULL, "the media thread does not keep up"};
}

void Server::forwardEvents() {
  MediaEvent event;
  pb::Event message;
  while (!channel_.isClogged() && engine_.take(event)) {
    convert(event, message);
    channel_.write(message);
    forgetKey(message);
    message.Clear();
  }
  explicit_bzero(&event, sizeof event);
}

void Server::finishClosing() {
  for (Closing& closing : closing_) {
    if (!closing.leg->retired()) continue;
    pb::Event event;
    pb::Reply& reply = *event.mutable_reply();
    reply.set_id(closing.replyTo);
    copyStats(closing.leg->session().counts(), *reply.mutable_stats());
    reply.mutable_stats()->set_packets_forged(closing.leg->linkCounts().forged);
    reply.mutable_stats()->set_packets_replayed(closing.leg->linkCounts().replayed);
    links_.forget(closing.leg->session().id());
    if (closing.replyTo != 0) channel_.write(event);
    ports_->giveBack(closing.leg->sockets().port(), nowMs());
    board_.release(closing.leg->slot());
    closing.leg.reset();
  }
  std::erase_if(closingRooms_, [](const auto& room) { return room->retired(); });
  std::erase_if(closing_, [](const Closing& closing) { return closing.leg == nullptr; });
}

void Server::sendStats() {
  std::uint64_t expirations = 0;
  if (::read(timerFd_, &expirations, sizeof expirations) < 0 || channel_.isClogged()) return;
  const EngineCounts counts = engine_.counts();
  pb::Event event;
  auto* stats = event.mutable_worker_stats();
  stats->set_sessions(static_cast<std::uint32_t>(legs_.size()));
  stats->set_ports_free(ports_ ? static_cast<std::uint32_t>(ports_->free(nowMs())) : 0);
  stats->set_packets_received(counts.packetsReceived);
  stats->set_packets_sent(counts.packetsSent);
  stats->set_ticks(counts.ticks);
  stats->set_ticks_late(counts.ticksLate);
  stats->set_tick_late_max_ms(counts.tickLateMaxMs);
  stats->set_events_dropped(counts.eventsDropped);
  stats->set_packets_foreign(counts.packetsForeign);
  stats->set_packets_malformed(counts.packetsMalformed);
  stats->set_busy(engine_.load().busy());
  stats->set_packets_forged(counts.packetsForged);
  stats->set_packets_replayed(counts.packetsReplayed);
  channel_.write(event);
}

/// What another worker would need to go on with the protected streams, and what went wrong in making them.
void Server::tellLinks() {
  links_.eachChangedState([this](const StreamState& state) {
    pb::Event event;
    copyState(state, *event.mutable_stream_state());
    channel_.write(event);
    forgetKeys(*event.mutable_stream_state()->mutable_srtp());
  });
  for (const std::string& problem : links_.takeProblems()) {
    pb::Event event;
    event.mutable_log()->set_level(pb::LOG_LEVEL_WARN);
    event.mutable_log()->set_message(problem);
    channel_.write(event);
  }
}

Leg* Server::find(std::uint32_t session) {
  const auto found = legs_.find(session);
  return found == legs_.end() ? nullptr : found->second.get();
}

}  // namespace hushpay
