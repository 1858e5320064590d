#include "rtp/reorder_buffer.h"

#include <string.h>

#include <algorithm>
#include <utility>

#include "rtp/wrap.h"

namespace hushpay {
namespace {

ReorderBuffer::Packet lostPacket(double nowMs) noexcept {
  return {.lost = true, .payloadType = 0, .timestamp = 0, .arrivalMs = nowMs, .payload = {}};
}

}  // namespace

void ReorderBuffer::restart(std::uint16_t sequence) noexcept {
  for (Slot& slot : slots_) slot.used = false;
  next_ = sequence;
  history_ = 0;
  waiting_ = 0;
  skipped_ = false;
}

int ReorderBuffer::turnsUntil(std::uint16_t sequence) const noexcept { return ahead(next_, sequence); }

void ReorderBuffer::wipe() noexcept {
  restart(0);
  for (Slot& slot : slots_) explicit_bzero(slot.payload.data(), sizeof slot.payload);
}

ReorderBuffer::Put ReorderBuffer::put(std::uint16_t sequence, std::uint32_t timestamp,
                                      std::uint8_t payloadType, ByteView payload, double nowMs) noexcept {
  const int turns = ahead(next_, sequence);
  if (turns < 0) {
    const bool known = turns >= -64 && ((history_ >> (-turns - 1)) & 1) != 0;
    return known ? Put::kDuplicate : Put::kLate;
  }
  // Too far ahead to wait for what lies between: the oldest are given up, as if the time were over.
  const bool isFull = turns >= static_cast<int>(kSlots);
  for (int excess = turns - static_cast<int>(kSlots) + 1; excess > 0 && waiting_ > 0; excess--)
    advance(false);
  if (ahead(next_, sequence) >= static_cast<int>(kSlots)) restart(sequence);
  skipped_ = skipped_ || isFull;

  Slot& slot = slots_[sequence % kSlots];
  if (slot.used) return Put::kDuplicate;
  slot.used = true;
  slot.payloadType = payloadType;
  slot.timestamp = timestamp;
  slot.arrivalMs = nowMs;
  slot.size = static_cast<std::uint16_t>(std::min(payload.size(), kMaxPayloadSize));
  std::copy_n(payload.begin(), slot.size, slot.payload.begin());
  waiting_++;
  return Put::kStored;
}

std::optional<ReorderBuffer::Packet> ReorderBuffer::take(double nowMs, double holdMs) noexcept {
  if (waiting_ == 0) return std::nullopt;
  if (std::exchange(skipped_, false)) return lostPacket(nowMs);
  const Slot& slot = slots_[next_ % kSlots];
  if (slot.used) {
    const Packet packet{.lost = false,
                        .payloadType = slot.payloadType,
                        .timestamp = slot.timestamp,
                        .arrivalMs = slot.arrivalMs,
                        .payload = ByteView(slot.payload).first(slot.size)};
    advance(true);
    return packet;
  }
  double oldestMs = nowMs;
  for (const Slot& other : slots_) {
    if (other.used) oldestMs = std::min(oldestMs, other.arrivalMs);
  }
  if (nowMs - oldestMs < holdMs) return std::nullopt;
  advance(false);
  return lostPacket(nowMs);
}

bool ReorderBuffer::giveUp() noexcept {
  if (waiting_ == 0) return false;
  while (!slots_[next_ % kSlots].used) advance(false);
  return true;
}

void ReorderBuffer::advance(bool received) noexcept {
  Slot& slot = slots_[next_ % kSlots];
  if (slot.used) waiting_--;
  slot.used = false;
  history_ = (history_ << 1) | (received ? 1 : 0);
  next_++;
}

}  // namespace hushpay
