#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "media/clamp.h"
#include "media/concealer.h"

namespace hushpay {

/// Samples since the beginning.
struct PlayoutFigures {
  std::uint64_t concealed = 0;  // filled in because nothing was there
  std::uint64_t discarded = 0;  // dropped because too much was there
  std::uint64_t inserted = 0;   // by stretching
  std::uint64_t removed = 0;    // by shrinking
};

/// Between the arrival of a voice, in bursts, and its even flow into the mix, a block each time. Two streams
/// run side by side: what was said, and what the clamp lets through.
///
/// How long a sample waits is found by watching what is left after each block. The least of it over some
/// seconds is delay nobody needs, and is cut away; when less than nothing is left the missing samples are
/// concealed, and the delay has grown by so much. Where both clocks differ, the same rule inserts or removes
/// now and then. Cutting and stretching is by a pitch period, or in quiet places. Knows no clock but the
/// blocks that are pulled.
///
///   idle ── a block and kStart more ──> playing ── nothing for kPatience ──> idle
///
/// Media thread: no allocation, lock, log or throw; fixed memory.
class Playout {
 public:
  static constexpr std::size_t kMaxBlock = 160;  // 20 ms
  static constexpr std::size_t kMaxDelay = 1200;

  /// One stretch for the mix; all of one length, at most kMaxBlock.
  struct Block {
    std::span<std::int16_t> clean;  // zero where clamped
    std::span<std::int16_t> raw;    // for those who may hear everything; empty if there are none
    std::span<Pass> pass;           // kOpen or kReplaced: what is missing has been concealed
  };

  /// Takes what is next in stream order; the three have one length, at most kMaxDelay.
  void push(std::span<const std::int16_t> clean, std::span<const std::int16_t> raw,
            std::span<const Pass> pass) noexcept;

  /// Fills a block, come what may.
  void pull(const Block& block) noexcept;

  /// Instead of push() and pull(), for a voice that goes straight on: what is in the block stays as it is,
  /// but for missing samples, which are concealed. What waited is left out, faded over. Knows no raw stream.
  void through(const Block& block) noexcept;
  /// What waits can be left out unheard: there is hardly any of it, or it is quiet.
  [[nodiscard]] bool isSpare() const noexcept;
  /// Let less and less wait, a pitch period at a time, because the voice is to go straight on.
  void empty(bool isWanted) noexcept { empties_ = isWanted; }
  /// What comes next follows what was played last.
  [[nodiscard]] bool isSeamless() const noexcept {
    return level_ == 0 && !seam_ && !clamping_ && !concealer_.concealing();
  }

  /// So many of the newest samples that wait must not be heard: the clamp has not vouched for them.
  void closeWaiting(std::size_t newest) noexcept;

  /// Samples that wait.
  [[nodiscard]] std::size_t level() const noexcept { return level_; }
  /// Fewer than a block are there although the voice is being played.
  [[nodiscard]] bool isShortOf(std::size_t count) const noexcept { return playing_ && level_ < count; }
  /// How long a sample waits, smoothed.
  [[nodiscard]] float delaySamples() const noexcept { return delay_; }
  [[nodiscard]] const PlayoutFigures& figures() const noexcept { return figures_; }

  /// What a voice that goes straight on needs of it.
  void prefetch() const noexcept {
    hushpay::prefetch(&first_, 128);
    concealer_.prefetch();
    hushpay::prefetch(&figures_, sizeof figures_);
  }

  /// Back to the beginning; leaves no audio behind.
  void wipe() noexcept;

 private:
  static constexpr std::size_t kCapacity = 2048;
  using Ring = std::array<std::int16_t, kCapacity>;

  /// The least that was left after a block, over a window of which half is renewed at a time.
  struct Slack {
    int least = 0;        // of the half before and this one
    int leastHalf = 0;    // of this half
    int leastBefore = 0;  // of the half before
    std::size_t seen = 0;
    std::size_t half = 0;
    bool known = false;
  };

  void start(std::size_t count) noexcept;
  void play(const Block& block, std::size_t from, std::size_t count) noexcept;
  void say(std::span<std::int16_t> clean, Pass mark) noexcept;
  void conceal(const Block& block, std::size_t from, std::size_t count) noexcept;
  void runDry(const Block& block, std::size_t from) noexcept;
  bool splice(const Block& block) noexcept;
  [[nodiscard]] int chooseShift(std::size_t count) noexcept;
  void look(const Ring& ring, std::span<std::int16_t> out) const noexcept;
  void advance(std::size_t count) noexcept;
  void forgetLost(std::size_t count) noexcept;
  void drop(std::size_t count) noexcept;
  void watchSlack(int slack, std::size_t count) noexcept;
  void restartSlack() noexcept;
  [[nodiscard]] std::size_t at(std::size_t offset) const noexcept { return (first_ + offset) % kCapacity; }
  [[nodiscard]] bool isPlain(std::size_t count) const noexcept;

  Ring clean_{};
  Ring raw_{};
  std::array<Pass, kCapacity> pass_{};
  std::size_t first_ = 0;
  std::size_t level_ = 0;
  std::size_t shut_ = 0;  // samples that wait and are not open
  bool playing_ = false;
  bool clamping_ = false;  // the sample played last was clamped
  bool empties_ = false;
  bool seam_ = false;        // what comes next does not follow what was played last
  std::size_t dry_ = 0;      // samples since there was anything
  std::size_t owed_ = 0;     // concealed although they may still come
  std::size_t owedAge_ = 0;  // samples since
  std::size_t sinceSplice_ = 0;
  Slack slack_{};
  float delay_ = 0;
  Concealer concealer_{};
  Concealer rawConcealer_{};
  PlayoutFigures figures_{};
};

}  // namespace hushpay
