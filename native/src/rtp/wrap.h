#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace hushpay {

/// How far `to` is ahead of `from` on a counter that wraps around (RTP sequence number, RTP timestamp,
/// SSRC-wide counts); negative if it is behind. The only place that subtracts such counters.
template <std::unsigned_integral Counter>
constexpr std::make_signed_t<Counter> ahead(Counter from, Counter to) noexcept {
  return static_cast<std::make_signed_t<Counter>>(static_cast<Counter>(to - from));
}

}  // namespace hushpay
