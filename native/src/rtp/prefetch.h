#pragma once

#include <cstddef>
#include <cstdint>

namespace hushpay {

/// Asks for memory that is needed in a microsecond or so. Thousands of sessions do not fit into a processor's
/// caches, and to wait for each line of one costs more than to compute with it.
inline void prefetch(const void* from, std::size_t size) noexcept {
  constexpr std::uintptr_t kLine = 64;
  const auto first = reinterpret_cast<std::uintptr_t>(from) & ~(kLine - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(from) + size;
  for (std::uintptr_t line = first; line < end; line += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(line), 1, 2);
}

/// The same of a ring: `count` places from `at` on, round its end.
template <typename Ring>
void prefetchRing(const Ring& ring, std::size_t at, std::size_t count) noexcept {
  const std::size_t first = at % ring.size();
  const std::size_t part = first + count < ring.size() ? count : ring.size() - first;
  prefetch(&ring[first], part * sizeof ring[0]);
  if (part < count) prefetch(ring.data(), (count - part) * sizeof ring[0]);
}

}  // namespace hushpay
