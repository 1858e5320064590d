#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "media/spsc_queue.h"
#include "media/tape_clock.h"
#include "rtp/bytes.h"

namespace hushpay {

/// One channel of a tape: what a session sends goes here instead of to a socket. The media thread puts
/// packets in, the thread of the deck takes them out; neither waits for the other, and what has been taken is
/// wiped.
class TapeTrack {
 public:
  static constexpr std::size_t kMaxSamples = 160;

  struct Packet {
    double madeMs = 0;  // CLOCK_MONOTONIC
    std::uint32_t timestamp = 0;
    std::uint32_t count = 0;
    std::array<std::int16_t, kMaxSamples> samples{};
  };

  /// Media thread: no allocation, lock, log or throw. A full queue drops, and counts.
  /// @param datagram  RTP with L16 at 8000 Hz
  void put(ByteView datagram, double nowMs) noexcept;

  /// Deck thread.
  bool take(Packet& into) noexcept { return packets_.pop(into); }
  [[nodiscard]] std::uint64_t droppedSamples() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

 private:
  SpscQueue<Packet, 256> packets_;  // 5 s
  std::atomic<std::uint64_t> dropped_{0};
};

/// What may be asked of a tape.
struct TapeFigures {
  std::uint64_t durationMs = 0;
  std::uint64_t lostMs = 0;  // of its time, in which something could not be written: silent there
};

/// A stereo recording in a file: 16-bit PCM WAV at 8000 Hz, two channels. Samples lie where their time is, so
/// that whatever is missing - a worker that died, a disk that was full - is silence of its length, and the
/// file says within a second how long it is, whatever happens to the process.
///
/// The IPC thread makes it, says who uses it and that nobody does any more; all else is the deck's thread's.
class Tape {
 public:
  static constexpr std::size_t kChannels = 2;

  /// @param path     a file that is there; what it holds stays, and is gone on behind
  /// @param beganMs  CLOCK_MONOTONIC of its first sample
  Tape(std::uint32_t id, std::string path, double beganMs);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] TapeTrack& track(std::size_t channel) noexcept { return tracks_[channel]; }

  /// IPC thread: a session records on it; when none does any more it is over.
  void enter() noexcept { users_.fetch_add(1, std::memory_order_relaxed); }
  void leave(double nowMs) noexcept {
    leftMs_.store(nowMs, std::memory_order_relaxed);
    users_.fetch_sub(1, std::memory_order_release);
  }
  [[nodiscard]] bool isOver() const noexcept { return users_.load(std::memory_order_acquire) == 0; }

  /// Takes what has come, and writes what is older than kSettleMs.
  /// @return true if `problem()` is another than before
  bool write(double nowMs);
  /// Takes and writes all, says that it lasted until the last user left, and closes the file. @return as
  /// write()
  bool finish();

  /// Why it cannot be written now; empty: it can.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] TapeFigures figures() const noexcept;

 private:
  static constexpr double kSettleMs = 400;  // in which both channels have said what they have to say

  void takeUp();
  void takePackets();
  void lay(std::size_t channel, const TapeTrack::Packet& packet);
  void flush(std::int64_t upTo);
  void writeHeader();
  void note(int error);

  const std::uint32_t id_;
  const std::string path_;
  const double beganMs_;
  int fd_ = -1;
  std::array<TapeTrack, kChannels> tracks_{};
  std::array<TapeClock, kChannels> clocks_{};
  std::array<std::int64_t, kChannels> ends_{};  // of what was laid
  std::atomic<int> users_{0};
  std::atomic<double> leftMs_{0};        // when the last of them did; 0: none has
  std::vector<std::int16_t> waiting_{};  // of both channels in turn, from `written_` on
  std::int64_t written_ = 0;             // samples of each channel that are in the file, or are lost
  std::int64_t end_ = 0;                 // of the recording
  std::uint64_t lost_ = 0;               // samples
  double headerMs_ = 0;                  // when the header was written
  std::string problem_;
  bool hasChanged_ = false;  // of the problem
};

}  // namespace hushpay
