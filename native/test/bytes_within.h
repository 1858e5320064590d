#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

namespace hushpay {

/// Does an object's own memory hold these bytes of a value anywhere?
template <typename Object, typename Value>
bool isWithin(const Object& object, const Value& value) {
  const std::span memory(reinterpret_cast<const std::uint8_t*>(&object), sizeof object);
  const auto wanted = std::bit_cast<std::array<std::uint8_t, sizeof value>>(value);
  return std::search(memory.begin(), memory.end(), wanted.begin(), wanted.end()) != memory.end();
}

}  // namespace hushpay
