#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "dsp/residual_meter.h"
#include "dsp/tone_alarm.h"
#include "media/delay_line.h"
#include "media/event.h"

namespace hushpay {

/// What the samples given to the clamp are.
enum class Heard : std::uint8_t {
  kAudio,
  kLost,     // nothing: packets are missing
  kEvent,    // a telephone-event is down
  kUnknown,  // what arrived could not be decoded
};

/// What the clamp did since it was made or wiped; for the record of a call. Samples are of 8000 Hz.
struct ClampReport {
  std::uint32_t tonePresses = 0;   // that the detector counted while armed
  std::uint32_t eventPresses = 0;  // that came as telephone-events
  std::uint32_t otherPresses = 0;  // that came by signalling and were covered
  std::uint32_t guardEvents = 0;   // alarms that no key followed
  std::uint64_t armedSamples = 0;
  std::uint64_t clampedSamples = 0;
  std::uint64_t missingSamples = 0;
  // The strongest trace of its own pair of tones that any press left in 5 ms of what was let through, from 2
  // ms before it to 40 ms after it, as a meter behind the clamp hears it. No window there loud enough to hold
  // one: kNoResidual.
  static constexpr float kNoResidual = ResidualMeter::kNothing;
  float worstResidualDbm0 = kNoResidual;

  /// Joins what two clamps did for one speaker, one after the other.
  ClampReport& operator+=(const ClampReport& other) noexcept;
};

/// Keeps key presses from those who hear a speaker. One per speaker, in the order of the stream: behind
/// reordering and decoding, before playout and concealment, so that what is concealed is what was let
/// through.
///
/// While armed, the stream goes through a delay line of 20 ms. An alarm looks at what enters it and closes
/// what has not yet left it, so the beginning of a tone is never heard; closed samples are zeros for others
/// to fill. Whatever cannot be vouched for is closed.
///
/// Media thread: no allocation, lock, log or throw; the state is fixed and can be wiped.
class Clamp {
 public:
  static constexpr std::size_t kLookAhead = 160;  // 20 ms while armed; 0 while disarmed

  /// Holds from the next sample on. The delay appears by repeating what was said last, faded together:
  /// nothing is lost.
  /// @param waiting  samples that left last and that nobody has heard yet
  /// @return how many of those, the newest, must not be heard: those that come again, too young to tell; all
  /// of
  ///         them if a key may be in them, as far as alarm and carriers can tell
  int arm(int waiting = 0) noexcept;

  /// Takes the delay out again at the next silence, or a pitch period at a time; until then still armed.
  void disarm() noexcept;

  /// False once the delay is gone.
  [[nodiscard]] bool armed() const noexcept { return state_ != State::kDisarmed; }

  /// Disarmed, `out` is `in` and missing samples are kMissing. Armed, it is the stream kLookAhead earlier.
  /// @param in   linear 16-bit mono at 8000 Hz, any length; not read unless it is kAudio
  /// @param out  as long as `in`, not the same memory
  /// @param pass  as long as `in`
  void process(std::span<const std::int16_t> in, Heard heard, std::span<std::int16_t> out,
               std::span<Pass> pass) noexcept;

  /// What the detector or the event receiver is sure of.
  /// @param samplesAgo  when it began (came up), before the last sample processed
  void keyDown(KeyCarrier carrier, std::uint8_t key, int samplesAgo) noexcept;
  void keyUp(KeyCarrier carrier, int samplesAgo) noexcept;

  /// A key came by signalling, or late: closes what is in the line and so many samples more.
  void cover(int samples) noexcept;

  [[nodiscard]] ClampReport report() const noexcept;

  /// Another stream begins (source, codec, worker): what is in the line is dropped, and it is closed until
  /// the alarm has heard enough. Stays armed or disarmed.
  void reset() noexcept;

  void wipe() noexcept;

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept {
    line_.prefetch();
    hushpay::prefetch(&state_, sizeof state_);
    hushpay::prefetch(hop_.data(), 2 * sizeof hop_);
    alarm_.prefetch();
    meter_.prefetch();
  }
  void prefetchNext() const noexcept {
    line_.prefetchNext();
    if (!armed()) return;
    alarm_.prefetchNext();
    meter_.prefetchNext();
    hushpay::prefetch(&closure_, sizeof closure_ + 128);
  }

 private:
  enum class State : std::uint8_t { kDisarmed, kArmed, kDisarming };
  static constexpr std::size_t kHop = ToneAlarm::kHop;
  static constexpr int kMostWaiting =
      640;  // 80 ms: the line remembers no more, and what the alarm needs before it

  /// A stretch that is closed: from an alarm or a key until nothing has told of one for a while.
  struct Closure {
    std::int64_t from = 0;
    std::int64_t until = 0;    // of what enters the line
    int sustainedHops = 0;     // that the pair of the alarm was still there
    int firmHops = 0;          // and was most of what was heard
    std::int64_t lastHop = 0;  // in which it was
    bool confirmed = false;    // it is a key: hold on to its end and beyond

    bool counted = false;     // a carrier says so
    std::int64_t frozen = 0;  // samples added for what was not heard

    /// Another pair has begun: of that nothing is known yet.
    void begin(std::int64_t at) noexcept {
      from = std::max(from, at);
      sustainedHops = firmHops = 0;
    }
  };

  void take(std::span<const std::int16_t> in, std::size_t count, Heard heard) noexcept;
  [[nodiscard]] std::size_t closedOf(std::size_t count, Heard heard) const noexcept;
  void analyse() noexcept;
  void closeLine(std::int64_t from) noexcept;
  void follow(const ToneAlarm::Verdict& verdict, bool heard) noexcept;
  void judge() noexcept;
  bool hasAlarm(int samples) noexcept;
  [[nodiscard]] bool isCopy() const noexcept;
  void endClosure() noexcept;
  void tryDisarm() noexcept;
  [[nodiscard]] bool isClosing() const noexcept { return line_.pushed() < closure_.until; }

  State state_ = State::kDisarmed;
  DelayLine line_{};
  ToneAlarm alarm_{};
  ResidualMeter meter_{};
  std::array<std::int16_t, kHop> hop_{};
  std::size_t filled_ = 0;
  bool hopHeard_ = true;
  bool wasCut_ = false;  // the hop before was what others fill lost packets with
  Closure closure_{};
  bool hasClosure_ = false;
  std::array<bool, 2> down_{};  // by carrier
  std::int64_t lastPressed_ =
      std::numeric_limits<std::int64_t>::min();  // position where a carrier knew of a key
  std::int64_t keyingUntil_ = 0;                 // position until which another key is likely
  std::int64_t disarmBy_ = 0;                    // position
  std::int64_t waryUntil_ = 0;  // position until which an alarm must be clear: the last one was false
  ClampReport report_{};
};

}  // namespace hushpay
