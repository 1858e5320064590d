#include "media/clamp.h"

#include <string.h>

#include <algorithm>

namespace hushpay {
namespace {

constexpr int kLine = static_cast<int>(Clamp::kLookAhead);
constexpr int kMs = 8;
// After the end of a key: through the gaps of one press, and for as long as the ear of an attacker would go
// on looking for its tail. An alarm that has not been borne out yet ends sooner.
constexpr int kHold = 43 * kMs;
constexpr int kAlarmHold = 5 * kMs;
constexpr int kMaxUnconfirmed = 52 * kMs;  // of an alarm that nothing bears out; fades add some ms
constexpr int kConfirmingHops = 15;        // of a pair that goes on: 30 ms
constexpr int kLikelyHops = 8;             // it may well be a key: hold on as long, but within the limit
constexpr int kLikelyFirmHops = 6;
constexpr int kJudged = kMaxUnconfirmed + kLine;  // what is opened then is all in the line
constexpr int kWary = 50 * kMs;
constexpr int kMaxFrozen = 120 * kMs;    // an end is not looked for in what was not heard
constexpr int kBeforeLoss = 6 * kMs;     // too short for the alarm to have heard a tone begin
constexpr int kFragmentHold = 30 * kMs;  // of a tone that a lost packet has cut: it goes on behind it
constexpr int kDisarmAnyway = 1000 * kMs;
constexpr int kKeying = 5000 * kMs;  // after a key: somebody is keying

}  // namespace

ClampReport& ClampReport::operator+=(const ClampReport& other) noexcept {
  tonePresses += other.tonePresses;
  eventPresses += other.eventPresses;
  otherPresses += other.otherPresses;
  guardEvents += other.guardEvents;
  armedSamples += other.armedSamples;
  clampedSamples += other.clampedSamples;
  missingSamples += other.missingSamples;
  worstResidualDbm0 = std::max(worstResidualDbm0, other.worstResidualDbm0);
  return *this;
}

int Clamp::arm(int waiting) noexcept {
  if (state_ == State::kArmed) return 0;
  if (state_ == State::kDisarming) {
    state_ = State::kArmed;
    line_.grow(kLine);
    return 0;
  }
  state_ = State::kArmed;
  closure_ = {};
  hasClosure_ = false;
  filled_ = 0;
  line_.grow(kLine);
  const bool isDown = down_[0] || down_[1];
  const bool wasPressed = isDown || hasAlarm(std::min(waiting, kMostWaiting) + 2 * kLine);
  if (wasPressed) closeLine(line_.pulled());
  closure_.confirmed = isDown;
  const bool isFree = !wasPressed && waiting <= kMostWaiting && lastPressed_ < line_.pushed() - waiting;
  return isFree ? std::min(waiting, kLine) : waiting;
}

/// Has what left last the beginning of a key in it? The alarm, which has slept, wakes up with it.
bool Clamp::hasAlarm(int samples) noexcept {
  alarm_.wipe();
  bool found = false;
  for (std::int64_t from = line_.pushed() - samples; from < line_.pushed();
       from += static_cast<std::int64_t>(kHop)) {
    for (std::size_t i = 0; i < kHop; i++) hop_[i] = line_.at(from + static_cast<std::int64_t>(i));
    found = alarm_.feed(hop_, {}).alarm || found;
  }
  return found;
}

void Clamp::disarm() noexcept {
  if (state_ != State::kArmed) return;
  state_ = State::kDisarming;
  disarmBy_ = line_.pushed() + kDisarmAnyway;
}

void Clamp::process(std::span<const std::int16_t> in, Heard heard, std::span<std::int16_t> out,
                    std::span<Pass> pass) noexcept {
  if (!armed()) {
    take(heard == Heard::kAudio ? in : in.first(0), out.size(), heard);
    return line_.pull(out, pass);
  }
  if (heard == Heard::kLost && !isClosing()) line_.drop(line_.pushed() - kBeforeLoss);
  // What fills the line before a stream begins was never said.
  const auto unsaid = static_cast<std::size_t>(std::max<std::int64_t>(0, -line_.pulled()));
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t count = std::min(kHop - filled_, out.size() - at);
    take(heard == Heard::kAudio ? in.subspan(at, count) : in.first(0), count, heard);
    line_.pull(out.subspan(at, count), pass.subspan(at, count));
    if (state_ == State::kDisarming && filled_ == 0) tryDisarm();
    at += count;
  }
  meter_.hear(out);
  report_.armedSamples += out.size();
  if (isAllOpen(pass)) return;
  const auto countOf = [&](Pass kind, std::size_t from) {
    return static_cast<std::uint64_t>(std::ranges::count(pass.subspan(std::min(from, pass.size())), kind));
  };
  report_.clampedSamples += countOf(Pass::kReplaced, unsaid);
  report_.missingSamples += countOf(Pass::kMissing, 0);
}

/// Samples of one hop, or of its part.
/// @param in  empty unless it is audio
void Clamp::take(std::span<const std::int16_t> in, std::size_t count, Heard heard) noexcept {
  const std::size_t closed = closedOf(count, heard);
  if (heard == Heard::kAudio) {
    line_.push(in.first(closed), Pass::kReplaced);
    line_.push(in.subspan(closed), Pass::kOpen);
  } else {
    line_.push(closed, Pass::kReplaced);
    line_.push(count - closed, Pass::kMissing);
  }
  if (!armed()) return;
  const auto part = std::span(hop_).subspan(filled_, count);
  if (heard == Heard::kAudio)
    std::ranges::copy(in, part.begin());
  else
    std::ranges::fill(part, std::int16_t{0});
  filled_ += count;
  hopHeard_ = hopHeard_ && heard == Heard::kAudio;
  if (heard == Heard::kEvent) {
    closeLine(line_.pulled());
    closure_.confirmed = true;
    closure_.until = line_.pushed() + kHold;
  }
  if (filled_ == kHop) analyse();
}

/// How many of the next samples are closed as they come.
std::size_t Clamp::closedOf(std::size_t count, Heard heard) const noexcept {
  if (heard != Heard::kAudio && heard != Heard::kLost) return count;
  if (!armed()) return 0;
  if (down_[0] || down_[1]) return count;
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>(closure_.until - line_.pushed(), 0, static_cast<std::int64_t>(count)));
}

/// Looks at a hop that has just entered the line.
void Clamp::analyse() noexcept {
  // A receiver may have put zeros where a packet was lost.
  const bool isZero = std::ranges::all_of(hop_, [](std::int16_t value) { return value == 0; });
  const bool heard = hopHeard_ && !isZero;
  const bool isCut = isZero || isCopy();
  if (isCut && !wasCut_ && alarm_.endsInFragment()) {
    closeLine(line_.pushed() - static_cast<std::int64_t>(kHop) - kBeforeLoss);
    closure_.until = std::max(closure_.until, line_.pushed() + kFragmentHold);
  }
  wasCut_ = isCut;
  const bool isKeying = line_.pushed() < keyingUntil_;
  const ToneAlarm::Verdict verdict =
      alarm_.feed(hop_, {.heard = heard, .follows = hasClosure_, .expected = isKeying});
  filled_ = 0;
  hopHeard_ = true;
  // No farther than the line would reach, had each sample of the hop been pulled already.
  const std::int64_t from = line_.pushed() - std::min(verdict.reach, kLine);
  if (verdict.alarm && (verdict.clear || hasClosure_ || from >= waryUntil_)) {
    closeLine(from);
    if (verdict.another) closure_.begin(from);
    closure_.until = std::max(closure_.until, line_.pushed() + kAlarmHold);
  }
  if (hasClosure_) follow(verdict, heard);
  explicit_bzero(hop_.data(), sizeof hop_);
}

/// A receiver may have repeated a packet where one was lost.
bool Clamp::isCopy() const noexcept {
  constexpr int kPacket = 20 * kMs;
  const std::int64_t from = line_.pushed() - static_cast<std::int64_t>(kHop) - kPacket;
  for (std::size_t i = 0; i < kHop; i++) {
    if (hop_[i] != line_.at(from + static_cast<std::int64_t>(i))) return false;
  }
  return true;
}

/// Closes what is in the line from a position on; a closure that is under way goes on.
void Clamp::closeLine(std::int64_t from) noexcept {
  line_.close(from);
  if (hasClosure_) return;
  hasClosure_ = true;
  closure_ = {.from = std::max(from, line_.pulled()), .until = line_.pushed()};
}

void Clamp::follow(const ToneAlarm::Verdict& verdict, bool heard) noexcept {
  const std::int64_t now = line_.pushed();
  if (verdict.sustained) {
    closure_.sustainedHops++;
    closure_.firmHops += verdict.firm ? 1 : 0;
    closure_.lastHop = now;
    const bool isLikely = closure_.sustainedHops >= kLikelyHops && closure_.firmHops >= kLikelyFirmHops;
    const int hold = closure_.confirmed || isLikely ? kHold : kAlarmHold;
    closure_.until = std::max(closure_.until, now + hold);
  }
  if (!heard && isClosing() && closure_.frozen < kMaxFrozen) {
    closure_.until += static_cast<std::int64_t>(kHop);
    closure_.frozen += static_cast<std::int64_t>(kHop);
  }
  if (down_[0] || down_[1]) closure_.until = std::max(closure_.until, now + 1);
  const int longest = now < closure_.until ? kJudged : kMaxUnconfirmed;
  if (!closure_.confirmed && now >= closure_.from + longest) judge();
  if (now >= closure_.until) endClosure();
}

/// Nobody has counted it, and so long it may be closed: is the pair a key nevertheless?
void Clamp::judge() noexcept {
  constexpr auto kHopSamples = static_cast<std::int64_t>(kHop);
  constexpr int kEdge = 2;  // hops at either end that may not be full of it
  const std::int64_t first = closure_.from + ToneAlarm::kSlack;
  const int ago = static_cast<int>((line_.pushed() - closure_.lastHop) / kHopSamples) + kEdge;
  const int hops =
      std::min(static_cast<int>((closure_.lastHop - first) / kHopSamples) - kEdge, ToneAlarm::kMaxSteadyHops);
  if (hops >= kConfirmingHops && alarm_.isSteady(hops, ago)) {
    closure_.confirmed = true;
    closure_.until = std::max(closure_.until, closure_.lastHop + kHold);
    return;
  }
  line_.open(closure_.from + kMaxUnconfirmed);
  closure_.until = line_.pushed();
}

void Clamp::endClosure() noexcept {
  if (!closure_.counted) report_.guardEvents++;
  if (!closure_.confirmed) {
    alarm_.refuse();
    waryUntil_ = line_.pushed() + kWary;
  }
  hasClosure_ = false;
  closure_ = {};
}

void Clamp::keyDown(KeyCarrier carrier, std::uint8_t key, int samplesAgo) noexcept {
  down_[static_cast<std::size_t>(carrier)] = true;
  lastPressed_ = line_.pushed();
  keyingUntil_ = line_.pushed() + kKeying;
  if (!armed()) return;
  meter_.press(key, samplesAgo - line_.delay());
  (carrier == KeyCarrier::kEvent ? report_.eventPresses : report_.tonePresses)++;
  closeLine(carrier == KeyCarrier::kEvent ? line_.pulled() : line_.pushed() - samplesAgo);
  closure_.confirmed = true;
  closure_.counted = true;
  closure_.until = std::max(closure_.until, line_.pushed() + kAlarmHold);
}

void Clamp::keyUp(KeyCarrier carrier, int samplesAgo) noexcept {
  down_[static_cast<std::size_t>(carrier)] = false;
  lastPressed_ = line_.pushed() - samplesAgo;
  keyingUntil_ = lastPressed_ + kKeying;
  if (!armed()) return;
  meter_.release(samplesAgo - line_.delay());
  if (!hasClosure_) return;
  closure_.until = std::max(closure_.until, line_.pushed() - samplesAgo + kHold);
}

void Clamp::cover(int samples) noexcept {
  keyingUntil_ = line_.pushed() + kKeying;
  if (!armed()) return;
  report_.otherPresses++;
  closeLine(line_.pulled());
  closure_.confirmed = true;
  closure_.counted = true;
  closure_.until = std::max(closure_.until, line_.pushed() + samples);
}

/// Looks for a place where the delay goes unheard.
void Clamp::tryDisarm() noexcept {
  if (hasClosure_ || down_[0] || down_[1]) return;
  line_.shrink(line_.pushed() >= disarmBy_);
  if (line_.delay() == 0) state_ = State::kDisarmed;
}

ClampReport Clamp::report() const noexcept {
  ClampReport report = report_;
  report.worstResidualDbm0 = meter_.worstDbm0();
  return report;
}

void Clamp::reset() noexcept {
  line_.clear();
  alarm_.wipe();
  filled_ = 0;
  hopHeard_ = true;
  down_ = {};
  meter_.release(0);
}

void Clamp::wipe() noexcept {
  explicit_bzero(static_cast<void*>(this), sizeof *this);
  meter_.wipe();
}

}  // namespace hushpay
