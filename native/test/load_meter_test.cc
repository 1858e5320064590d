#include "media/load_meter.h"

#include <doctest/doctest.h>

using namespace hushpay;

TEST_SUITE_BEGIN("load_meter_test");

namespace {
constexpr double kMaxBusy = 0.8;

void run(LoadMeter& meter, int ticks, double busy, double lateMs, LegsAtWork legs = {}) {
  for (int i = 0; i < ticks; i++) meter.note(10 * busy, 10, lateMs, legs);
}
}  // namespace

TEST_CASE("a thread is full when it is busy for about a second, not for a moment") {
  LoadMeter meter;
  CHECK_FALSE(meter.isFull(kMaxBusy, 0));
  run(meter, 10, 1, 0);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0));
  run(meter, 300, 1, 0);
  CHECK(meter.isFull(kMaxBusy, 0));
  run(meter, 300, 0.5, 0);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0));
  CHECK(meter.busy() == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("a thread that works and is not let run in time is full") {
  LoadMeter meter;
  run(meter, 300, 0.3, 40);
  CHECK(meter.isFull(kMaxBusy, 0));
  run(meter, 300, 0.3, 1);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0));
}

TEST_CASE("a thread that does little is not full, however late it is: others are to blame") {
  LoadMeter meter;
  run(meter, 300, 0.1, 40);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0));
}

TEST_CASE("what was let in and is not heard yet counts as what the others need, and half as much again") {
  LoadMeter meter;
  run(meter, 600, 0.4, 0, {.heard = 100, .settled = 100});
  CHECK_FALSE(meter.isFull(kMaxBusy, 100));
  CHECK_FALSE(meter.isFull(kMaxBusy, 166));
  CHECK(meter.isFull(kMaxBusy, 167));
  // Nor do legs that have gone make room before it is seen.
  CHECK_FALSE(meter.isFull(kMaxBusy, 50));
}

TEST_CASE("what a leg needs is told at once by those that come together, though the means take a second") {
  LoadMeter meter;
  run(meter, 600, 0.2, 0, {.heard = 50, .settled = 50});
  CHECK_FALSE(meter.isFull(kMaxBusy, 140));
  for (const int ticks : {0, 10, 30, 100, 400}) {
    run(meter, ticks, 0.56, 0, {.heard = 140, .settled = 140});
    CAPTURE(ticks);
    CHECK_FALSE(meter.isFull(kMaxBusy, 140));
    CHECK(meter.isFull(kMaxBusy, 205));
  }
}

TEST_CASE("legs that stay silent cost nothing, and few tell little of what one costs") {
  LoadMeter meter;
  run(meter, 600, 0.4, 0, {.heard = 100, .settled = 4000});
  CHECK_FALSE(meter.isFull(kMaxBusy, 4000));
  CHECK(meter.isFull(kMaxBusy, 4100));
  LoadMeter young;
  run(young, 600, 0.4, 0, {.heard = 2, .settled = 2});
  CHECK_FALSE(young.isFull(kMaxBusy, 100));
  CHECK(young.isFull(kMaxBusy, 300));
}

TEST_CASE("without a limit no thread is full") {
  LoadMeter meter;
  run(meter, 600, 1, 40);
  CHECK_FALSE(meter.isFull(1, 4000));
}

TEST_CASE("a clock that stands still changes nothing") {
  LoadMeter meter;
  meter.note(10, 0, 50, {});
  CHECK(meter.busy() == 0);
  CHECK(meter.lateMs() == 0);
}

TEST_SUITE_END();
