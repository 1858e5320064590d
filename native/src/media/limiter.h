#pragma once

#include <span>

namespace hushpay {

/// Turns a mix of loud talkers down instead of clipping it. What one talker can say goes through untouched:
/// the loudest sample of A-law is the ceiling. Media thread.
///
/// A block that would pass the ceiling is turned down by the time its first such sample comes; afterwards the
/// gain comes back by half a decibel every 20 ms.
class Limiter {
 public:
  /// @param mix  any length above 0; no sample is beyond 16 bits afterwards
  void apply(std::span<float> mix) noexcept;

  friend bool operator==(const Limiter&, const Limiter&) = default;

 private:
  float gain_ = 1;
};

}  // namespace hushpay
