#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "rtp/prefetch.h"

namespace hushpay {

/// Goes on with a voice where its samples are missing, in the manner of G.711 Appendix I: the last pitch
/// periods are repeated, one, then two, then three of them, fading from 15 to 65 ms into noise as faint as
/// the line's own. It knows what it was told to have been played, nothing else, so that behind a clamp it
/// repeats clean audio only. Adds no delay: instead of smoothing the end of what was heard, the step into the
/// first repetition decays within a quarter of a period.
///
/// Media thread: no allocation, lock, log or throw; fixed memory.
class Concealer {
 public:
  /// Samples played as they were heard. Ends a concealment without a cross-fade; resume() is the way to have
  /// one.
  void heard(std::span<const std::int16_t> samples) noexcept;

  /// Fills in for missing samples.
  void conceal(std::span<std::int16_t> samples) noexcept;

  /// The first samples after a concealment, cross-faded in place with its continuation; does what heard()
  /// does.
  void resume(std::span<std::int16_t> samples) noexcept;

  /// What was played last must not be repeated.
  void forget() noexcept;

  [[nodiscard]] bool concealing() const noexcept { return gap_ > 0; }

  void prefetch() const noexcept {
    hushpay::prefetch(history_.data(), sizeof history_);
    hushpay::prefetch(&gap_, sizeof gap_ + 64);
  }

  static constexpr std::size_t kHistory = 400;
  /// The last samples played, oldest first.
  [[nodiscard]] std::span<const std::int16_t, kHistory> history() const noexcept { return history_; }
  /// Root mean square of the faintest stretches heard lately; 0 if there were none.
  [[nodiscard]] float noiseRms() const noexcept { return noiseRms_; }

 private:
  void begin() noexcept;
  std::int16_t next() noexcept;
  float noise() noexcept;
  void remember(std::span<const std::int16_t> samples) noexcept;

  std::array<std::int16_t, kHistory> history_{};
  std::array<std::int16_t, kHistory> source_{};  // history when the gap began
  std::size_t gap_ = 0;                          // samples concealed since then
  std::size_t period_ = 0;
  std::size_t back_ = 0;         // next sample of the source, counted from its end
  std::size_t periods_ = 1;      // that are gone round now
  std::size_t nextPeriods_ = 1;  // from the next turn on
  float step_ = 0;               // between the last sample heard and the one before the first repeated
  float noiseRms_ = 0;
  std::uint32_t random_ = 0x2545f491;
};

}  // namespace hushpay
