#include "media/load_meter.h"

#include <doctest/doctest.h>

using namespace hushpay;

TEST_SUITE_BEGIN("load_meter_test");

namespace {
constexpr double kMaxBusy = 0.8;

void run(LoadMeter& meter, int ticks, double busy, double lateMs) {
  for (int i = 0; i < ticks; i++) meter.note(10 * busy, 10, lateMs);
}
}  // namespace

TEST_CASE("a thread is full when it is busy for about a second, not for a moment") {
  LoadMeter meter;
  CHECK_FALSE(meter.isFull(kMaxBusy, 0, 0));
  run(meter, 10, 1, 0);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0, 0));
  run(meter, 300, 1, 0);
  CHECK(meter.isFull(kMaxBusy, 0, 0));
  run(meter, 300, 0.5, 0);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0, 0));
  CHECK(meter.busy() == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("a thread that works and is not let run in time is full") {
  LoadMeter meter;
  run(meter, 300, 0.3, 40);
  CHECK(meter.isFull(kMaxBusy, 0, 0));
  run(meter, 300, 0.3, 1);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0, 0));
}

TEST_CASE("a thread that does little is not full, however late it is: others are to blame") {
  LoadMeter meter;
  run(meter, 300, 0.1, 40);
  CHECK_FALSE(meter.isFull(kMaxBusy, 0, 0));
}

TEST_CASE("what has come in the last seconds and is not measured yet counts as what the others need") {
  LoadMeter meter;
  run(meter, 600, 0.4, 0);
  CHECK_FALSE(meter.isFull(kMaxBusy, 100, 100));
  CHECK_FALSE(meter.isFull(kMaxBusy, 190, 100));
  CHECK(meter.isFull(kMaxBusy, 210, 100));
  // Few legs do not tell what one needs; nor do legs that have gone make room before it is seen.
  CHECK_FALSE(meter.isFull(kMaxBusy, 100, 2));
  CHECK(meter.isFull(kMaxBusy, 600, 2));
  CHECK_FALSE(meter.isFull(kMaxBusy, 50, 100));
}

TEST_CASE("without a limit no thread is full") {
  LoadMeter meter;
  run(meter, 600, 1, 40);
  CHECK_FALSE(meter.isFull(1, 4000, 0));
}

TEST_CASE("a clock that stands still changes nothing") {
  LoadMeter meter;
  meter.note(10, 0, 50);
  CHECK(meter.busy() == 0);
  CHECK(meter.lateMs() == 0);
}

TEST_SUITE_END();
