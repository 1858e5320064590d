#pragma once

#include <array>
#include <cstdint>

namespace hushpay {

/// The adaptive predictor and step size one sub-band of G.722 keeps; encoder and decoder run the same one
/// (clauses 3.4 to 3.6, block names of clause 6.2). All arithmetic is that of the recommendation, to the bit.
class G722Band {
 public:
  /// The lower band begins with a step of 32, the higher with 8.
  explicit G722Band(int firstStep) noexcept : step_(firstStep) {}

  [[nodiscard]] int estimate() const noexcept { return estimate_; }
  [[nodiscard]] int step() const noexcept { return step_; }

  /// Follows the difference that both sides know.
  void predict(int difference) noexcept;
  /// Blocks 3L and 3H: takes the step size on, on a logarithmic scale.
  /// @param limit  18432 in the lower band, 22528 in the higher
  /// @param shift  8 in the lower band, 10 in the higher
  void adapt(int multiplier, int limit, int shift) noexcept;

 private:
  void adaptPoles(int partial) noexcept;
  void adaptZeros(int difference) noexcept;
  void shiftIn(int difference, int reconstructed, int partial) noexcept;

  int step_;
  int logStep_ = 0;
  int estimate_ = 0;                    // s
  int zeroEstimate_ = 0;                // sz
  std::array<int, 2> reconstructed_{};  // r, newest first
  std::array<int, 2> partial_{};        // p
  std::array<int, 2> poles_{};          // a1, a2
  std::array<int, 6> zeros_{};          // b1..b6
  std::array<int, 6> differences_{};    // d, newest first
};

}  // namespace hushpay
