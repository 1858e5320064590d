#include "media/press_pairs.h"

#include <string.h>

#include <algorithm>
#include <cmath>

namespace hushpay {
namespace {

// Events are cut from the audio and begin 20 to 100 ms behind it; now and then before it.
constexpr double kLeastLagMs = -120;
constexpr double kMostLagMs = 150;
constexpr double kGapMs = 40;         // a shorter pause does not part two presses (ES 201 235-3)
constexpr double kSameLengthMs = 25;  // by so much two carriers may differ on how long one press was
constexpr double kTailMs = 90;        // behind an event: its three ends take 60 ms, then what leaks follows
constexpr double kUnsureMs = 100;
constexpr double kAfterMs = 30;       // of an onset that is cut off
constexpr double kRememberMs = 5000;  // a carrier is held up for less

}  // namespace

PressPairs::Verdict PressPairs::down(KeyCarrier carrier, std::uint8_t key, double onsetMs,
                                     double otherUntilMs) noexcept {
  Track& own = of(carrier);
  Track& other = otherOf(carrier);
  Press& latest = other.presses[other.current];
  // A tone reaches as far as it has been heard while it is down; an event may be heard of after its end.
  if (latest.open || carrier == KeyCarrier::kTone) latest.endMs = std::max(latest.endMs, otherUntilMs);
  const Press press{
      .used = true, .open = true, .mate = kNone, .key = key, .onsetMs = onsetMs, .endMs = onsetMs};
  if (goesOn(press, carrier)) {
    own.presses[own.current].open = true;
    return {.kind = Kind::kPart, .onsetMs = own.presses[own.current].onsetMs};
  }
  const int mate = partnerOf(press, carrier);
  const int whole = mate == kNone ? wholeOf(press, carrier) : kNone;
  own.current = own.count++ % kPresses;
  own.presses[own.current] = press;
  if (whole != kNone) {
    own.presses[own.current].mate = whole;  // so that it is nobody else's; the whole keeps its own
    return {.kind = Kind::kPart, .onsetMs = other.presses[static_cast<std::size_t>(whole)].onsetMs};
  }
  if (mate == kNone) return {.kind = Kind::kFirst, .onsetMs = onsetMs};
  Press& first = other.presses[static_cast<std::size_t>(mate)];
  first.mate = static_cast<int>(own.current);
  own.presses[own.current].mate = mate;
  return {.kind = Kind::kSecond, .onsetMs = first.onsetMs};
}

void PressPairs::up(KeyCarrier carrier, double endMs) noexcept {
  Track& own = of(carrier);
  Press& press = own.presses[own.current];
  press.open = false;
  press.endMs = std::max(press.endMs, endMs);
  forgetsAtMs_ = std::min(forgetsAtMs_, press.endMs + kRememberMs);
}

/// Which keys were pressed, and in what order, must not be found here for longer than it is of use.
void PressPairs::forget(double nowMs) noexcept {
  forgetsAtMs_ = std::numeric_limits<double>::infinity();
  for (Track& track : tracks_) {
    for (std::size_t i = 0; i < kPresses; i++) {
      Press& press = track.presses[i];
      const bool isDown = press.open && i == track.current;
      if (!press.used || isDown) continue;
      const double untilMs = press.endMs + kRememberMs;
      if (nowMs < untilMs) {
        forgetsAtMs_ = std::min(forgetsAtMs_, untilMs);
        continue;
      }
      if (&track == &of(KeyCarrier::kTone) && i == track.current) isToneHeld_ = false;
      explicit_bzero(static_cast<void*>(&press), sizeof press);
      press.mate = kNone;
    }
  }
}

/// The nearest press of the other carrier that has no report of this one yet and fits.
int PressPairs::partnerOf(const Press& press, KeyCarrier carrier) noexcept {
  const Track& other = otherOf(carrier);
  int best = kNone;
  double bestMs = 1e9;
  for (std::size_t i = 0; i < kPresses; i++) {
    const Press& each = other.presses[i];
    if (!each.used || each.key != press.key || each.mate != kNone) continue;
    const double laterMs = press.onsetMs - each.onsetMs;
    const double lagMs = carrier == KeyCarrier::kEvent ? laterMs : -laterMs;
    const double reachMs = each.endMs + (carrier == KeyCarrier::kTone ? kTailMs : kGapMs);
    const bool isInside = laterMs >= 0 && press.onsetMs <= reachMs;
    if (!isInside && (lagMs < kLeastLagMs || lagMs > kMostLagMs)) continue;
    if (std::abs(laterMs) >= bestMs) continue;
    bestMs = std::abs(laterMs);
    best = static_cast<int>(i);
  }
  return best;
}

/// A press of the other carrier that holds this one beside a report of this carrier that is too short for it.
/// One as long as it explains it: what begins inside belongs to the next press then, whose other report lags.
int PressPairs::wholeOf(const Press& press, KeyCarrier carrier) noexcept {
  const Track& own = of(carrier);
  const Track& other = otherOf(carrier);
  for (std::size_t i = 0; i < kPresses; i++) {
    const Press& each = other.presses[i];
    if (!each.used || each.key != press.key || each.mate == kNone) continue;
    const double slackMs = carrier == KeyCarrier::kTone ? kTailMs : 0;
    if (press.onsetMs <= each.onsetMs || press.onsetMs > each.endMs + slackMs) continue;
    const Press& before = own.presses[static_cast<std::size_t>(each.mate)];
    const bool isExplained = before.endMs - before.onsetMs >= each.endMs - each.onsetMs - kSameLengthMs;
    if (before.mate == static_cast<int>(i) && !isExplained) return static_cast<int>(i);
  }
  return kNone;
}

void PressPairs::interrupted(double afterMs) noexcept {
  const Track& tones = of(KeyCarrier::kTone);
  const bool isOpen = tones.presses[tones.current].open;
  // The next loss may come before the tone behind this one is sure.
  const bool isNext = isToneHeld_ && afterMs - lastAfterMs_ < kUnsureMs;
  if (!isNext) firstAfterMs_ = afterMs;
  lastAfterMs_ = afterMs;
  isToneHeld_ = isNext || isOpen;
}

/// Is it the tone that was down when the stream was interrupted? The detector has begun anew then;
/// telephone-events know it by themselves.
bool PressPairs::goesOn(const Press& press, KeyCarrier carrier) noexcept {
  if (carrier != KeyCarrier::kTone || !isToneHeld_) return false;
  isToneHeld_ = false;
  const Track& tones = of(carrier);
  const bool isBehind = press.onsetMs >= firstAfterMs_ - kAfterMs && press.onsetMs <= lastAfterMs_ + kAfterMs;
  return isBehind && tones.presses[tones.current].key == press.key;
}

void PressPairs::wipe() noexcept { explicit_bzero(static_cast<void*>(tracks_.data()), sizeof tracks_); }

}  // namespace hushpay
