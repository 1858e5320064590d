#include "media/player.h"

#include <string.h>

#include <algorithm>

#include "rtp/wrap.h"

namespace hushpay {

bool Player::add(const PlayItem& item) noexcept {
  const bool isOver = ahead(endedPlay_, item.play) <= 0;
  if (isOver || count_ == kQueue) consumed_++;
  if (isOver) return true;
  if (count_ == kQueue) return false;
  items_[(first_ + count_++) % kQueue] = item;
  return true;
}

PlayNews Player::stop(std::uint32_t play) noexcept {
  if (ahead(endedPlay_, play) <= 0) return {};
  return end(play, PlayEnd::kStopped);
}

PlayNews Player::bargeIn() noexcept {
  if (play_ == 0 || !bargeIn_) return {};
  return end(play_, PlayEnd::kBargeIn);
}

bool Player::render(std::span<std::int16_t> frame, PlayNews& news) noexcept {
  std::size_t at = 0;
  while (at < frame.size() && count_ > 0 && !news.ended) {
    if (!begun_) begin(news);
    const PlayItem& item = items_[first_];
    const std::size_t size = std::min<std::size_t>(frame.size() - at, item.sampleCount - offset_);
    if (item.samples != nullptr)
      std::copy_n(item.samples + offset_, size, frame.begin() + static_cast<std::ptrdiff_t>(at));
    else
      std::fill_n(frame.begin() + static_cast<std::ptrdiff_t>(at), size, std::int16_t{0});
    at += size;
    offset_ += static_cast<std::uint32_t>(size);
    played_ += static_cast<std::uint32_t>(size);
    if (offset_ < item.sampleCount) continue;
    const bool isLast = item.last;
    const bool wasStarted = news.started;
    const PlayNews started = news;
    dropFront();
    if (!isLast) continue;
    news = end(play_, PlayEnd::kFinished);
    if (wasStarted) {
      news.started = true;
      news.startedPlay = started.startedPlay;
      news.clipsStarted = started.clipsStarted;
    }
  }
  std::fill(frame.begin() + static_cast<std::ptrdiff_t>(at), frame.end(), std::int16_t{0});
  if (play_ != 0 && at < frame.size()) {
    starved_ += static_cast<std::uint32_t>(frame.size() - at);
    starvedTotal_ += frame.size() - at;
  }
  return at > 0 || play_ != 0;
}

void Player::begin(PlayNews& news) noexcept {
  const PlayItem& item = items_[first_];
  if (play_ == 0) {
    play_ = item.play;
    bargeIn_ = item.bargeIn;
    clipsStarted_ = played_ = starved_ = 0;
  }
  begun_ = true;
  if (item.sampleCount == 0) return;  // only the mark of the end
  news.started = true;
  news.startedPlay = play_;
  news.clipsStarted = ++clipsStarted_;
}

void Player::dropFront() noexcept {
  explicit_bzero(&items_[first_], sizeof(PlayItem));
  first_ = (first_ + 1) % kQueue;
  count_--;
  consumed_++;
  offset_ = 0;
  begun_ = false;
}

PlayNews Player::end(std::uint32_t play, PlayEnd how) noexcept {
  while (count_ > 0 && ahead(items_[first_].play, play) >= 0) dropFront();
  endedPlay_ = play;
  PlayNews news;
  news.ended = true;
  news.endedPlay = play;
  news.end = how;
  if (play_ == play) {
    news.playedSamples = played_;
    news.starvedSamples = starved_;
  }
  play_ = 0;
  return news;
}

void Player::wipe() noexcept {
  explicit_bzero(items_.data(), sizeof items_);
  count_ = 0;
  play_ = 0;
}

}  // namespace hushpay
