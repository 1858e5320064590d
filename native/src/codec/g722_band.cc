#include "codec/g722_band.h"

#include <algorithm>

namespace hushpay {
namespace {

constexpr int saturate(int value) noexcept { return std::clamp(value, -32768, 32767); }

// 2048 * 2^(n/32): the fraction of the logarithmic step size (table ILB of clause 6.2.1.3).
constexpr std::array<int, 32> kInverseLog = {2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543,
                                             2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228,
                                             3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008};

constexpr int kMaxSecondPole = 12288;
constexpr int kMaxPoles = 15360;

constexpr bool sameSign(int one, int other) noexcept { return (one < 0) == (other < 0); }

}  // namespace

void G722Band::adapt(int multiplier, int limit, int shift) noexcept {
  logStep_ = std::clamp(((logStep_ * 127) >> 7) + multiplier, 0, limit);
  const int fraction = kInverseLog[static_cast<std::size_t>((logStep_ >> 6) & 31)];
  const int down = shift - (logStep_ >> 11);
  step_ = (down < 0 ? fraction << -down : fraction >> down) << 2;
}

void G722Band::predict(int difference) noexcept {
  const int reconstructed = saturate(estimate_ + difference);  // RECONS
  const int partial = saturate(zeroEstimate_ + difference);    // PARREC
  adaptPoles(partial);
  adaptZeros(difference);
  shiftIn(difference, reconstructed, partial);
  // FILTEP, FILTEZ, PREDIC
  const int poleEstimate = saturate(((poles_[0] * saturate(2 * reconstructed_[0])) >> 15) +
                                    ((poles_[1] * saturate(2 * reconstructed_[1])) >> 15));
  int zeroEstimate = 0;
  for (std::size_t i = 0; i < zeros_.size(); i++)
    zeroEstimate += (zeros_[i] * saturate(2 * differences_[i])) >> 15;
  zeroEstimate_ = saturate(zeroEstimate);
  estimate_ = saturate(poleEstimate + zeroEstimate_);
}

/// UPPOL2, UPPOL1
void G722Band::adaptPoles(int partial) noexcept {
  const int first = saturate(4 * poles_[0]);
  const int towards = std::min(sameSign(partial, partial_[0]) ? -first : first, 32767);
  const int second =
      (sameSign(partial, partial_[1]) ? 128 : -128) + (towards >> 7) + ((poles_[1] * 32512) >> 15);
  poles_[1] = std::clamp(second, -kMaxSecondPole, kMaxSecondPole);
  const int moved = saturate((sameSign(partial, partial_[0]) ? 192 : -192) + ((poles_[0] * 32640) >> 15));
  const int limit = saturate(kMaxPoles - poles_[1]);
  poles_[0] = std::clamp(moved, -limit, limit);
}

/// UPZERO
void G722Band::adaptZeros(int difference) noexcept {
  const int pull = difference == 0 ? 0 : 128;
  for (std::size_t i = 0; i < zeros_.size(); i++) {
    const int towards = sameSign(differences_[i], difference) ? pull : -pull;
    zeros_[i] = saturate(towards + ((zeros_[i] * 32640) >> 15));
  }
}

/// DELAYA
void G722Band::shiftIn(int difference, int reconstructed, int partial) noexcept {
  std::ranges::copy_backward(differences_.begin(), differences_.end() - 1, differences_.end());
  differences_[0] = difference;
  reconstructed_ = {reconstructed, reconstructed_[0]};
  partial_ = {partial, partial_[0]};
}

}  // namespace hushpay
