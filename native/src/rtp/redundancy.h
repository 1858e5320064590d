#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "rtp/bytes.h"

namespace hushpay {

/// One block of an RFC 2198 packet; the payload lies in the packet it was parsed from.
struct RedundantBlock {
  std::uint8_t payloadType = 0;
  std::uint32_t timestamp = 0;
  ByteView payload{};
};

class RedundantPacket {
 public:
  static constexpr std::size_t kMostCopies = 7;

  /// Copies of what earlier packets carried, oldest first.
  [[nodiscard]] std::span<const RedundantBlock> copies() const noexcept {
    return std::span(blocks_).first(count_ - 1);
  }
  /// What the packet itself is for.
  [[nodiscard]] const RedundantBlock& primary() const noexcept { return blocks_[count_ - 1]; }

 private:
  friend std::optional<RedundantPacket> parseRedundant(ByteView, std::uint32_t) noexcept;
  std::array<RedundantBlock, kMostCopies + 1> blocks_{};
  std::size_t count_ = 0;
};

/// Parses the payload of a `red` packet (RFC 2198 section 3).
///
///     0                   1                    2                   3
///    |F|   block PT  |  timestamp offset         |   block length    |  F = 1: a copy, its header
///    |0|   block PT  |                                                  the primary, which takes the rest
///
/// @param timestamp  of the packet: the primary's
/// @return nothing if the headers do not fit the payload, or there are more copies than anyone sends
std::optional<RedundantPacket> parseRedundant(ByteView payload, std::uint32_t timestamp) noexcept;

}  // namespace hushpay
