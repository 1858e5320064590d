#include "media/port_pool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <random>
#include <set>

using namespace hushpay;

TEST_SUITE_BEGIN("port_pool_test");

namespace {

Endpoint loopback() { return *Endpoint::parse("127.0.0.1", 0); }

/// First of a range that is free as a whole at this moment.
std::uint16_t freeRange(std::uint16_t pairs) {
  std::mt19937 random(std::random_device{}());
  for (;;) {
    const auto first = static_cast<std::uint16_t>(10'000 + 2 * (random() % 20'000));
    PortPool pool(first, static_cast<std::uint16_t>(first + 2 * pairs - 1), 0);
    std::vector<SocketPair> held;
    while (held.size() < pairs) {
      auto pair = pool.open(loopback(), 0);
      if (!pair) break;
      held.push_back(std::move(*pair));
    }
    if (held.size() == pairs) return first;
  }
}

}  // namespace

TEST_CASE("gives out every pair once, even ports only") {
  const std::uint16_t first = freeRange(4);
  PortPool pool(first, static_cast<std::uint16_t>(first + 7), 1000);
  CHECK(pool.free(0) == 4);
  std::vector<SocketPair> held;
  std::set<int> ports;
  while (auto pair = pool.open(loopback(), 0)) {
    CHECK(pair->port() % 2 == 0);
    ports.insert(pair->port());
    held.push_back(std::move(*pair));
    REQUIRE(held.size() <= 4);
  }
  CHECK(ports.size() == 4);
  CHECK(pool.free(0) == 0);
}

TEST_CASE("a closed pair rests") {
  const std::uint16_t first = freeRange(1);
  PortPool pool(first, static_cast<std::uint16_t>(first + 1), 1000);
  { CHECK(pool.open(loopback(), 0)); }
  pool.giveBack(first, 100);
  CHECK_FALSE(pool.open(loopback(), 1099));
  CHECK(pool.free(1100) == 1);
  CHECK(pool.open(loopback(), 1100));
}

TEST_CASE("passes over a pair that another program holds, and tries it again later") {
  const std::uint16_t first = freeRange(1);
  PortPool other(first, static_cast<std::uint16_t>(first + 1), 0);
  PortPool pool(first, static_cast<std::uint16_t>(first + 1), 1000);
  {
    const auto held = other.open(loopback(), 0);
    REQUIRE(held);
    CHECK_FALSE(pool.open(loopback(), 0));
  }
  CHECK_FALSE(pool.open(loopback(), 999));
  CHECK(pool.open(loopback(), 1000));
}

TEST_CASE("no pair rests because the process may open no more files") {
  const std::uint16_t first = freeRange(2);
  PortPool pool(first, static_cast<std::uint16_t>(first + 3), 1000);
  const int lowestFree = open("/dev/null", O_RDONLY);
  close(lowestFree);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(lowestFree), .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = pool.open(loopback(), 0);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_FALSE(refused);
  CHECK(pool.isOutOfSockets());
  CHECK(pool.free(0) == 2);
  CHECK(pool.open(loopback(), 0));
}

TEST_CASE("addresses are compared whole") {
  CHECK(isSame(*Endpoint::parse("10.0.0.1", 5), *Endpoint::parse("10.0.0.1", 5)));
  CHECK_FALSE(isSame(*Endpoint::parse("10.0.0.1", 5), *Endpoint::parse("10.0.0.1", 6)));
  CHECK_FALSE(isSame(*Endpoint::parse("10.0.0.1", 5), *Endpoint::parse("10.0.0.2", 5)));
  CHECK(isSame(*Endpoint::parse("2001:db8::1", 5), *Endpoint::parse("2001:db8:0::1", 5)));
  CHECK_FALSE(isSame(*Endpoint::parse("::1", 5), *Endpoint::parse("127.0.0.1", 5)));
  CHECK_FALSE(Endpoint::parse("example.com", 5));
  CHECK_FALSE(Endpoint::parse("", 5));
  for (const char* address : {"0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.255", "ff02::1",
                              "::", "169.254.1.1", "fe80::1", "0.1.2.3"}) {
    CAPTURE(address);
    CHECK_FALSE(Endpoint::parse(address, 5)->isHost());
  }
  CHECK(Endpoint::parse("192.0.2.1", 5)->isHost());
}

TEST_SUITE_END();
