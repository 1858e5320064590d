#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hushpay {

/// Brings audio of a higher rate down to the 8000 Hz the detectors work at, as it comes.
///
/// A windowed sinc, one set of taps for each place an output sample can have between two input samples: 1 for
/// multiples of 8000 Hz, 80 for 44100 Hz. Flat up to 2 kHz, and nothing that would fold back upon a tone. An
/// output sample stands for the moment of the input sample it is centred on, so onsets need no correction; it
/// comes 1 ms after it.
///
/// feed() and wipe() are for the media thread: no allocation, lock, log or throw.
class Decimator {
 public:
  static constexpr int kMaxRateHz = 48'000;

  /// Can audio of this rate be fed? From 8000 to 48000 Hz, in frames of 20 ms that are whole samples.
  static bool supports(int rateHz) noexcept {
    return rateHz >= 8000 && rateHz <= kMaxRateHz && rateHz % 50 == 0;
  }

  /// Makes the taps: allocates.
  /// @param rateHz  one that is supported
  explicit Decimator(int rateHz);

  /// @param in   linear 16-bit mono, any length
  /// @param out  room for mostOut(in.size()) samples
  /// @return how many were written
  std::size_t feed(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept;

  /// Output samples that so much input can make.
  [[nodiscard]] std::size_t mostOut(std::size_t in) const noexcept;

  /// Input samples that an output sample waits for after its own moment.
  [[nodiscard]] std::size_t delay() const noexcept { return half_; }

  void wipe() noexcept;

 private:
  static constexpr std::size_t kHalfPeriods = 8;  // of 8000 Hz, on either side
  static constexpr std::size_t kMaxTaps = 2 * kHalfPeriods * kMaxRateHz / 8000 + 1;

  std::size_t step_;    // of the output, in phases; a phase is 1 / phases_ of an input sample
  std::size_t phases_;  // taps sets
  std::size_t half_;    // taps on either side of the centre
  std::size_t taps_;
  std::vector<float> table_;
  std::array<float, 2 * kMaxTaps> past_{};  // the last samples, twice, so that they always lie in one piece
  std::size_t at_ = 0;                      // where the next one goes
  std::size_t due_ = 0;                     // phases until the input has reached the next output sample
};

}  // namespace hushpay
