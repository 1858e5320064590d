#include "media/payload_types.h"

#include <algorithm>

namespace hushpay {

void PayloadTypes::change(double nowMs) noexcept {
  for (Entry& entry : entries_) entry.untilMs = std::min(entry.untilMs, nowMs + kUnderWayMs);
}

void PayloadTypes::agree(std::uint8_t type, Codec codec) noexcept {
  auto place = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.type == type && entry.untilMs > 0; });
  if (place == entries_.end()) place = std::ranges::min_element(entries_, {}, &Entry::untilMs);
  *place = {.type = type, .codec = codec, .untilMs = kForever};
}

std::optional<Codec> PayloadTypes::codecOf(std::uint8_t type, double nowMs) const noexcept {
  for (const Entry& entry : entries_) {
    if (entry.type == type && entry.untilMs > nowMs) return entry.codec;
  }
  return std::nullopt;
}

}  // namespace hushpay
