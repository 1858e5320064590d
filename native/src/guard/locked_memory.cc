#include "locked_memory.h"

#include <string.h>
#include <sys/mman.h>

#include <array>
#include <vector>

namespace hushpay {

namespace {

constexpr std::size_t kRegionBytes = 256 * 1024;
// The keys of a session, and a message to or from a gateway.
constexpr std::array<std::size_t, 2> kSlotBytes{256, 16 * 1024};

using FreeSlots = std::vector<std::byte*>;
std::array<FreeSlots, kSlotBytes.size()> free_slots;

std::byte* MapLocked(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_DONTDUMP);
  madvise(memory, bytes, MADV_WIPEONFORK);
  mlock(memory, bytes);
  return static_cast<std::byte*>(memory);
}

/// @return the smallest class that holds so much, kSlotBytes.size() if none does
std::size_t ClassOf(std::size_t bytes) {
  std::size_t size_class = 0;
  while (size_class < kSlotBytes.size() && kSlotBytes[size_class] < bytes) ++size_class;
  return size_class;
}

void Divide(std::byte* region, std::size_t slot_bytes, FreeSlots& slots) {
  for (std::size_t at = kRegionBytes; at > 0; at -= slot_bytes) slots.push_back(region + at - slot_bytes);
}

}  // namespace

std::byte* TakeLocked(std::size_t bytes) {
  const std::size_t size_class = ClassOf(bytes);
  if (size_class == kSlotBytes.size()) return MapLocked(bytes);
  FreeSlots& slots = free_slots[size_class];
  if (slots.empty()) {
    std::byte* const region = MapLocked(kRegionBytes);
    if (region == nullptr) return nullptr;
    Divide(region, kSlotBytes[size_class], slots);
  }
  std::byte* const slot = slots.back();
  slots.pop_back();
  return slot;
}

void GiveLocked(std::byte* memory, std::size_t bytes) {
  explicit_bzero(memory, bytes);
  const std::size_t size_class = ClassOf(bytes);
  if (size_class == kSlotBytes.size())
    munmap(memory, bytes);
  else
    free_slots[size_class].push_back(memory);
}

}  // namespace hushpay
