#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "media/tape.h"

namespace hushpay {

/// What control is told of a tape.
struct TapeNews {
  std::uint32_t tape = 0;
  bool hasEnded = false;
  std::string problem;  // why it cannot be written now; empty: it can
  TapeFigures figures{};
};

/// Writes the tapes of a worker, on a thread of its own: a disk that is slow or full keeps nobody else. Made
/// and used by the IPC thread.
class TapeDeck {
 public:
  TapeDeck();
  /// Writes what is left.
  ~TapeDeck();
  TapeDeck(const TapeDeck&) = delete;
  TapeDeck& operator=(const TapeDeck&) = delete;

  /// @return the tape of this number, entered; the first who asks makes it. Whoever has it leaves it.
  std::shared_ptr<Tape> open(std::uint32_t id, const std::string& path, double beganMs);

  /// Readable when there are news.
  [[nodiscard]] int wakeFd() const noexcept { return wakeFd_; }
  std::vector<TapeNews> takeNews();

 private:
  void run();
  void tell(const Tape& tape, bool hasEnded);

  int wakeFd_;
  std::mutex mutex_;  // of what follows; the media thread never takes it
  std::condition_variable stop_;
  bool isStopping_ = false;
  std::vector<std::shared_ptr<Tape>> tapes_;
  std::vector<TapeNews> news_;
  std::thread thread_;  // with the first tape
};

}  // namespace hushpay
