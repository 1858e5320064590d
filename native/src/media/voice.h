#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "media/clamp.h"
#include "media/clamp_fill.h"
#include "media/direct_way.h"
#include "media/hearing.h"
#include "media/playout.h"

namespace hushpay {

/// What may be asked of a voice from another thread.
struct VoiceFigures {
  float levelDbm0 = kFaintest;
  float delayMs = 0;  // a sample waits for its turn; the clamp's look-ahead is not in it
  std::uint64_t concealedMs = 0;
  std::uint64_t discardedMs = 0;

  static constexpr float kFaintest = -90;
};

/// The speaking side of a session: what its peer says, on the way to those who listen.
///
///   decoded, in stream order ─> Clamp ─> Playout (delay, drift, concealment) ─> a block for every way of
///   listening
///
/// What goes in has come at any time; what comes out goes with the room's clock. Media thread: no allocation,
/// lock, log or throw.
class Voice {
 public:
  Voice() = default;
  ~Voice();
  Voice(const Voice&) = delete;
  Voice& operator=(const Voice&) = delete;

  /// Says who listens: the clamp is armed as long as somebody is to hear no keys, each way of listening is
  /// rendered while it is wanted. Holds from the next block on.
  void serve(std::span<const Hearing> listeners) noexcept;

  /// The next samples of the stream.
  /// @param samples  zeros unless `what` is kAudio; at most Playout::kMaxDelay
  void hear(std::span<const std::int16_t> samples, Heard what) noexcept;

  /// The next samples of a voice that goes straight on: block() has them afterwards, filled and concealed.
  /// @param samples  at most Playout::kMaxBlock, otherwise as for hear()
  void hearDirect(std::span<const std::int16_t> samples, Heard what) noexcept;
  /// The next samples of such a voice are missing, and stay so.
  void leaveOut(std::size_t count) noexcept;
  /// What is heard next will go out as it came in.
  [[nodiscard]] bool isUntouched() const noexcept { return !clamp_.armed() && playout_.isSeamless(); }

  /// Somebody is to hear no keys of it.
  [[nodiscard]] bool isClamped() const noexcept { return wantsClamped_ || clamp_.armed(); }

  [[nodiscard]] DirectWay& way() noexcept { return way_; }
  /// Something is about to be heard. @return whether it goes straight on, by hearDirect() or leaveOut()
  [[nodiscard]] bool goesDirect() noexcept { return way_.take(way_.isWanted() && playout_.isSpare()); }

  /// Another stream, or the same one after a break: nothing is known of what will come.
  void breakOff() noexcept;

  void keyDown(KeyCarrier carrier, std::uint8_t key, int samplesAgo) noexcept {
    if (!isKey()) level_ = levels_[oldest_];  // as it was before the key began to be heard
    keyDown_[static_cast<std::size_t>(carrier)] = true;
    clamp_.keyDown(carrier, key, samplesAgo);
  }
  void keyUp(KeyCarrier carrier, int samplesAgo) noexcept {
    keyDown_[static_cast<std::size_t>(carrier)] = false;
    keyTail_ = kKeyTail;
    clamp_.keyUp(carrier, samplesAgo);
  }
  /// A key may be down that neither tone nor event shows.
  void cover(int samples) noexcept { clamp_.cover(samples); }

  /// A block of so many samples cannot be filled with what is there.
  [[nodiscard]] bool isShortOf(std::size_t count) const noexcept { return playout_.isShortOf(count); }

  /// Renders the next block. @param count  at most Playout::kMaxBlock
  void render(std::size_t count) noexcept;

  /// The block rendered last, as somebody hears it; not for Access::kNone.
  [[nodiscard]] std::span<const std::int16_t> block(const Hearing& hearing) const noexcept;

  [[nodiscard]] ClampReport clampReport() const noexcept { return clamp_.report(); }
  [[nodiscard]] const PlayoutFigures& playout() const noexcept { return playout_.figures(); }

  /// How loud its peer speaks, over the last 100 ms or so. A key press is no speech: while one is down, or
  /// clamped, the level stays as it was.
  [[nodiscard]] float speechDbm0() const noexcept { return levelDbm0_.load(std::memory_order_relaxed); }

  /// Any thread; a block or so old.
  [[nodiscard]] VoiceFigures figures() const noexcept;

  /// What its next 20 ms touch if they go straight on, in two steps: the second when the first has come.
  void prefetch() const noexcept;
  void prefetchNext() const noexcept { clamp_.prefetchNext(); }

  /// Nobody listens any more. Keeps what was counted.
  void leave() noexcept;

 private:
  static constexpr std::size_t kModes = 3;
  static constexpr std::size_t kLevels = 10;    // blocks: 100 ms or more, in which a key is found
  static constexpr std::size_t kKeyTail = 640;  // 80 ms, in which the end of a key has been played out
  using Samples = std::array<std::int16_t, Playout::kMaxBlock>;

  void finish(std::span<std::int16_t> clean, std::span<const Pass> pass) noexcept;
  void fillClean(std::span<std::int16_t> clean, std::span<const Pass> pass, bool isShut) noexcept;
  [[nodiscard]] bool isKey() const noexcept { return keyDown_[0] || keyDown_[1] || keyTail_ > 0; }
  void measure(std::span<const std::int16_t> samples, std::span<const Pass> pass) noexcept;
  void delayRaw(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept;
  [[nodiscard]] static std::size_t indexOf(ClampMode mode) noexcept { return static_cast<std::size_t>(mode); }

  Clamp clamp_{};
  ClampFill fill_{};
  Playout playout_{};
  DirectWay way_{};
  std::array<std::int16_t, Clamp::kLookAhead>
      rawLine_{};  // oldest first; so that both streams run side by side
  bool wantsClamped_ = false;
  bool wantsOpen_ = false;
  std::size_t openListeners_ = 0;
  /// Somebody was let in beside one who stays clamped: until nothing is closed any more, all who hear it open
  /// hear what the clamp lets through, or the newcomer would hear the rest of a key.
  bool lettingIn_ = false;
  std::array<bool, kModes> wantsMode_{};
  std::size_t count_ = 0;  // of the block
  bool wasShut_ = false;   // something of late was replaced
  bool openIsRaw_ = false;
  Samples raw_{};
  Samples clean_{};
  std::array<Samples, kModes> filled_{};
  float level_ = 0;                      // mean square of speech, smoothed
  std::array<float, kLevels> levels_{};  // of the last blocks, a ring
  std::size_t oldest_ = 0;
  std::array<bool, 2> keyDown_{};  // by carrier
  std::size_t keyTail_ = 0;        // samples
  std::atomic<float> levelDbm0_{VoiceFigures::kFaintest};
  std::atomic<float> delaySamples_{0};
  std::atomic<std::uint64_t> concealed_{0};
  std::atomic<std::uint64_t> discarded_{0};
};

}  // namespace hushpay
