#include "media/voice.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "dsp/dtmf.h"

namespace hushpay {
namespace {

constexpr std::size_t kStretch = Clamp::kLookAhead;
constexpr float kLevelSmoothing = 0.2F;
constexpr float kSamplesPerMs = 8;
constexpr std::size_t kFadeSamples = 40;  // after which nothing is left of the step that ClampFill smooths

float meanSquare(std::span<const std::int16_t> samples) noexcept {
  float energy = 0;
  for (const std::int16_t sample : samples) energy += static_cast<float>(sample) * static_cast<float>(sample);
  return energy / static_cast<float>(samples.size());
}

}  // namespace

Voice::~Voice() {
  leave();
  clamp_.wipe();
  fill_.wipe();
}

void Voice::serve(std::span<const Hearing> listeners) noexcept {
  const bool wasClamped = wantsClamped_;
  wantsClamped_ = false;
  wantsMode_ = {};
  std::size_t open = 0;
  for (const Hearing& hearing : listeners) {
    if (hearing.access == Access::kOpen) open++;
    if (hearing.access != Access::kClamped) continue;
    wantsClamped_ = true;
    wantsMode_[indexOf(hearing.mode)] = true;
    wasShut_ = true;  // its fill knows nothing of what was heard before
  }
  wantsOpen_ = open > 0;
  lettingIn_ = wantsClamped_ && wasClamped && (lettingIn_ || open > openListeners_);
  openListeners_ = open;
  if (wantsClamped_ && !wasClamped) {
    const bool wasArmed = clamp_.armed();
    const int unheard = clamp_.arm(static_cast<int>(playout_.level()));
    if (!wasArmed) playout_.closeWaiting(static_cast<std::size_t>(unheard));
  }
  if (!wantsClamped_ && wasClamped) clamp_.disarm();
}

void Voice::hear(std::span<const std::int16_t> samples, Heard what) noexcept {
  std::array<std::int16_t, kStretch> clean;
  std::array<std::int16_t, kStretch> raw;
  std::array<Pass, kStretch> pass;
  for (std::size_t at = 0; at < samples.size(); at += kStretch) {
    const std::size_t count = std::min(kStretch, samples.size() - at);
    const auto stretch = samples.subspan(at, count);
    const auto cleanPart = std::span(clean).first(count);
    const auto rawPart = std::span(raw).first(count);
    const auto passPart = std::span(pass).first(count);
    clamp_.process(stretch, what, cleanPart, passPart);
    delayRaw(stretch, rawPart);
    fill_.learn(cleanPart, passPart);
    playout_.push(cleanPart, rawPart, passPart);
  }
  explicit_bzero(raw.data(), sizeof raw);
}

void Voice::hearDirect(std::span<const std::int16_t> samples, Heard what) noexcept {
  count_ = samples.size();
  std::array<Pass, Playout::kMaxBlock> passes;
  std::array<std::int16_t, Playout::kMaxBlock> raw;
  const auto pass = std::span(passes).first(count_);
  const auto clean = std::span(clean_).first(count_);
  clamp_.process(samples, what, clean, pass);
  delayRaw(samples, std::span(raw).first(count_));
  fill_.learn(clean, pass);
  playout_.through({.clean = clean, .raw = {}, .pass = pass});
  openIsRaw_ = false;
  finish(clean, pass);
  explicit_bzero(raw.data(), sizeof raw);
}

void Voice::leaveOut(std::size_t count) noexcept {
  static constexpr std::array<std::int16_t, kStretch> kNothing{};
  std::array<std::int16_t, kStretch> out;
  std::array<Pass, kStretch> pass;
  for (std::size_t done = 0; done < count; done += kStretch) {
    const std::size_t part = std::min(kStretch, count - done);
    clamp_.process(std::span(kNothing).first(part), Heard::kLost, std::span(out).first(part),
                   std::span(pass).first(part));
    delayRaw(std::span(kNothing).first(part), std::span(out).first(part));
  }
}

void Voice::delayRaw(std::span<const std::int16_t> in, std::span<std::int16_t> out) noexcept {
  const auto count = static_cast<std::ptrdiff_t>(in.size());  // no more than the line holds
  if (clamp_.armed())
    std::copy_n(rawLine_.begin(), count, out.begin());
  else
    std::ranges::copy(in, out.begin());
  std::copy(rawLine_.begin() + count, rawLine_.end(), rawLine_.begin());
  std::ranges::copy(in, rawLine_.end() - count);
}

void Voice::breakOff() noexcept {
  clamp_.reset();
  keyDown_ = {};
}

void Voice::render(std::size_t count) noexcept {
  count_ = count;
  std::array<Pass, Playout::kMaxBlock> passes;
  const auto pass = std::span(passes).first(count);
  const auto clean = std::span(clean_).first(count);
  openIsRaw_ = wantsClamped_ && !lettingIn_;
  const bool needsRaw = openIsRaw_ && wantsOpen_;
  playout_.empty(way_.isWanted());
  playout_.pull({.clean = clean, .raw = std::span(raw_).first(needsRaw ? count : 0), .pass = pass});
  finish(clean, pass);
  if (!wasShut_ && !isKey()) lettingIn_ = false;
}

/// Makes a block of every way of listening that is wanted.
void Voice::finish(std::span<std::int16_t> clean, std::span<const Pass> pass) noexcept {
  const bool isShut = !isAllOpen(pass);
  for (std::size_t mode = 0; mode < kModes; mode++) {
    if (!wantsMode_[mode]) continue;
    std::ranges::copy(clean, filled_[mode].begin());
    if (isShut || wasShut_)
      fill_.fill(static_cast<ClampMode>(mode), std::span(filled_[mode]).first(count_), pass);
    else
      fill_.pass(static_cast<ClampMode>(mode), clean.back());
  }
  // Disarmed, but still closed here and there until the delay is out; or somebody is being let in.
  if (!wantsClamped_ || (lettingIn_ && wantsOpen_)) fillClean(clean, pass, isShut);
  wasShut_ = isShut || (wasShut_ && count_ < kFadeSamples);
  measure(clean, pass);
}

void Voice::fillClean(std::span<std::int16_t> clean, std::span<const Pass> pass, bool isShut) noexcept {
  constexpr auto kMode = ClampMode::kComfortNoise;
  if (wantsMode_[indexOf(kMode)])
    std::ranges::copy(std::span(filled_[indexOf(kMode)]).first(count_),
                      clean.begin());  // filled once a block
  else if (isShut || wasShut_)
    fill_.fill(kMode, clean, pass);
  else
    fill_.pass(kMode, clean.back());
}

std::span<const std::int16_t> Voice::block(const Hearing& hearing) const noexcept {
  if (hearing.access == Access::kClamped) return std::span(filled_[indexOf(hearing.mode)]).first(count_);
  return std::span(openIsRaw_ ? raw_ : clean_).first(count_);
}

void Voice::measure(std::span<const std::int16_t> samples, std::span<const Pass> pass) noexcept {
  const bool isSpeech = isAllOpen(pass) && !isKey();
  keyTail_ -= std::min(keyTail_, samples.size());
  if (isSpeech) level_ += (meanSquare(samples) - level_) * kLevelSmoothing;
  levels_[oldest_] = level_;
  oldest_ = (oldest_ + 1) % kLevels;
  constexpr float kFullScale = 32767.0F * 32767.0F / 2;
  const float dbm0 = 10 * std::log10(level_ / kFullScale + 1e-12F) + static_cast<float>(kFullScaleDbm0);
  levelDbm0_.store(std::max(dbm0, VoiceFigures::kFaintest), std::memory_order_relaxed);
  delaySamples_.store(playout_.delaySamples(), std::memory_order_relaxed);
  concealed_.store(playout_.figures().concealed, std::memory_order_relaxed);
  discarded_.store(playout_.figures().discarded, std::memory_order_relaxed);
}

VoiceFigures Voice::figures() const noexcept {
  return {.levelDbm0 = levelDbm0_.load(std::memory_order_relaxed),
          .delayMs = delaySamples_.load(std::memory_order_relaxed) / kSamplesPerMs,
          .concealedMs = concealed_.load(std::memory_order_relaxed) / 8,
          .discardedMs = discarded_.load(std::memory_order_relaxed) / 8};
}

void Voice::prefetch() const noexcept {
  clamp_.prefetch();
  fill_.prefetch();
  playout_.prefetch();
  const auto* begin = reinterpret_cast<const char*>(&way_);
  hushpay::prefetch(begin, static_cast<std::size_t>(reinterpret_cast<const char*>(this + 1) - begin));
}

void Voice::leave() noexcept {
  way_.leave();
  serve({});
  breakOff();
  playout_.wipe();
  explicit_bzero(rawLine_.data(), sizeof rawLine_);
  explicit_bzero(raw_.data(), sizeof raw_);
  explicit_bzero(clean_.data(), sizeof clean_);
  level_ = 0;
  levels_ = {};
  levelDbm0_.store(VoiceFigures::kFaintest, std::memory_order_relaxed);
}

}  // namespace hushpay
