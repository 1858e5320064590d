#include "media/engine.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <system_error>

#include "media/time.h"

namespace hushpay {
namespace {

constexpr double kLookMs = 2;  // between looks for packets: what a voice that goes straight on may wait
constexpr double kLateMs = 5;
constexpr int kMaxTicksBehind = 20;  // after a longer stall the missed ticks are let go
constexpr std::uint64_t kTicksPerCount = 50;
constexpr std::size_t kMostReady = 256;  // sockets at once
constexpr double kLongestLookMs = 10;    // a flood leaves time for the ticks
constexpr std::uintptr_t kRtcpMark = 1;  // in the address of a leg or a shared port: its RTCP socket is meant
constexpr std::uintptr_t kSharedMark = 2;  // it is that of a shared port
constexpr std::uintptr_t kMarks = kRtcpMark | kSharedMark;

void watch(int epollFd, int fd, std::uintptr_t token) noexcept {
  epoll_event interest{};
  interest.events = EPOLLIN;
  interest.data.u64 = token;
  epoll_ctl(epollFd, EPOLL_CTL_ADD, fd, &interest);
}

void sleepUntil(double momentMs) noexcept {
  const auto seconds = static_cast<time_t>(momentMs / 1000);
  const timespec until{.tv_sec = seconds,
                       .tv_nsec = static_cast<long>((momentMs - static_cast<double>(seconds) * 1000) * 1e6)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

/// Processor time of the calling thread.
double threadCpuMs() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

}  // namespace

Engine::Engine(Board& board)
    : board_(board),
      epollFd_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wakeFd_(checked(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
  legs_.reserve(kMaxLegs);
  dueMs_.reserve(kMaxLegs);
  rooms_.reserve(kMaxRooms);
  thread_ = std::thread([this] { run(); });
}

Engine::~Engine() {
  stopping_.store(true, std::memory_order_relaxed);
  thread_.join();
  close(epollFd_);
  close(wakeFd_);
}

void Engine::emit(const MediaEvent& event) noexcept {
  if (!events_.push(event)) eventsDropped_.fetch_add(1, std::memory_order_relaxed);
  wake_ = true;
}

EngineCounts Engine::counts() noexcept {
  return {.ticks = ticks_.load(std::memory_order_relaxed),
          .ticksLate = ticksLate_.load(std::memory_order_relaxed),
          .tickLateMaxMs = tickLateMaxMs_.exchange(0, std::memory_order_relaxed),
          .eventsDropped = eventsDropped_.load(std::memory_order_relaxed),
          .packetsReceived = packetsReceived_.load(std::memory_order_relaxed),
          .packetsSent = packetsSent_.load(std::memory_order_relaxed),
          .packetsShared = packetsShared_.load(std::memory_order_relaxed),
          .packetsForeign = packetsForeign_.load(std::memory_order_relaxed),
          .packetsMalformed = packetsMalformed_.load(std::memory_order_relaxed),
          .packetsForged = packetsForged_.load(std::memory_order_relaxed),
          .packetsReplayed = packetsReplayed_.load(std::memory_order_relaxed)};
}

void Engine::run() noexcept {
  board_.noteThread(static_cast<std::uint64_t>(gettid()));
  double dueMs = nowMs() + Session::kTickMs;
  while (!stopping_.load(std::memory_order_relaxed)) {
    sleepUntil(legs_.empty() ? dueMs : std::min(dueMs, nowMs() + kLookMs));
    const double now = nowMs();
    if (now < dueMs) {
      takeCommands(now);  // what was agreed on holds for packets that come after its answer
      receive(now);
      tell();
      continue;
    }
    const double lateMs = now - dueMs;
    countLateness(lateMs);
    if (lateMs > kMaxTicksBehind * static_cast<double>(Session::kTickMs)) dueMs += lateMs;
    tick();
    measureLoad(lateMs);
    dueMs += Session::kTickMs;
  }
}

void Engine::countLateness(double lateMs) noexcept {
  ticks_.fetch_add(1, std::memory_order_relaxed);
  if (lateMs > kLateMs) ticksLate_.fetch_add(1, std::memory_order_relaxed);
  if (lateMs > tickLateMaxMs_.load(std::memory_order_relaxed))
    tickLateMaxMs_.store(lateMs, std::memory_order_relaxed);
}

void Engine::measureLoad(double lateMs) noexcept {
  const double now = nowMs();
  const double cpuMs = threadCpuMs();
  if (measuredMs_ > 0) load_.note(cpuMs - measuredCpuMs_, now - measuredMs_, lateMs, atWork_);
  measuredMs_ = now;
  measuredCpuMs_ = cpuMs;
}

void Engine::tick() noexcept {
  const double now = nowMs();
  takeCommands(now);
  receive(now);
  for (std::size_t i = 0; i < legs_.size(); i++) {
    if (dueMs_[i] > now) continue;
    legs_[i]->tick(now);
    dueMs_[i] = legs_[i]->dueMs();
  }
  for (Room* room : rooms_) room->tick();
  outbox_.flush();
  board_.beat();
  if (ticks_.load(std::memory_order_relaxed) % kTicksPerCount == 0) publishCounts(now);
  tell();
}

void Engine::tell() noexcept {
  if (wake_) eventfd_write(wakeFd_, 1);
  wake_ = false;
}

void Engine::takeCommands(double nowMs) noexcept {
  MediaCommand command;
  while (commands_.pop(command)) {
    obey(command, nowMs);
    const bool isOfLeg = command.leg != nullptr && command.kind != MediaCommand::Kind::kRemove;
    if (isOfLeg) dueMs_[command.leg->place] = 0;
  }
  explicit_bzero(static_cast<void*>(&command), sizeof command);
  outbox_.flush();
}

void Engine::obey(const MediaCommand& command, double nowMs) noexcept {
  switch (command.kind) {
    case MediaCommand::Kind::kAdd:
      return add(command.leg);
    case MediaCommand::Kind::kConnect:
      return command.leg->connect(command.link, command.settings, nowMs);
    case MediaCommand::Kind::kRelink:
      return command.leg->relink(command.link, nowMs);
    case MediaCommand::Kind::kPlay:
      return command.leg->session().play(command.item);
    case MediaCommand::Kind::kStopPlay:
      return command.leg->session().stopPlay(command.item.play);
    case MediaCommand::Kind::kSendKey:
      return command.leg->session().sendKey(command.key, command.durationMs);
    case MediaCommand::Kind::kRemove:
      return remove(command.leg, nowMs);
    case MediaCommand::Kind::kOpenRoom:
      return rooms_.push_back(command.room);  // within the reserved capacity, as legs
    case MediaCommand::Kind::kJoin:
      command.room->join(command.leg->session(), *command.leg->voice(), command.seats);
      return;
    case MediaCommand::Kind::kLeave:
      return command.room->leave(command.leg->session());
    case MediaCommand::Kind::kHear:
      return command.room->hear(command.leg->session(), command.speaker->session(), command.source,
                                command.hearing, command.tap);
    case MediaCommand::Kind::kCover:
      return command.leg->session().cover(command.durationMs);
    case MediaCommand::Kind::kFollowSpeaker:
      return command.room->followSpeaker();
    case MediaCommand::Kind::kCloseRoom:
      return closeRoom(command.room);
  }
}

void Engine::add(Leg* leg) noexcept {
  leg->place = legs_.size();
  legs_.push_back(leg);  // within the reserved capacity: the IPC thread opens no more than kMaxLegs
  dueMs_.push_back(0);
  SharedPort* shared = leg->sharedPort();
  if (shared != nullptr && !shared->add()) return;
  const auto token = shared != nullptr ? reinterpret_cast<std::uintptr_t>(shared) | kSharedMark
                                       : reinterpret_cast<std::uintptr_t>(leg);
  watch(epollFd_, leg->sockets().rtp(), token);
  watch(epollFd_, leg->sockets().rtcp(), token | kRtcpMark);
}

void Engine::remove(Leg* leg, double nowMs) noexcept {
  if (leg->sharedPort() == nullptr || leg->sharedPort()->remove(*leg)) {
    epoll_ctl(epollFd_, EPOLL_CTL_DEL, leg->sockets().rtp(), nullptr);
    epoll_ctl(epollFd_, EPOLL_CTL_DEL, leg->sockets().rtcp(), nullptr);
  }
  legs_[leg->place] = legs_.back();
  legs_[leg->place]->place = leg->place;
  dueMs_[leg->place] = 0;
  legs_.pop_back();
  dueMs_.pop_back();
  if (leg->session().room() != nullptr) leg->session().room()->leave(leg->session());
  leg->session().close(nowMs);
  const SessionCounts counts = leg->session().counts();
  retiredCounts_.packetsReceived += counts.packetsReceived;
  retiredCounts_.packetsSent += counts.packetsSent;
  retiredCounts_.packetsShared += counts.packetsShared;
  retiredCounts_.packetsForeign += counts.packetsForeign;
  retiredCounts_.packetsMalformed += counts.packetsMalformed;
  retiredLinkCounts_.forged += leg->linkCounts().forged;
  retiredLinkCounts_.replayed += leg->linkCounts().replayed;
  outbox_.flush();  // from here on its sockets may be closed
  leg->retire();
  wake_ = true;
}

void Engine::closeRoom(Room* room) noexcept {
  room->leaveAll();
  std::ranges::fill(dueMs_, 0.0);  // its members send on their own from now on
  std::erase(rooms_, room);
  room->retire();
  wake_ = true;
}

/// A datagram of each socket that has one, until none has; of a flood, what is left waits for the next look.
void Engine::receive(double nowMs) noexcept {
  std::array<epoll_event, kMostReady> ready;
  const double beganMs = hushpay::nowMs();
  while (hushpay::nowMs() - beganMs < kLongestLookMs) {
    const int count = epoll_wait(epollFd_, ready.data(), static_cast<int>(ready.size()), 0);
    if (count <= 0) return;
    receive(std::span(ready).first(static_cast<std::size_t>(count)), nowMs);
  }
}

/// By three strokes, each in one go for many packets: out of the kernel, through the legs, into the kernel.
void Engine::receive(std::span<const epoll_event> ready, double nowMs) noexcept {
  std::size_t count = 0;
  for (const epoll_event& each : ready) {
    const bool isRtcp = (each.data.u64 & kRtcpMark) != 0;
    const std::uintptr_t owner = each.data.u64 & ~kMarks;
    if ((each.data.u64 & kSharedMark) != 0) {
      count = fetchShared(*reinterpret_cast<const SharedPort*>(owner), isRtcp, count, nowMs);
      continue;
    }
    Leg* leg = reinterpret_cast<Leg*>(owner);
    arrivals_[count] = {.leg = leg, .isRtcp = isRtcp};
    if (inbox_.fetch(isRtcp ? leg->sockets().rtcp() : leg->sockets().rtp(), count)) count++;
    if (count < Inbox::kMost) continue;
    hear(count, nowMs);
    count = 0;
  }
  hear(count, nowMs);
}

/// What waits at a port of many legs, as much as there is room for; the rest is there at the next look.
/// @param count  of the arrivals before it
/// @return of all that wait to be heard
std::size_t Engine::fetchShared(const SharedPort& port, bool isRtcp, std::size_t count,
                                double nowMs) noexcept {
  const int fd = isRtcp ? port.sockets().rtcp() : port.sockets().rtp();
  const std::size_t fetched = inbox_.fetchAll(fd, count);
  for (const std::size_t end = count + fetched; count < end; count++)
    arrivals_[count] = {.leg = port.find(inbox_[count].peer, isRtcp), .isRtcp = isRtcp};
  if (count < Inbox::kMost) return count;
  hear(count, nowMs);
  return 0;
}

/// What the packets after next will touch is on its way while one is worked on.
void Engine::hear(std::size_t count, double nowMs) noexcept {
  constexpr std::size_t kStep = 2;
  const auto legAt = [&](std::size_t at) { return at < count ? arrivals_[at].leg : nullptr; };
  for (std::size_t at = 0; at < count + 3 * kStep; at++) {
    if (const Leg* leg = legAt(at)) {
      leg->prefetch();
      leg->session().prefetch();
    }
    if (const Leg* leg = legAt(at - kStep)) leg->session().prefetchVoice();
    if (const Leg* leg = legAt(at - 2 * kStep)) leg->session().prefetchNext();
    const std::size_t now = at - 3 * kStep;
    if (now >= count) continue;  // not yet
    if (Leg* leg = legAt(now)) {
      if (arrivals_[now].isRtcp)
        leg->receiveRtcp(inbox_[now], nowMs);
      else
        leg->receiveRtp(inbox_[now], nowMs);
      dueMs_[leg->place] = std::min(dueMs_[leg->place], leg->dueMs());
    } else {
      retiredCounts_.packetsForeign++;
    }
    inbox_[now].wipe();
  }
  outbox_.flush();
}

void Engine::publishCounts(double nowMs) noexcept {
  SessionCounts sum = retiredCounts_;
  LinkCounts linkSum = retiredLinkCounts_;
  atWork_ = {};
  for (Leg* leg : legs_) {
    const bool isHeard = leg->session().isHeard(nowMs);
    atWork_.heard += isHeard ? 1 : 0;
    atWork_.settled += isHeard || leg->session().isSilent(nowMs) ? 1 : 0;
    const SessionCounts counts = leg->session().counts();
    sum.packetsReceived += counts.packetsReceived;
    sum.packetsSent += counts.packetsSent;
    sum.packetsShared += counts.packetsShared;
    sum.packetsForeign += counts.packetsForeign;
    sum.packetsMalformed += counts.packetsMalformed;
    linkSum.forged += leg->linkCounts().forged;
    linkSum.replayed += leg->linkCounts().replayed;
  }
  packetsReceived_.store(sum.packetsReceived, std::memory_order_relaxed);
  packetsSent_.store(sum.packetsSent, std::memory_order_relaxed);
  packetsShared_.store(sum.packetsShared, std::memory_order_relaxed);
  packetsForeign_.store(sum.packetsForeign, std::memory_order_relaxed);
  packetsMalformed_.store(sum.packetsMalformed, std::memory_order_relaxed);
  packetsForged_.store(linkSum.forged, std::memory_order_relaxed);
  packetsReplayed_.store(linkSum.replayed, std::memory_order_relaxed);
}

}  // namespace hushpay
