#pragma once

#include <cstddef>

namespace hushpay {

/// Memory for card digits: its pages never go to a swap device, into a core file or to a child process. Where
/// the limit of locked memory is reached, the pages can be swapped, and all else holds.
/// One thread, the one that runs JavaScript. Nothing is given back to the system but what was asked for in
/// one piece larger than any slot.
/// @param bytes length, not 0
/// @return zeros, or nullptr if there is no memory
std::byte* takeLocked(std::size_t bytes);

/// Overwrites it and makes it free for the next.
/// @param bytes as it was taken
void giveLocked(std::byte* memory, std::size_t bytes);

}  // namespace hushpay
