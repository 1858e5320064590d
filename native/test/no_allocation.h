#pragma once

#include <cstddef>

namespace hushpay {

/// How often this program has allocated with new.
std::size_t allocations() noexcept;

}  // namespace hushpay
