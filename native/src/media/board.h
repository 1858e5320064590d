#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/session.h"

namespace hushpay {

/// Where the streams of one session are, for the worker that comes after this one. Written by the media
/// thread with its packets into one of two copies in turn, so that a process that dies while writing leaves a
/// whole one. Holds neither keys of the telephone nor keys of a cipher: control has those.
struct BoardSlot {
  std::atomic<std::uint32_t> session{0};  // 0 = free
  std::atomic<std::uint32_t> newest{0};   // which copy
  StreamPosition copies[2];
};

/// The board of one place in the pool of workers: shared memory that control keeps while processes come and
/// go. The heartbeat says that the media thread lives; control reads it as the first eight bytes, and the
/// thread's id as the next eight.
///
/// Made once per process, on the IPC thread. Without a board (a worker started by a test) it is plain memory.
class Board {
 public:
  /// @param fd  an open file, grown to the board's size if it is empty; -1 for a board of one's own
  /// @throws std::system_error if it cannot be mapped
  Board(int fd, std::size_t slotCount);
  ~Board();
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  /// IPC thread. @return the slot an earlier process kept for the session, now ours; null if there is none
  [[nodiscard]] BoardSlot* takeUp(std::uint32_t session) noexcept;
  /// IPC thread. @return a free slot, now the session's; null if all are taken
  [[nodiscard]] BoardSlot* claim(std::uint32_t session) noexcept;
  /// IPC thread. Frees the slots of earlier processes that nobody has taken up.
  void forgetOthers() noexcept;
  /// IPC thread, when the session is closed.
  void release(BoardSlot& slot) noexcept;

  /// Media thread.
  static void save(BoardSlot& slot, const StreamPosition& position) noexcept;
  /// IPC thread, of a slot whose writer is dead.
  [[nodiscard]] static StreamPosition last(const BoardSlot& slot) noexcept;

  /// Media thread, when it begins.
  /// @param threadId  as the kernel names it
  void noteThread(std::uint64_t threadId) noexcept {
    heartbeat_[1].store(threadId, std::memory_order_relaxed);
  }
  /// Media thread, once a tick.
  void beat() noexcept { heartbeat_->fetch_add(1, std::memory_order_relaxed); }

 private:
  std::size_t size_;
  std::atomic<std::uint64_t>* heartbeat_;  // the first eight bytes; the thread id is behind it
  std::span<BoardSlot> slots_;
  std::vector<bool> ours_;    // by slot
  std::size_t nextSlot_ = 0;  // where the search for a free one begins
};

}  // namespace hushpay
