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
std::array<FreeSlots, kSlotBytes.size()> freeSlots;

std::byte* mapLocked(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  madvise(memory, bytes, MADV_DONTDUMP);
  madvise(memory, bytes, MADV_WIPEONFORK);
  mlock(memory, bytes);
  return static_cast<std::byte*>(memory);
}

/// @return the smallest class that holds so much, kSlotBytes.size() if none does
std::size_t classOf(std::size_t bytes) {
  std::size_t sizeClass = 0;
  while (sizeClass < kSlotBytes.size() && kSlotBytes[sizeClass] < bytes) ++sizeClass;
  return sizeClass;
}

void divide(std::byte* region, std::size_t slotBytes, FreeSlots& slots) {
  for (std::size_t at = kRegionBytes; at > 0; at -= slotBytes) slots.push_back(region + at - slotBytes);
}

}  // namespace

std::byte* takeLocked(std::size_t bytes) {
  const std::size_t sizeClass = classOf(bytes);
  if (sizeClass == kSlotBytes.size()) return mapLocked(bytes);
  FreeSlots& slots = freeSlots[sizeClass];
  if (slots.empty()) {
    std::byte* const region = mapLocked(kRegionBytes);
    if (region == nullptr) return nullptr;
    divide(region, kSlotBytes[sizeClass], slots);
  }
  std::byte* const slot = slots.back();
  slots.pop_back();
  return slot;
}

void giveLocked(std::byte* memory, std::size_t bytes) {
  explicit_bzero(memory, bytes);
  const std::size_t sizeClass = classOf(bytes);
  if (sizeClass == kSlotBytes.size())
    munmap(memory, bytes);
  else
    freeSlots[sizeClass].push_back(memory);
}

}  // namespace hushpay
