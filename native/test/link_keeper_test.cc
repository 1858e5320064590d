#include "media/link_keeper.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>

#include "media/board.h"
#include "media/port_pool.h"

using namespace hushpay;

TEST_SUITE_BEGIN("link_keeper_test");

namespace {

LinkWish wishFor(std::uint8_t key) {
  LinkWish wish;
  wish.rtp = wish.rtcp = *Endpoint::parse("127.0.0.1", 4000);
  wish.srtp.emplace();
  wish.srtp->send.bytes.fill(key);
  wish.srtp->receive.bytes.fill(static_cast<std::uint8_t>(key + 1));
  return wish;
}

LinkWish plainWish() {
  LinkWish wish = wishFor(0);
  wish.srtp.reset();
  return wish;
}

/// A leg no media thread has heard of: no change of its link ever gets there.
struct Keeper {
  Board board{-1, 1};
  Engine engine{board};
  LinkKeeper links{engine};
  std::unique_ptr<Leg> leg;

  Keeper() {
    std::random_device random;
    const auto first = static_cast<std::uint16_t>(2 * (5000 + random() % 24'000));
    PortPool pool(first, static_cast<std::uint16_t>(first + 199), 0);
    const Endpoint local = *Endpoint::parse("127.0.0.1", 0);
    auto sockets = pool.open(local, 0, 1);
    REQUIRE(sockets.has_value());
    const StreamSeed seed{.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"name"}};
    leg = std::make_unique<Leg>(1, std::move(*sockets), nullptr, local, seed, *board.claim(1), 0, engine,
                                links, engine.outbox());
  }
};

}  // namespace

TEST_CASE("a key that is still held goes on with its counters, whatever was wished for meanwhile") {
  Keeper keeper;
  const Link first = keeper.links.arrange(*keeper.leg, wishFor(1), 0);
  REQUIRE(first.sender != nullptr);
  for (const LinkWish& between : {plainWish(), wishFor(3)}) {
    const Link other = keeper.links.arrange(*keeper.leg, between, 0);
    CHECK(other.sender != first.sender);
    CHECK(other.receiver != first.receiver);
    const Link again = keeper.links.arrange(*keeper.leg, wishFor(1), 0);
    CHECK(again.sender == first.sender);
    CHECK(again.receiver == first.receiver);
    CHECK(again.generation != other.generation);
  }
}

TEST_CASE("a direction keeps what belongs to its key when the other's changes") {
  Keeper keeper;
  const Link first = keeper.links.arrange(*keeper.leg, wishFor(1), 0);
  LinkWish wish = wishFor(1);
  wish.srtp->receive.bytes.fill(9);
  const Link second = keeper.links.arrange(*keeper.leg, wish, 0);
  CHECK(second.sender == first.sender);
  CHECK(second.receiver != first.receiver);
  const Link third = keeper.links.arrange(*keeper.leg, wishFor(1), 0);
  CHECK(third.sender == first.sender);
  CHECK(third.receiver == first.receiver);
}

TEST_SUITE_END();
