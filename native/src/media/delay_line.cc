#include "media/delay_line.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace hushpay {
namespace {

constexpr float kQuietRms = 60;  // about -48 dBm0
constexpr int kMaxPitch = 160;

}  // namespace

void DelayLine::push(std::size_t count, Pass pass) noexcept { put(count, nullptr, markOf(pass)); }

void DelayLine::push(std::span<const std::int16_t> values, Pass pass) noexcept {
  put(values.size(), values.data(), pass == Pass::kOpen ? Mark::kOpen : Mark::kClosed);
}

/// @param values  null: there are none, and there never will be
void DelayLine::put(std::size_t count, const std::int16_t* values, Mark mark) noexcept {
  while (count > 0) {
    const std::size_t at = slot(pushed_);
    const std::size_t part = std::min(count, kCapacity - at);
    if (values == nullptr) {
      std::fill_n(&value_[at], part, std::int16_t{0});
    } else {
      std::copy_n(values, part, &value_[at]);
      values += part;
    }
    std::fill_n(&mark_[at], part, mark);
    pushed_ += static_cast<std::int64_t>(part);
    count -= part;
  }
}

void DelayLine::pull(std::span<std::int16_t> values, std::span<Pass> pass) noexcept {
  leave(values, pass);
  if (fading_ > 0) fadeIn(values, pass);
}

void DelayLine::fadeIn(std::span<std::int16_t> values, std::span<const Pass> pass) noexcept {
  for (std::size_t i = 0; i < values.size() && fading_ > 0; i++) {
    const int at = kFade - fading_--;
    if (pass[i] != Pass::kOpen) continue;
    const float share = (static_cast<float>(at) + 0.5F) / kFade;
    const float mixed = share * static_cast<float>(values[i]) +
                        (1 - share) * static_cast<float>(tail_[static_cast<std::size_t>(at)]);
    values[i] = static_cast<std::int16_t>(std::lround(mixed));
  }
}

/// Nobody may ever have what is closed here.
void DelayLine::shut(std::size_t at, std::size_t count, std::span<Pass> pass) noexcept {
  for (std::size_t i = 0; i < count; i++) {
    Mark& mark = mark_[at + i];
    if (mark != Mark::kOpen) value_[at + i] = 0;
    if (mark == Mark::kClosed) mark = Mark::kReplaced;
    pass[i] = static_cast<Pass>(mark);
  }
}

/// What is closed by now stays so.
void DelayLine::leave(std::span<std::int16_t> values, std::span<Pass> pass) noexcept {
  for (std::size_t done = 0; done < values.size();) {
    const std::size_t at = slot(pulled_);
    const std::size_t part = std::min(values.size() - done, kCapacity - at);
    std::memcpy(&pass[done], &mark_[at], part);  // the same values, but for kClosed
    if (!isAllOpen(pass.subspan(done, part))) shut(at, part, pass.subspan(done, part));
    std::copy_n(&value_[at], part, &values[done]);
    pulled_ += static_cast<std::int64_t>(part);
    done += part;
  }
}

void DelayLine::close(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) {
    Mark& mark = mark_[slot(at)];
    mark = mark == Mark::kOpen || mark == Mark::kClosed ? Mark::kClosed : Mark::kReplaced;
  }
  if (from <= pulled_) fading_ = 0;
}

void DelayLine::drop(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) {
    Mark& mark = mark_[slot(at)];
    if (mark == Mark::kOpen) mark = Mark::kMissing;
    if (mark == Mark::kClosed) mark = Mark::kReplaced;
    value_[slot(at)] = 0;
  }
}

void DelayLine::open(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) {
    if (mark_[slot(at)] == Mark::kClosed) mark_[slot(at)] = Mark::kOpen;
  }
}

void DelayLine::grow(int samples) noexcept {
  const std::int64_t from = pushed_ - samples;
  if (from >= pulled_) return;
  // The tail goes on from what was pulled last, one pitch period later.
  int pitch = kFade;
  float best = -1;
  if (pulled_ >= kTemplate + kMaxPitch) {
    for (int lag = kFade; lag <= kMaxPitch; lag++) {
      const float alike = likeness(pulled_ - kTemplate, pulled_ - kTemplate - lag, kTemplate);
      if (alike <= best) continue;
      best = alike;
      pitch = lag;
    }
  }
  for (int i = 0; i < kFade; i++)
    tail_[static_cast<std::size_t>(i)] = pulled_ >= pitch ? at(pulled_ - pitch + i) : std::int16_t{0};
  fading_ = kFade;
  pulled_ = from;
}

void DelayLine::shrink(bool anyway) noexcept {
  const int all = delay();
  if (fading_ > 0 || all == 0 || !(isOpen() || anyway)) return;
  if (anyway || isQuiet()) {
    skip(all);
    return;
  }
  int pitch = 0;
  float best = kAlike;
  for (int lag = kMinPitch; lag + kTemplate <= all; lag++) {
    const float alike = likeness(pulled_, pulled_ + lag, kTemplate);
    if (alike <= best) continue;
    best = alike;
    pitch = lag;
  }
  if (pitch > 0) skip(pitch);
}

void DelayLine::skip(int samples) noexcept {
  for (int i = 0; i < kFade; i++)
    tail_[static_cast<std::size_t>(i)] = i < delay() ? at(pulled_ + i) : at(pushed_ - 1);
  fading_ = kFade;
  std::array<std::int16_t, kCapacity> values;
  std::array<Pass, kCapacity> pass;
  const auto count = static_cast<std::size_t>(samples);
  leave(std::span(values).first(count), std::span(pass).first(count));
  explicit_bzero(values.data(), count * sizeof values[0]);
}

void DelayLine::clear() noexcept {
  for (std::int64_t at = pulled_; at < pushed_; at++) {
    value_[slot(at)] = 0;
    mark_[slot(at)] = Mark::kReplaced;
  }
  fading_ = 0;
}

bool DelayLine::isOpen() const noexcept {
  for (std::int64_t at = pulled_; at < pushed_; at++) {
    if (mark_[slot(at)] != Mark::kOpen) return false;
  }
  return true;
}

bool DelayLine::isQuiet() const noexcept {
  float energy = 0;
  for (std::int64_t at = pulled_; at < pushed_; at++) {
    const float value = this->at(at);
    energy += value * value;
  }
  return energy < kQuietRms * kQuietRms * static_cast<float>(delay());
}

float DelayLine::likeness(std::int64_t one, std::int64_t other, int samples) const noexcept {
  float product = 0;
  float first = 1;
  float second = 1;
  for (int i = 0; i < samples; i++) {
    const float a = at(one + i);
    const float b = at(other + i);
    product += a * b;
    first += a * a;
    second += b * b;
  }
  return product / std::sqrt(first * second);
}

}  // namespace hushpay
