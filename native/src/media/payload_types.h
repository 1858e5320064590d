#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

#include "codec/codec.h"

namespace hushpay {

/// Which payload types of a peer carry which codec. When an offer changes them the old ones count a little
/// longer, for packets that were under way (RFC 3264 section 8.3.2). Media thread.
class PayloadTypes {
 public:
  static constexpr double kUnderWayMs = 2000;

  /// Everything agreed on before begins to expire.
  void change(double nowMs) noexcept;
  /// Holds until the next change; a type that meant something else means this from now on.
  void agree(std::uint8_t type, Codec codec) noexcept;

  [[nodiscard]] std::optional<Codec> codecOf(std::uint8_t type, double nowMs) const noexcept;

 private:
  static constexpr double kForever = std::numeric_limits<double>::max();

  struct Entry {
    std::uint8_t type = 0;
    Codec codec = Codec::kPcmu;
    double untilMs = 0;
  };
  std::array<Entry, 6> entries_{};
};

}  // namespace hushpay
