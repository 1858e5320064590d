#include "dsp/tone_detector.h"

#include <string.h>

#include <algorithm>

namespace hushpay {
namespace {

constexpr float kPresentShare = 0.4F;   // of a key's level: below, the block is a gap
constexpr int kEndBlocks = 7;           // a gap of 30 ms and more separates; one below 20 ms does not
constexpr int kMaxUnheardBlocks = 60;   // 240 ms of loss end a key: longer than a stream goes on over
constexpr int kSuspiciousSamples = 12;  // of a block: fewer are chance
constexpr std::int64_t kKeyingSamples = 5000 * 8;  // after a key
constexpr std::int64_t kEchoSamples = 400 * 8;
constexpr float kEchoShare = 0.16F;  // the same key 16 dB weaker within 400 ms is its echo

}  // namespace

void ToneDetector::feed(std::span<const std::int16_t> pcm, ToneEdges& edges) noexcept {
  while (!pcm.empty()) {
    const std::size_t size = std::min(pcm.size(), static_cast<std::size_t>(kHop - filled_));
    std::copy_n(pcm.begin(), size, samples_.begin() + kPacket + filled_);
    filled_ += static_cast<int>(size);
    fed_ += static_cast<std::int64_t>(size);
    pcm = pcm.subspan(size);
    if (filled_ == kHop) pushHop(edges);
  }
}

void ToneDetector::conceal(std::size_t sampleCount, ToneEdges& edges) noexcept {
  while (sampleCount > 0) {
    const std::size_t size = std::min(sampleCount, static_cast<std::size_t>(kHop - filled_));
    std::fill_n(samples_.begin() + kPacket + filled_, size, std::int16_t{0});
    filled_ += static_cast<int>(size);
    lost_ += static_cast<int>(size);
    fed_ += static_cast<std::int64_t>(size);
    sampleCount -= size;
    if (filled_ == kHop) pushHop(edges);
  }
}

void ToneDetector::pushHop(ToneEdges& edges) noexcept {
  std::copy(window_.begin() + kHop, window_.end(), window_.begin());
  for (std::size_t i = 0; i < kHop; i++) window_[kBlock - kHop + i] = samples_[kPacket + i];
  noteFill();
  analyse(edges);
  std::copy(samples_.begin() + kHop, samples_.end(), samples_.begin());
  filled_ = 0;
  lost_ = 0;
}

/// Counts samples that are zero, or the same as a packet earlier: some receivers fill a lost packet so.
void ToneDetector::noteFill() noexcept {
  int zeros = 0;
  int copies = 0;
  for (std::size_t i = 0; i < kHop; i++) {
    zeros += samples_[kPacket + i] == 0 ? 1 : 0;
    copies += samples_[kPacket + i] == samples_[i] ? 1 : 0;
  }
  suspicious_ = {suspicious_[1], std::max(zeros, copies)};
  if (lost_ > 0)
    unheard_ = kBlock / kHop;
  else if (unheard_ > 0)
    unheard_--;
}

void ToneDetector::analyse(ToneEdges& edges) noexcept {
  const std::int64_t number = history_.count();
  Block& block = history_.push();
  block.heard = unheard_ == 0;
  block.whole = block.heard && suspicious_[0] + suspicious_[1] < kSuspiciousSamples;
  filterBlock(window_, number, block);
  follow(edges);
}

void ToneDetector::follow(ToneEdges& edges) noexcept {
  if (!history_.back(0).heard) {
    if (press_.down && ++press_.unheardBlocks > kMaxUnheardBlocks) end(edges);
    return;
  }
  if (press_.down) {
    watch(edges);
    return;
  }
  FoundKey found;
  if (findKey(history_, now(), found) && !isEcho(found)) start(found, edges);
}

/// Follows a key that is down until it comes up or another follows.
void ToneDetector::watch(ToneEdges& edges) noexcept {
  press_.unheardBlocks = 0;
  if (shareOf(press_, history_.back(0)) >= kPresentShare) {
    press_.absentBlocks = 0;
    press_.lastPresent = fed_;
    return;
  }
  press_.absentBlocks++;
  FoundKey found;
  if (findKey(history_, now(), found)) {
    if (found.key != press_.key) {
      end(edges);
      if (!isEcho(found)) start(found, edges);
      return;
    }
    const bool isWeaker = found.level[0] < kEchoShare * press_.level[0];
    if (!isWeaker && found.onset >= press_.lastPresent - kBlock) {  // the level of the line has changed
      press_.level = found.level;
      press_.absentBlocks = 0;
      press_.lastPresent = fed_;
      return;
    }
  }
  if (press_.absentBlocks >= kEndBlocks) end(edges);
}

void ToneDetector::start(const FoundKey& found, ToneEdges& edges) noexcept {
  press_ = {};
  static_cast<FoundKey&>(press_) = found;
  press_.down = true;
  press_.lastPresent = fed_;
  edges.add({.down = true, .key = found.key, .onsetSample = found.onset, .durationSamples = 0});
}

/// Overwrites the presses that say no more whether somebody keys: which they were must not be found here for
/// longer.
Moment ToneDetector::now() noexcept {
  bool isKeying = false;
  for (Press& past : past_) {
    if (!past.down) continue;
    if (fed_ - past.lastPresent < kKeyingSamples)
      isKeying = true;
    else
      explicit_bzero(static_cast<void*>(&past), sizeof past);
  }
  return {.fed = fed_, .isKeying = isKeying};
}

/// Is it what is left of a press before: its own end, an echo or the room?
bool ToneDetector::isEcho(const FoundKey& found) const noexcept {
  return std::ranges::any_of(past_, [&](const Press& past) {
    if (!past.down || past.key != found.key) return false;
    const std::int64_t apart = found.onset - past.lastPresent;
    return apart < -kBlock || (apart <= kEchoSamples && found.level[0] < kEchoShare * past.level[0] &&
                               found.level[1] < kEchoShare * past.level[1]);
  });
}

void ToneDetector::end(ToneEdges& edges) noexcept {
  const std::int64_t until = std::max(press_.onset, press_.lastPresent - kBlock / 2);
  edges.add({.down = false,
             .key = press_.key,
             .onsetSample = press_.onset,
             .durationSamples = static_cast<std::uint32_t>(until - press_.onset)});
  past_[static_cast<std::size_t>(pastCount_)] = press_;
  pastCount_ = (pastCount_ + 1) % kPresses;
  press_ = Press{};
}

void ToneDetector::reset(ToneEdges& edges) noexcept {
  if (press_.down) end(edges);
  wipe();
}

void ToneDetector::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
