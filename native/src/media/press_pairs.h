#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "media/event.h"

namespace hushpay {

/// Knows which reports of the two carriers of a stream, telephone-event and tone, tell of one press. A
/// gateway that makes events of tones leaks some of the tone before the event, or after it, or all of it; a
/// tone may break into pieces where packets are lost. So a report belongs to a press of the other carrier if
/// it begins with it, or inside what that press covers.
///
///     tone   ▁███▁▁▁▁▁▁▁▁   ▁▁▁▁▁▁▁▁▁██▁   ▁███████▁███▁
///     event  ▁▁▁██████▁▁▁   ▁▁██████▁▁▁▁   ▁▁▁█████████▁
///            leaks before   leaks after    in two pieces: the second is part of the first
///
/// Media thread, fixed memory.
class PressPairs {
 public:
  enum class Kind : std::uint8_t {
    kFirst,   // a press nobody has reported
    kSecond,  // the other carrier has reported it
    kPart,    // of a press that both have reported, or that went on in another stream: no report of its own
  };
  struct Verdict {
    Kind kind;
    double onsetMs;  // of the press: the other carrier's, if that reported it first
  };

  /// A carrier reports a key down.
  /// @param otherUntilMs  how far the other carrier's newest press is known to reach
  Verdict down(KeyCarrier carrier, std::uint8_t key, double onsetMs, double otherUntilMs) noexcept;

  /// The last press of the carrier is over.
  void up(KeyCarrier carrier, double endMs) noexcept;

  /// Some of the stream is lost, or it goes on under other numbers: a tone that is down before and after that
  /// is one press. (A pause that is lost whole costs a key; the other way round there would be one too many.)
  /// @param afterMs  onset of a tone that is down when it goes on
  void interrupted(double afterMs) noexcept;

  /// Overwrites presses that are over for so long that no report of theirs is expected any more.
  void tick(double nowMs) noexcept {
    if (nowMs >= forgetsAtMs_) forget(nowMs);
  }

  /// When tick() has something to overwrite; infinite: nothing is remembered, or it is still down.
  [[nodiscard]] double forgetsAtMs() const noexcept { return forgetsAtMs_; }

  void wipe() noexcept;

 private:
  static constexpr std::size_t kPresses = 8;
  static constexpr int kNone = -1;

  struct Press {
    bool used = false;
    bool open = false;  // not over yet
    int mate = kNone;   // index of the other carrier's report of it
    std::uint8_t key = 0;
    double onsetMs = 0;
    double endMs = 0;  // as far as known
  };
  struct Track {
    std::array<Press, kPresses> presses{};
    std::size_t count = 0;
    std::size_t current = 0;  // the one that is down, or was last
  };

  Track& of(KeyCarrier carrier) noexcept { return tracks_[static_cast<std::size_t>(carrier)]; }
  Track& otherOf(KeyCarrier carrier) noexcept { return tracks_[1 - static_cast<std::size_t>(carrier)]; }
  [[nodiscard]] int partnerOf(const Press& press, KeyCarrier carrier) noexcept;
  [[nodiscard]] int wholeOf(const Press& press, KeyCarrier carrier) noexcept;
  [[nodiscard]] bool goesOn(const Press& press, KeyCarrier carrier) noexcept;
  void forget(double nowMs) noexcept;

  std::array<Track, 2> tracks_{};
  bool isToneHeld_ = false;  // it was down when the stream was interrupted, and no tone has come since
  double firstAfterMs_ = 0;  // of interruptions close together
  double lastAfterMs_ = 0;
  double forgetsAtMs_ = std::numeric_limits<double>::infinity();
};

}  // namespace hushpay
