#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rtp/prefetch.h"

namespace hushpay {

/// What a listener may have of one sample that leaves the clamp.
enum class Pass : std::uint8_t {
  kReplaced,  // zero: the listener hears a replacement, never what was here
  kMissing,   // zero: it was lost; may be concealed from open samples before it, never from replaced ones
  kOpen,      // the sample itself
};

/// What nearly every stretch is: no branch is in it, so that sixteen samples are looked at as one.
[[nodiscard]] inline bool isAllOpen(std::span<const Pass> pass) noexcept {
  std::uint8_t different = 0;
  for (const Pass each : pass)
    different |=
        static_cast<std::uint8_t>(static_cast<std::uint8_t>(each) ^ static_cast<std::uint8_t>(Pass::kOpen));
  return different == 0;
}

/// Samples on their way out of the clamp, each with what may become of it. Positions count samples pushed.
/// The delay comes and goes by splices: a short fade between two places of the stream. Media thread.
class DelayLine {
 public:
  /// Samples that nobody may ever have.
  void push(std::size_t count, Pass pass) noexcept;
  /// Those that may be had, if not at once.
  void push(std::span<const std::int16_t> values, Pass pass) noexcept;
  /// Both of one length.
  void pull(std::span<std::int16_t> values, std::span<Pass> pass) noexcept;

  [[nodiscard]] std::int64_t pushed() const noexcept { return pushed_; }
  [[nodiscard]] std::int64_t pulled() const noexcept { return pulled_; }
  [[nodiscard]] int delay() const noexcept { return static_cast<int>(pushed_ - pulled_); }
  /// Zero where it is closed.
  [[nodiscard]] std::int16_t at(std::int64_t position) const noexcept {
    return mark_[slot(position)] == Mark::kOpen ? value_[slot(position)] : std::int16_t{0};
  }

  /// Lets nothing out that has not left yet, from this position on, until it is opened.
  void close(std::int64_t from) noexcept;
  /// The same for good, and for what others may conceal.
  void drop(std::int64_t from) noexcept;
  /// Takes back close() for what has not left yet, from this position on.
  void open(std::int64_t from) noexcept;

  /// Makes the delay so many samples: what was heard last is heard again, from where the pitch repeats.
  void grow(int samples) noexcept;

  /// Takes out the whole delay if it is quiet, or else a piece that sounds like what follows it.
  /// @param anyway  takes out all of it, whatever it sounds like
  void shrink(bool anyway) noexcept;

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept { hushpay::prefetch(&pushed_, sizeof pushed_ + sizeof pulled_); }
  void prefetchNext() const noexcept {
    constexpr std::size_t kNext = 160;
    for (const std::int64_t from : {pushed_, pulled_}) {
      prefetchRing(value_, static_cast<std::size_t>(from), kNext);
      prefetchRing(mark_, static_cast<std::size_t>(from), kNext);
    }
  }

  /// Empties it: as much delay as before, all of it replaced.
  void clear() noexcept;

 private:
  static constexpr std::size_t kCapacity = 1024;
  static constexpr int kFade = 40;       // 5 ms
  static constexpr int kMinPitch = 20;   // 400 Hz
  static constexpr int kTemplate = 64;   // samples compared to find the pitch
  static constexpr float kAlike = 0.7F;  // correlation of pieces that may follow one another

  /// A Pass, or kClosed: replaced, but what it is may still be opened.
  enum class Mark : std::uint8_t { kReplaced, kMissing, kOpen, kClosed };
  static constexpr Mark markOf(Pass pass) noexcept { return static_cast<Mark>(pass); }

  [[nodiscard]] static std::size_t slot(std::int64_t position) noexcept {
    return static_cast<std::size_t>(position) % kCapacity;
  }
  void shut(std::size_t at, std::size_t count, std::span<Pass> pass) noexcept;
  void leave(std::span<std::int16_t> values, std::span<Pass> pass) noexcept;
  void fadeIn(std::span<std::int16_t> values, std::span<const Pass> pass) noexcept;
  void put(std::size_t count, const std::int16_t* values, Mark mark) noexcept;
  [[nodiscard]] bool isQuiet() const noexcept;
  [[nodiscard]] bool isOpen() const noexcept;
  /// Normalised correlation of what begins at two positions.
  [[nodiscard]] float likeness(std::int64_t one, std::int64_t other, int samples) const noexcept;
  void skip(int samples) noexcept;

  // Rings, side by side. The value of what is closed is kept until it leaves: so long it may be opened again.
  std::array<std::int16_t, kCapacity> value_{};
  std::array<Mark, kCapacity> mark_{};
  std::int64_t pushed_ = 0;
  std::int64_t pulled_ = 0;
  std::array<std::int16_t, kFade> tail_{};  // of what would have come without the splice
  int fading_ = 0;                          // samples of it left
};

}  // namespace hushpay
