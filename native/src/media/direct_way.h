#pragma once

#include <algorithm>
#include <cstddef>

namespace hushpay {

/// Whether a voice goes straight on to its listeners as its packets arrive, or waits for the clock of the
/// mix.
///
///             wanted; then hardly anything waits any more,
///             or something quiet, or kPatience has gone by
///   mixed ───────────────────────────────────────> direct
///     ^                                               │
///     └── not wanted any more, or nothing for kPause ─┘
///
/// It goes straight where there is nothing to mix: each of its listeners hears it alone, as it is. Media
/// thread.
class DirectWay {
 public:
  static constexpr std::size_t kPatience = 8000;  // samples: on a line that is never quiet, a seam is heard
  static constexpr std::size_t kPause = 800;  // a voice that pauses is mixed: its listeners get packets still

  /// By the clock of the mix, once a block.
  void choose(bool isWanted, std::size_t count) noexcept {
    silent_ = std::min(silent_ + count, kPause + 1);
    if (!isWanted || silent_ > kPause) return leave();
    isWanted_ = true;
    wanted_ = std::min(wanted_ + count, kPatience);
  }

  /// Something of the voice has arrived.
  /// @param isSpare  what waits for the mix can be left out unheard
  /// @return whether it goes straight on
  bool take(bool isSpare) noexcept {
    silent_ = 0;
    if (isWanted_ && (isSpare || wanted_ >= kPatience)) isDirect_ = true;
    return isDirect_;
  }

  void leave() noexcept {
    isWanted_ = isDirect_ = false;
    wanted_ = 0;
  }

  [[nodiscard]] bool isDirect() const noexcept { return isDirect_; }
  [[nodiscard]] bool isWanted() const noexcept { return isWanted_ && !isDirect_; }

 private:
  bool isWanted_ = false;
  bool isDirect_ = false;
  std::size_t wanted_ = 0;  // samples since
  std::size_t silent_ = 0;  // samples since anything arrived
};

}  // namespace hushpay
