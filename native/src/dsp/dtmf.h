#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hushpay {

constexpr int kSampleRateHz = 8000;
constexpr std::array<int, 8> kToneHz = {697,  770,  852,  941,
                                        1209, 1336, 1477, 1633};  // Q.23: rows, then columns
constexpr double kFullScaleDbm0 = 3.17;                           // level of a sine of peak 32767 (G.711)

/// RFC 4733 event code of the key in row and column.
constexpr std::uint8_t keyAt(std::size_t row, std::size_t column) noexcept {
  constexpr std::array<std::array<std::uint8_t, 4>, 4> kKeypad = {
      {{1, 2, 3, 12}, {4, 5, 6, 13}, {7, 8, 9, 14}, {10, 0, 11, 15}}};
  return kKeypad[row][column];
}

}  // namespace hushpay
