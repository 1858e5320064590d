#include "media/shared_port.h"

#include <algorithm>
#include <cstring>

namespace hushpay {

std::uint64_t SharedPort::tagOf(const Endpoint& endpoint) noexcept {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  if (endpoint.size == 0) return kNobody;
  if (endpoint.family() != AF_INET6)
    return std::uint64_t{endpoint.storage.v4.sin_addr.s_addr} << 16 | endpoint.port();
  std::array<std::uint64_t, 2> halves;
  std::memcpy(halves.data(), &endpoint.storage.v6.sin6_addr, sizeof halves);
  return (halves[0] * kFactor ^ halves[1]) * kFactor ^ endpoint.port();
}

bool SharedPort::claim(std::uint32_t session, const Endpoint& rtp) {
  const std::uint64_t tag = tagOf(rtp);
  const bool isTaken = std::ranges::any_of(addresses_, [&](const auto& each) {
    return each.second == tag && each.first != session && tag != kNobody;
  });
  if (!isTaken) addresses_[session] = tag;
  return !isTaken;
}

void SharedPort::place(Leg& leg, const Endpoint& rtp, const Endpoint& rtcp) noexcept {
  rtp_.erase(leg);
  rtcp_.erase(leg);
  rtp_.put(tagOf(rtp), leg);
  rtcp_.put(tagOf(rtcp), leg);
}

bool SharedPort::remove(const Leg& leg) noexcept {
  rtp_.erase(leg);
  rtcp_.erase(leg);
  return --legs_ == 0;
}

std::size_t SharedPort::Table::slotOf(std::uint64_t tag) noexcept {
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  return tag * kFactor >> 32 & (kSlots - 1);
}

void SharedPort::Table::put(std::uint64_t tag, Leg& leg) noexcept {
  if (tag == kNobody) return;
  std::size_t slot = slotOf(tag);
  while (entries_[slot].tag != kNobody && entries_[slot].tag != tag) slot = (slot + 1) % kSlots;
  entries_[slot] = {.tag = tag, .leg = &leg};
}

Leg* SharedPort::Table::find(std::uint64_t tag) const noexcept {
  std::size_t slot = slotOf(tag);
  while (entries_[slot].tag != kNobody && entries_[slot].tag != tag) slot = (slot + 1) % kSlots;
  return entries_[slot].leg;
}

/// What was moved on by the entry finds its place anew.
void SharedPort::Table::erase(const Leg& leg) noexcept {
  const auto before = entries_;
  if (std::ranges::none_of(before, [&](const Entry& entry) { return entry.leg == &leg; })) return;
  entries_ = {};
  for (const Entry& entry : before) {
    if (entry.leg != nullptr && entry.leg != &leg) put(entry.tag, *entry.leg);
  }
}

}  // namespace hushpay
