#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "dsp/filter_bank.h"
#include "rtp/prefetch.h"

namespace hushpay {

/// What is remembered of 8 ms of a stream.
struct Block : Spectrum {
  bool heard = false;  // no sample of it is concealed
  bool whole = false;  // nor looks as if another had concealed it
};

/// The last quarter of a second of a stream, block by block.
class BlockHistory {
 public:
  static constexpr int kMost = 64;

  /// @return the new block, to be filled in
  Block& push() noexcept { return ring_[count_++ % kMost]; }

  /// @param age  in hops; 0 is the newest block, known() - 1 the oldest
  [[nodiscard]] const Block& back(int age) const noexcept {
    return ring_[(count_ - 1 - static_cast<std::uint64_t>(age)) % kMost];
  }

  [[nodiscard]] int known() const noexcept {
    return static_cast<int>(std::min<std::uint64_t>(count_, kMost));
  }

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept { hushpay::prefetch(&count_, sizeof count_); }
  void prefetchNext() const noexcept {
    constexpr std::size_t kBefore = 18;
    constexpr std::size_t kNext = 5;
    prefetchRing(ring_, static_cast<std::size_t>(count_ + kMost) - kBefore, kBefore + kNext);
  }

  /// Blocks since the stream began.
  [[nodiscard]] std::int64_t count() const noexcept { return static_cast<std::int64_t>(count_); }

 private:
  std::array<Block, kMost> ring_{};
  std::uint64_t count_ = 0;
};

/// Blocks that are judged together, newest first. They need not be neighbours: a loss may lie between.
struct Stretch {
  static constexpr int kMost = 18;
  std::array<const Block*, kMost> block;  // of which `count` are set
  std::array<int, kMost> age;             // in hops
  int count = 0;
  ByTone power{};    // sums over the blocks
  ByTone weakest{};  // power of the block that holds least
  float energy = 0;
  float low = 0;

  void add(const BlockHistory& history, int hops) noexcept {
    const Block& added = history.back(hops);
    const ByTone& least = count == 0 ? added.power : weakest;
    for (std::size_t bin = 0; bin < kTones; bin++) power[bin] += added.power[bin];
    for (std::size_t bin = 0; bin < kTones; bin++)
      weakest[bin] = added.power[bin] < least[bin] ? added.power[bin] : least[bin];
    energy += added.energy;
    low += added.low;
    block[static_cast<std::size_t>(count)] = &added;
    age[static_cast<std::size_t>(count++)] = hops;
  }

  [[nodiscard]] int oldest() const noexcept { return age[static_cast<std::size_t>(count - 1)]; }

  /// The filter of a group that heard most: 0..3 or 4..7.
  [[nodiscard]] int strongest(int firstBin) const noexcept {
    const auto begin = power.begin() + firstBin;
    return static_cast<int>(std::max_element(begin, begin + 4) - power.begin());
  }

  /// Its power. No branch is in it: which filter it is, no processor foresees.
  [[nodiscard]] float mostPower(int firstBin) const noexcept {
    const auto of = std::span(power).subspan(static_cast<std::size_t>(firstBin), 4);
    return std::max(std::max(of[0], of[1]), std::max(of[2], of[3]));
  }

  /// Mean power of a filter.
  [[nodiscard]] float meanPower(int bin) const noexcept {
    return power[static_cast<std::size_t>(bin)] / static_cast<float>(count);
  }

  /// Of the weakest block's power over the mean: 1 for a steady tone.
  [[nodiscard]] float flatness(int bin) const noexcept {
    return weakest[static_cast<std::size_t>(bin)] / std::max(meanPower(bin), 1e-9F);
  }
};

}  // namespace hushpay
