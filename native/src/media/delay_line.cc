#include "media/delay_line.h"

#include <algorithm>
#include <cmath>

namespace hushpay {
namespace {

constexpr float kQuietRms = 60;  // about -48 dBm0
constexpr int kMaxPitch = 160;

}  // namespace

void DelayLine::push(std::size_t count, Pass pass) noexcept {
  for (std::size_t i = 0; i < count; i++) slot(pushed_++) = {.pass = pass};
}

void DelayLine::push(std::span<const std::int16_t> values, Pass pass) noexcept {
  for (const std::int16_t value : values) slot(pushed_++) = {value, pass, true};
}

void DelayLine::pull(std::span<std::int16_t> values, std::span<Pass> pass) noexcept {
  for (std::size_t i = 0; i < values.size(); i++) {
    const Sample sample = fading_ == 0 ? leave() : fadedIn(leave());
    values[i] = sample.value;
    pass[i] = sample.pass;
  }
}

DelayLine::Sample DelayLine::fadedIn(Sample sample) noexcept {
  const int at = kFade - fading_--;
  if (sample.pass != Pass::kOpen) return sample;
  const float share = (static_cast<float>(at) + 0.5F) / kFade;
  const float mixed = share * static_cast<float>(sample.value) +
                      (1 - share) * static_cast<float>(tail_[static_cast<std::size_t>(at)]);
  return {static_cast<std::int16_t>(std::lround(mixed)), Pass::kOpen};
}

/// What is closed by now stays so.
DelayLine::Sample DelayLine::leave() noexcept {
  Slot& leaving = slot(pulled_++);
  const Sample sample = leaving.out();
  leaving = {.value = sample.value, .pass = sample.pass};
  return sample;
}

void DelayLine::close(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) slot(at).pass = Pass::kReplaced;
  if (from <= pulled_) fading_ = 0;
}

void DelayLine::drop(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) {
    const Pass was = slot(at).pass;
    slot(at) = {.pass = was == Pass::kOpen ? Pass::kMissing : was};
  }
}

void DelayLine::open(std::int64_t from) noexcept {
  for (std::int64_t at = std::max(from, pulled_); at < pushed_; at++) {
    if (slot(at).mayOpen) slot(at).pass = Pass::kOpen;
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
  for (int i = 0; i < samples; i++) leave();
}

void DelayLine::clear() noexcept {
  for (std::int64_t at = pulled_; at < pushed_; at++) slot(at) = {};
  fading_ = 0;
}

bool DelayLine::isOpen() const noexcept {
  for (std::int64_t at = pulled_; at < pushed_; at++) {
    if (slot(at).pass != Pass::kOpen) return false;
  }
  return true;
}

bool DelayLine::isQuiet() const noexcept {
  float energy = 0;
  for (std::int64_t at = pulled_; at < pushed_; at++) {
    const float value = slot(at).out().value;
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
