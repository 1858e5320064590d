#include "media/spsc_queue.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <thread>

using namespace hushpay;

TEST_SUITE_BEGIN("spsc_queue_test");

namespace {

struct Item {
  std::uint64_t number;
  std::uint64_t check;
};

}  // namespace

TEST_CASE("a full queue takes nothing more until something has been taken") {
  SpscQueue<Item, 4> queue;
  for (std::uint64_t i = 0; i < 4; i++) CHECK(queue.push({i, ~i}));
  CHECK_FALSE(queue.push({4, 0}));
  Item item{};
  REQUIRE(queue.pop(item));
  CHECK(item.number == 0);
  CHECK(queue.push({4, 0}));
  for (std::uint64_t i = 1; i <= 4; i++) {
    REQUIRE(queue.pop(item));
    CHECK(item.number == i);
  }
  CHECK_FALSE(queue.pop(item));
}

TEST_CASE("what one thread puts in another takes out, whole and in order") {
  constexpr std::uint64_t kItems = 200'000;
  SpscQueue<Item, 64> queue;
  std::thread producer([&] {
    for (std::uint64_t i = 0; i < kItems;) {
      if (queue.push({i, ~i}))
        i++;
      else
        std::this_thread::yield();
    }
  });
  std::uint64_t next = 0;
  std::uint64_t wrong = 0;
  while (next < kItems) {
    Item item{};
    if (!queue.pop(item)) {
      std::this_thread::yield();
      continue;
    }
    if (item.number != next || item.check != ~next) wrong++;
    next++;
  }
  producer.join();
  CHECK(wrong == 0);
}

TEST_SUITE_END();
