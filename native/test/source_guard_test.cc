#include "media/source_guard.h"

#include <doctest/doctest.h>

using namespace hushpay;

TEST_SUITE_BEGIN("source_guard_test");

namespace {

const Endpoint kDescribed = *Endpoint::parse("10.0.0.5", 4000);
const Endpoint kOutside = *Endpoint::parse("192.0.2.9", 61000);
const Endpoint kStranger = *Endpoint::parse("198.51.100.1", 5000);
const Endpoint kAnywhere{};

/// A guard of a peer that may be behind a NAT.
struct Nat {
  SourceGuard guard;
  double nowMs = 1000;
  std::uint16_t sequence = 100;

  explicit Nat(const Endpoint& from = kAnywhere) { guard.restart(kDescribed, true, from, nowMs); }

  int accepted(const Endpoint& source, int packets, int step = 1, std::uint32_t ssrc = 7) {
    int count = 0;
    for (int i = 0; i < packets; i++, nowMs += 20) {
      sequence = static_cast<std::uint16_t>(sequence + step);
      count += guard.observe(source, ssrc, sequence, nowMs) ? 1 : 0;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("strict: the described address, nobody else, ever") {
  SourceGuard guard;
  guard.restart(kDescribed, false, kAnywhere, 0);
  for (int i = 0; i < 100; i++) {
    CHECK_FALSE(guard.mayBe(kOutside, i * 20.0));
    CHECK_FALSE(guard.observe(kOutside, 7, static_cast<std::uint16_t>(i), i * 20.0));
    guard.prove(kOutside, i * 20.0);
  }
  CHECK(guard.mayBe(kDescribed, 0));
  CHECK(guard.observe(kDescribed, 7, 1, 0));
  CHECK(isSame(guard.remote(), kDescribed));
}

TEST_CASE("learns where a peer behind a NAT is from five packets in sequence") {
  Nat nat;
  CHECK(nat.accepted(kOutside, 4) == 0);
  CHECK(nat.accepted(kOutside, 10) == 10);
  CHECK(isSame(nat.guard.remote(), kOutside));
}

TEST_CASE("learns nothing from packets out of sequence or of two sources at once") {
  Nat nat;
  CHECK(nat.accepted(kOutside, 50, 2) == 0);
  for (int i = 0; i < 20; i++) {
    CHECK(nat.accepted(kOutside, 1) == 0);
    CHECK(nat.accepted(kStranger, 1, 0) == 0);
  }
  CHECK(isSame(nat.guard.remote(), kDescribed));
}

TEST_CASE("one authenticated packet is enough") {
  Nat nat;
  nat.guard.prove(kOutside, nat.nowMs);
  CHECK(isSame(nat.guard.remote(), kOutside));
}

TEST_CASE("is not led away from a source that is alive") {
  Nat nat;
  nat.accepted(kOutside, 10);
  CHECK(nat.accepted(kStranger, 50) == 0);
  CHECK_FALSE(nat.guard.mayBe(kStranger, nat.nowMs + 60'000));  // nor later, when it has fallen silent
  nat.guard.prove(kStranger, nat.nowMs + 60'000);
  CHECK(isSame(nat.guard.remote(), kOutside));
}

TEST_CASE("the described address wins whenever it sends") {
  Nat nat;
  nat.accepted(kOutside, 10);
  CHECK(nat.accepted(kDescribed, 1) == 1);
  CHECK(isSame(nat.guard.remote(), kDescribed));
  CHECK(nat.accepted(kOutside, 50) == 0);
}

TEST_CASE("follows another port of the same host after a silence") {
  Nat nat;
  nat.accepted(kOutside, 10);
  const Endpoint moved = kOutside.withPort(61001);
  CHECK(nat.accepted(moved, 50) == 0);
  nat.nowMs += SourceGuard::kSilenceMs;
  CHECK(nat.accepted(moved, 10) == 6);
}

TEST_CASE("learns only in the first seconds of a description") {
  Nat nat;
  nat.nowMs += SourceGuard::kLearnMs + 1;
  CHECK(nat.accepted(kOutside, 20) == 0);
  nat.guard.restart(kDescribed.withPort(4002), true, kAnywhere, nat.nowMs);
  CHECK(nat.accepted(kOutside, 20) == 16);
}

TEST_CASE("the same description again leaves what was learned") {
  Nat nat;
  nat.accepted(kOutside, 10);
  nat.guard.restart(kDescribed, true, kAnywhere, nat.nowMs);
  CHECK(isSame(nat.guard.remote(), kOutside));
}

TEST_CASE("learns only from the host it was told") {
  Nat nat(kOutside);
  CHECK(nat.accepted(kStranger, 50) == 0);
  CHECK(nat.accepted(kOutside.withPort(7), 10) == 6);
}

TEST_SUITE_END();
