#include "media/board.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hushpay {
namespace {

constexpr std::size_t kHeaderSize = 64;  // the heartbeat, alone on its cache line

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// Grows an empty file; one of another size is of another build, and starts anew.
void fit(int fd, std::size_t size) {
  struct stat found {};
  if (fstat(fd, &found) < 0) fail("board: fstat");
  if (static_cast<std::size_t>(found.st_size) == size) return;
  if (ftruncate(fd, 0) < 0 || ftruncate(fd, static_cast<off_t>(size)) < 0) fail("board: ftruncate");
}

}  // namespace

Board::Board(int fd, std::size_t slotCount)
    : size_(kHeaderSize + slotCount * sizeof(BoardSlot)), ours_(slotCount) {
  if (fd >= 0) fit(fd, size_);
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (memory == MAP_FAILED) fail("board: mmap");
  // Zero bytes are a free slot and a heart that has not beaten; what an earlier process left is of the same
  // layout.
  heartbeat_ = static_cast<std::atomic<std::uint64_t>*>(memory);
  auto* slots = reinterpret_cast<BoardSlot*>(static_cast<std::byte*>(memory) + kHeaderSize);
  slots_ = std::span(slots, slotCount);
}

Board::~Board() { munmap(heartbeat_, size_); }

BoardSlot* Board::takeUp(std::uint32_t session) noexcept {
  for (std::size_t i = 0; i < slots_.size(); i++) {
    if (slots_[i].session.load(std::memory_order_relaxed) != session) continue;
    ours_[i] = true;
    return &slots_[i];
  }
  return nullptr;
}

BoardSlot* Board::claim(std::uint32_t session) noexcept {
  for (std::size_t tried = 0; tried < slots_.size(); tried++) {
    const std::size_t i = nextSlot_;
    nextSlot_ = (nextSlot_ + 1) % slots_.size();
    if (slots_[i].session.load(std::memory_order_relaxed) != 0) continue;
    slots_[i].session.store(session, std::memory_order_relaxed);
    slots_[i].copies[0] = slots_[i].copies[1] = {};
    ours_[i] = true;
    return &slots_[i];
  }
  return nullptr;
}

void Board::release(BoardSlot& slot) noexcept {
  slot.session.store(0, std::memory_order_relaxed);
  ours_[static_cast<std::size_t>(&slot - slots_.data())] = false;
}

void Board::forgetOthers() noexcept {
  for (std::size_t i = 0; i < slots_.size(); i++)
    if (!ours_[i]) slots_[i].session.store(0, std::memory_order_relaxed);
}

void Board::save(BoardSlot& slot, const StreamPosition& position) noexcept {
  const std::uint32_t next = 1 - (slot.newest.load(std::memory_order_relaxed) & 1);
  slot.copies[next] = position;
  slot.newest.store(next, std::memory_order_release);
}

StreamPosition Board::last(const BoardSlot& slot) noexcept {
  return slot.copies[slot.newest.load(std::memory_order_acquire) & 1];
}

}  // namespace hushpay
