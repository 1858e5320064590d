#include "media/tape_deck.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "media/time.h"

namespace hushpay {
namespace {

constexpr std::chrono::milliseconds kEvery{100};

}  // namespace

TapeDeck::TapeDeck() : wakeFd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

TapeDeck::~TapeDeck() {
  {
    const std::lock_guard lock(mutex_);
    isStopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& tape : tapes_) tape->finish();
  close(wakeFd_);
}

std::shared_ptr<Tape> TapeDeck::open(std::uint32_t id, const std::string& path, double beganMs) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(tapes_, id, [](const auto& tape) { return tape->id(); });
  auto tape = found != tapes_.end() ? *found : std::make_shared<Tape>(id, path, beganMs);
  tape->enter();
  if (found == tapes_.end()) tapes_.push_back(tape);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  return tape;
}

std::vector<TapeNews> TapeDeck::takeNews() {
  eventfd_t count = 0;
  eventfd_read(wakeFd_, &count);
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

void TapeDeck::run() {
  std::unique_lock lock(mutex_);
  while (!isStopping_) {
    const std::vector<std::shared_ptr<Tape>> tapes = tapes_;
    lock.unlock();
    for (const auto& tape : tapes) {
      const bool isLast = tape->isOver();  // asked first: what its last user has put in is taken then
      if (isLast ? tape->finish() : tape->write(nowMs())) tell(*tape, false);
      if (isLast) tell(*tape, true);
    }
    lock.lock();
    stop_.wait_for(lock, kEvery, [this] { return isStopping_; });
  }
}

void TapeDeck::tell(const Tape& tape, bool hasEnded) {
  const std::lock_guard lock(mutex_);
  news_.push_back(
      {.tape = tape.id(), .hasEnded = hasEnded, .problem = tape.problem(), .figures = tape.figures()});
  if (hasEnded) std::erase_if(tapes_, [&](const auto& each) { return each.get() == &tape; });
  eventfd_write(wakeFd_, 1);
}

}  // namespace hushpay
