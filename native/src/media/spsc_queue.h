#pragma once

#include <string.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

namespace hushpay {

/// A bounded queue from one thread to one other, without locks. What has been taken is wiped from its slot.
template <typename Item, std::size_t kCapacity>
requires std::is_trivially_copyable_v<Item> &&(kCapacity > 1) &&
    ((kCapacity & (kCapacity - 1)) == 0) class SpscQueue {
 public:
  /// Producer. @return false if the queue is full
  bool push(const Item& item) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
    (*items_)[tail % kCapacity] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Consumer. @return false if the queue is empty
  bool pop(Item& into) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    Item& slot = (*items_)[head % kCapacity];
    into = slot;
    explicit_bzero(static_cast<void*>(&slot), sizeof slot);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

 private:
  std::unique_ptr<std::array<Item, kCapacity>> items_ = std::make_unique<std::array<Item, kCapacity>>();
  alignas(64) std::atomic<std::size_t> head_{0};
  alignas(64) std::atomic<std::size_t> tail_{0};
};

}  // namespace hushpay
