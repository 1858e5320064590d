#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

#include "dsp/alarm_filter.h"
#include "dsp/dtmf.h"

namespace hushpay {

/// Says within milliseconds that a pair of key tones may have begun. For what must be silent before anybody
/// can be sure: it is wrong often, and fast. The detector, which counts, has rules of its own.
///
/// Every 2 ms, over the last 6, 8, 12 and 16 ms, the two tones that explain most of the samples are fitted by
/// least squares, their frequencies taken from how their phase advances. What the pair explains of the energy
/// is asked for the less, the longer the stretch and the more suddenly the pair has begun: a key starts both
/// tones at once, a voice swells. Energy counts once as it is and once without what lies below 560 Hz, where
/// voices, hum and dial tone are strong.
///
/// Media thread: no allocation, lock, log or throw; the state is fixed and can be wiped.
class ToneAlarm {
 public:
  static constexpr std::size_t kHop = AlarmFilter::kHop;
  static constexpr int kSlack =
      4 * kHop;  // by which a pair may have begun before the stretch that tells of it

  struct Verdict {
    bool alarm = false;      // a pair is there
    bool clear = false;      // and there is hardly anything else
    bool another = false;    // another pair than that of the alarm before
    bool sustained = false;  // the pair of the last alarm still is, by looser rules
    bool firm = false;       // and it explains most of what there is
    int reach = 0;           // samples back that the alarm may be about
  };

  /// What is known beside the samples.
  struct Context {
    bool heard = true;      // false if samples of the hop were lost
    bool follows = false;   // whether the pair of the last alarm still is is asked too
    bool expected = false;  // somebody is keying: two tones that begin are believed sooner
  };
  Verdict feed(std::span<const std::int16_t, kHop> hop, Context context) noexcept;

  /// Do the last 4 to 6 ms look like the beginning of a key that was cut off there?
  [[nodiscard]] bool endsInFragment() const noexcept;

  /// Has the pair of the last alarm been two sines, over so many hops that ended a while ago? Two of the
  /// harmonics of a voice, or a call of an animal, glide and swell where a key does not.
  /// @param hops  8 to kMaxSteadyHops
  [[nodiscard]] bool isSteady(int hops, int hopsAgo) const noexcept;
  static constexpr int kMaxSteadyHops = 30;

  /// The pair of the last alarm is no key: as long as it goes on it raises no alarm, unless it begins anew.
  void refuse() noexcept;

  void wipe() noexcept;

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept {
    filter_.prefetch();
    hushpay::prefetch(&heardRun_, sizeof heardRun_ + sizeof pair_ + sizeof refused_ + sizeof refusedHops_);
  }
  void prefetchNext() const noexcept {
    constexpr std::size_t kBefore = 20;
    constexpr std::size_t kNext = 10;
    prefetchRing(ring_, static_cast<std::size_t>(filter_.count() + kRing) - kBefore, kBefore + kNext);
  }

 private:
  static constexpr int kRing = 64;  // hops remembered

  /// What the best pair says of the last hops.
  struct Fit {
    bool found = false;
    std::array<int, 2> bin{};
    float share = 0;        // of the energy above 560 Hz
    float wholeShare = 0;   // of all energy
    float energy = 0;       // of a hop, in the mean
    float highOverLow = 0;  // powers
    float offset = 0;       // relative, of the tone that is farther from its nominal frequency
    float rest = 0;         // what the pair leaves unexplained, over what was there as long before
    float before = 0;       // power of the tone that was there more, 6 ms before, over that of now
  };

  [[nodiscard]] static bool isAdded(const Fit& found, bool expected) noexcept;
  [[nodiscard]] bool isKey(int hops, float minWholeShare, float minShare, const Fit& found) const noexcept;
  [[nodiscard]] bool isRefused(const Fit& found) const noexcept;
  [[nodiscard]] const AlarmHop& back(int count) const noexcept;
  /// Shares of the energy above 560 Hz below which a pair is of no interest.
  struct Wanted {
    float share;
    float roughShare;       // before its frequencies are known
    bool expected = false;  // a room or a bad phone may have bent its twist
  };
  /// What is soon known of the last hops, for every length that is looked at.
  struct Look;
  void look(Look& into) const noexcept;
  [[nodiscard]] Fit fit(const Look& look, std::size_t length, Wanted wanted) const noexcept;
  /// What a tone of the pair was over some hops.
  struct Sine {
    float offset = 0;  // relative, from its nominal frequency
    float drift = 0;   // of that, from one half to the other
    float coherence = 0;
  };
  [[nodiscard]] Sine sine(int tone, int hops, int hopsAgo) const noexcept;
  [[nodiscard]] static bool isSteady(const Sine& sine) noexcept;
  [[nodiscard]] float powerBefore(int hops, std::size_t bin) const noexcept;

  AlarmFilter filter_{};
  std::array<AlarmHop, kRing> ring_{};
  int heardRun_ = 0;  // hops since one was lost
  std::array<int, 2> pair_{};
  std::array<int, 2> refused_{};
  int refusedHops_ = 0;  // for which it still counts
};

}  // namespace hushpay
