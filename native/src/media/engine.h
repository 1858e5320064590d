#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "media/datagram.h"
#include "media/leg.h"
#include "media/load_meter.h"
#include "media/room.h"
#include "media/spsc_queue.h"

namespace hushpay {

/// What the IPC thread asks of the media thread. Plain data: it crosses a queue that wipes it.
struct MediaCommand {
  enum class Kind : std::uint8_t {
    kAdd,
    kConnect,
    kRelink,
    kPlay,
    kStopPlay,
    kSendKey,
    kRemove,
    kOpenRoom,
    kJoin,
    kLeave,
    kHear,
    kCover,
    kFollowSpeaker,
    kCloseRoom
  };

  Kind kind = Kind::kAdd;
  std::uint8_t key = 0;
  std::uint32_t durationMs = 0;
  Leg* leg = nullptr;
  StreamSettings settings{};
  Link link{};      // for kConnect and kRelink
  PlayItem item{};  // for kStopPlay only item.play
  Room* room = nullptr;
  Room::Seats* seats = nullptr;  // of kJoin
  Leg* speaker = nullptr;        // of kHear, where `leg` listens
  Source source = Source::kVoice;
  Hearing hearing{};
  DelayTap* tap = nullptr;
};

struct EngineCounts {
  std::uint64_t ticks = 0;
  std::uint64_t ticksLate = 0;
  double tickLateMaxMs = 0;  // since the last look
  std::uint64_t eventsDropped = 0;
  std::uint64_t packetsReceived = 0;
  std::uint64_t packetsSent = 0;
  std::uint64_t packetsShared = 0;
  std::uint64_t packetsForeign = 0;
  std::uint64_t packetsMalformed = 0;
  std::uint64_t packetsForged = 0;
  std::uint64_t packetsReplayed = 0;
};

/// The media thread and the two queues it shares with the IPC thread. Every other millisecond it
/// empties all sockets that have something, so that many legs share one wake-up; every tick it lets each leg
/// whose time has come send what is due. Made, started and destroyed by the IPC thread.
class Engine final : public EventSink {
 public:
  static constexpr std::size_t kMaxLegs = 8192;
  static constexpr std::size_t kMaxRooms = 4096;

  /// @param board  outlives the engine
  explicit Engine(Board& board);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// IPC thread. @return false if the queue is full
  bool post(const MediaCommand& command) noexcept { return commands_.push(command); }
  /// IPC thread. @return false if there is none
  bool take(MediaEvent& into) noexcept { return events_.pop(into); }
  /// Readable when there may be events, or a leg or room has retired.
  [[nodiscard]] int wakeFd() const noexcept { return wakeFd_; }
  /// IPC thread; resets the maximum.
  EngineCounts counts() noexcept;

  void emit(const MediaEvent& event) noexcept override;
  /// Of the media thread, for its legs.
  [[nodiscard]] Outbox& outbox() noexcept { return outbox_; }

  /// Any thread.
  [[nodiscard]] const LoadMeter& load() const noexcept { return load_; }

 private:
  void run() noexcept;
  void tick() noexcept;
  void takeCommands(double nowMs) noexcept;
  void obey(const MediaCommand& command, double nowMs) noexcept;
  void add(Leg* leg) noexcept;
  void remove(Leg* leg, double nowMs) noexcept;
  void closeRoom(Room* room) noexcept;
  void receive(double nowMs) noexcept;
  void receive(std::span<const epoll_event> ready, double nowMs) noexcept;
  std::size_t fetchShared(const SharedPort& port, bool isRtcp, std::size_t count, double nowMs) noexcept;
  void hear(std::size_t count, double nowMs) noexcept;
  void tell() noexcept;
  void countLateness(double lateMs) noexcept;
  void measureLoad(double lateMs) noexcept;
  void publishCounts(double nowMs) noexcept;

  struct Arrival {
    Leg* leg = nullptr;  // null: nobody's
    bool isRtcp = false;
  };

  Board& board_;
  SpscQueue<MediaCommand, 4096> commands_;
  SpscQueue<MediaEvent, 8192> events_;
  std::vector<Leg*> legs_;         // media thread; never grows beyond kMaxLegs
  std::vector<double> dueMs_;      // of each of them: one look at it says whether its leg is ticked
  std::vector<Room*> rooms_;       // likewise
  SessionCounts retiredCounts_{};  // of legs that have gone
  LinkCounts retiredLinkCounts_{};
  int epollFd_;
  int wakeFd_;
  std::array<Arrival, Inbox::kMost> arrivals_{};
  Inbox inbox_{};  // of each of them
  Outbox outbox_{};
  bool wake_ = false;  // media thread: something to tell since the last tick
  LoadMeter load_;
  LegsAtWork atWork_{};       // when they were counted last
  double measuredMs_ = 0;     // CLOCK_MONOTONIC when the load was measured last
  double measuredCpuMs_ = 0;  // processor time of the thread then
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> ticks_{0};
  std::atomic<std::uint64_t> ticksLate_{0};
  std::atomic<double> tickLateMaxMs_{0};
  std::atomic<std::uint64_t> eventsDropped_{0};
  std::atomic<std::uint64_t> packetsReceived_{0};
  std::atomic<std::uint64_t> packetsSent_{0};
  std::atomic<std::uint64_t> packetsShared_{0};
  std::atomic<std::uint64_t> packetsForeign_{0};
  std::atomic<std::uint64_t> packetsMalformed_{0};
  std::atomic<std::uint64_t> packetsForged_{0};
  std::atomic<std::uint64_t> packetsReplayed_{0};
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace hushpay
