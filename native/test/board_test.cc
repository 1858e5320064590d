#include "media/board.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

using namespace hushpay;

TEST_SUITE_BEGIN("board_test");

namespace {

/// What control keeps while workers come and go.
struct SharedFile {
  int fd = memfd_create("board", MFD_CLOEXEC);
  ~SharedFile() { close(fd); }

  [[nodiscard]] std::uint64_t heartbeat() const {
    std::uint64_t beats = 0;
    REQUIRE(pread(fd, &beats, sizeof beats, 0) == sizeof beats);
    return beats;
  }
};

StreamPosition positionAt(double atMs, std::uint16_t sequence) {
  StreamPosition position;
  position.atMs = atMs;
  position.next.sequence = sequence;
  return position;
}

}  // namespace

TEST_CASE("what one process noted the next one takes up") {
  const SharedFile file;
  {
    Board board(file.fd, 4);
    BoardSlot* slot = board.claim(7);
    REQUIRE(slot != nullptr);
    Board::save(*slot, positionAt(1000, 11));
    Board::save(*slot, positionAt(1010, 12));
    board.beat();
    board.beat();
  }
  CHECK(file.heartbeat() == 2);
  Board board(file.fd, 4);
  CHECK(board.takeUp(8) == nullptr);
  BoardSlot* slot = board.takeUp(7);
  REQUIRE(slot != nullptr);
  CHECK(Board::last(*slot).next.sequence == 12);
  CHECK(Board::last(*slot).atMs == 1010);
  board.beat();
  CHECK(file.heartbeat() == 3);
}

TEST_CASE("a position half written by a process that died is not read") {
  const SharedFile file;
  Board board(file.fd, 1);
  BoardSlot* slot = board.claim(1);
  REQUIRE(slot != nullptr);
  Board::save(*slot, positionAt(1000, 11));
  const std::uint32_t next = 1 - slot->newest.load();
  std::memset(static_cast<void*>(&slot->copies[next]), 0x5a, sizeof(StreamPosition) / 2);
  CHECK(Board::last(*slot).next.sequence == 11);
}

TEST_CASE("slots are given out once, and again when their sessions have ended") {
  Board board(-1, 2);
  BoardSlot* first = board.claim(1);
  REQUIRE(first != nullptr);
  REQUIRE(board.claim(2) != nullptr);
  CHECK(board.claim(3) == nullptr);
  Board::save(*first, positionAt(1000, 11));
  board.release(*first);
  BoardSlot* third = board.claim(3);
  REQUIRE(third == first);
  CHECK(Board::last(*third).atMs == 0);
}

TEST_CASE("sessions of an earlier process that nobody takes up leave their slots") {
  const SharedFile file;
  {
    Board board(file.fd, 2);
    REQUIRE(board.claim(1) != nullptr);
    REQUIRE(board.claim(2) != nullptr);
  }
  Board board(file.fd, 2);
  REQUIRE(board.takeUp(2) != nullptr);
  CHECK(board.claim(3) == nullptr);
  board.forgetOthers();
  CHECK(board.claim(3) != nullptr);
  CHECK(board.claim(4) == nullptr);
}

TEST_CASE("a board of another size begins anew") {
  const SharedFile file;
  {
    Board board(file.fd, 2);
    REQUIRE(board.claim(1) != nullptr);
  }
  Board board(file.fd, 3);
  CHECK(board.takeUp(1) == nullptr);
}

TEST_SUITE_END();
