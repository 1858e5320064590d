#pragma once

#include <cstdint>
#include <ctime>

namespace hushpay {

/// Milliseconds of CLOCK_MONOTONIC: the clock control reads too.
inline double nowMs() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// The wall clock as NTP counts it: seconds since 1900 in the upper 32 bits, fractions below (RFC 3550
/// section 4).
inline std::uint64_t ntpNow() noexcept {
  constexpr std::uint64_t kSecondsTo1970 = 2'208'988'800;
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  const auto seconds = static_cast<std::uint64_t>(time.tv_sec) + kSecondsTo1970;
  const auto fraction = (static_cast<std::uint64_t>(time.tv_nsec) << 32) / 1'000'000'000;
  return (seconds << 32) | fraction;
}

}  // namespace hushpay
