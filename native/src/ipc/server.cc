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

constexpr std::uint32_t kMaxPort = 65'535;

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
    std::array<pollfd, 6> waits = {
        {{channel_.fd(), channelEvents, 0},
         // Told no more than it reads, control loses events in the counted queue, not here.
         {channel_.isClogged() ? -1 : engine_.wakeFd(), POLLIN, 0},
         {timerFd_, POLLIN, 0},
         {signalFd_, POLLIN, 0},
         {links_.wakeFd(), POLLIN, 0},
         {tapes_.wakeFd(), POLLIN, 0}}};
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
    if (waits[5].revents != 0) tellTapes();
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
      outcome = configure(command.configure(), reply);
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
    case pb::Command::kFollowSpeaker:
      outcome = followSpeaker(command.follow_speaker());
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

Server::Outcome Server::configure(const pb::Configure& command, pb::Reply& reply) {
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
  showIdentity(command, reply);
  return {};
}

void Server::showIdentity(const pb::Configure& command, pb::Reply& reply) {
  DtlsIdentity& identity = links_.identity();
  const auto bytesOf = [](const std::string& text) {
    return ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  const pb::DtlsIdentity& before = command.dtls_identity();
  if (!identity.adopt(bytesOf(before.private_key()), bytesOf(before.certificate()))) {
    DtlsIdentity::Saved saved = identity.save();
    pb::Event event;
    pb::DtlsIdentity& made = *event.mutable_dtls_identity();
    made.set_private_key(saved.key.data(), saved.key.size());
    made.set_certificate(saved.certificate.data(), saved.certificate.size());
    channel_.write(event);
    forgetIdentity(made);
    explicit_bzero(saved.key.data(), saved.key.size());
  }
  reply.set_dtls_fingerprint(hexOf(identity.fingerprint()));
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
    if (Tape* tape = closing.leg->tape())
      tape->leave(nowMs());
    else
      leavePort(*closing.leg);
    board_.release(closing.leg->slot());
    closing.leg.reset();
  }
  std::erase_if(closingRooms_, [](const OpenRoom& closing) { return closing.room->retired(); });
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
  stats->set_packets_shared(counts.packetsShared);
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
  links_.eachProvenPeer([this](const ProvenPeer& peer) {
    pb::Event event;
    auto* proven = event.mutable_proven_peer();
    proven->set_session(peer.session);
    proven->set_address(peer.address.address());
    proven->set_port(peer.address.port());
    proven->set_checked_ms(peer.checkedMs);
    channel_.write(event);
  });
  for (const std::string& problem : links_.takeProblems()) {
    pb::Event event;
    event.mutable_log()->set_level(pb::LOG_LEVEL_WARN);
    event.mutable_log()->set_message(problem);
    channel_.write(event);
  }
}

void Server::tellTapes() {
  for (const TapeNews& news : tapes_.takeNews()) {
    pb::Event event;
    auto* state = event.mutable_tape_state();
    state->set_tape(news.tape);
    state->set_has_ended(news.hasEnded);
    state->set_problem(news.problem);
    state->set_duration_ms(news.figures.durationMs);
    state->set_lost_ms(news.figures.lostMs);
    channel_.write(event);
  }
}

Leg* Server::find(std::uint32_t session) {
  const auto found = legs_.find(session);
  return found == legs_.end() ? nullptr : found->second.get();
}

}  // namespace hushpay
