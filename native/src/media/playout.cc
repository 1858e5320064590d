#include "media/playout.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "dsp/pitch.h"

namespace hushpay {
namespace {

constexpr std::size_t kStart = 80;       // waits on top of the first block
constexpr std::size_t kPatience = 1200;  // of concealment, then the voice has paused
constexpr std::size_t kMostOwed = 2400;
constexpr std::size_t kOwedSamples = 960;  // so long a loss may be recognised as one that was concealed
constexpr int kLeastSlack = 16;            // less, and the next late packet is missed
constexpr int kSpareSlack = 40;            // more than so much above it is cut away
constexpr std::size_t kMinHalf = 8000;     // samples of half a window
constexpr std::size_t kMaxHalf = 64'000;
constexpr std::size_t kBetweenSplices = 480;
constexpr std::size_t kMinPeriod = 20;
constexpr std::size_t kMaxPeriod = 120;
constexpr std::size_t kCompared = 80;
constexpr float kQuietRms = 40;  // about -56 dBm0
constexpr float kQuietOverNoise = 1.8F;
constexpr int kHurry = 320;  // so much too late: a rougher splice will do
constexpr float kAlike = 0.85F;
constexpr float kAlikeInHurry = 0.5F;
constexpr float kDelaySmoothing = 0.05F;

float rmsOf(std::span<const std::int16_t> samples) noexcept {
  float energy = 0;
  for (const std::int16_t sample : samples) {
    const float value = sample;
    energy += value * value;
  }
  return std::sqrt(energy / static_cast<float>(samples.size()));
}

}  // namespace

void Playout::push(std::span<const std::int16_t> clean, std::span<const std::int16_t> raw,
                   std::span<const Pass> pass) noexcept {
  const std::size_t count = clean.size();
  if (level_ + count > kCapacity) drop(level_ + count - kCapacity);
  const std::size_t to = at(level_);
  const std::size_t part = std::min(count, kCapacity - to);  // the rest goes to the beginning
  const auto store = [&](const auto& from, auto& ring) {
    std::ranges::copy(from.first(part), ring.begin() + static_cast<std::ptrdiff_t>(to));
    std::ranges::copy(from.subspan(part), ring.begin());
  };
  store(clean, clean_);
  store(raw, raw_);
  store(pass, pass_);
  for (std::size_t i = 0; i < count; i++) {
    if (pass[i] == Pass::kOpen) continue;
    clean_[at(level_ + i)] = 0;
    shut_++;
  }
  level_ += count;
}

void Playout::pull(const Block& block) noexcept {
  const std::size_t count = block.clean.size();
  forgetLost(count);
  if (!playing_) start(count);
  if (!playing_) return runDry(block, 0);
  if (level_ > count + kMaxDelay) drop(level_ - count - kMaxDelay / 2);
  watchSlack(static_cast<int>(level_) - static_cast<int>(count), count);
  delay_ += (static_cast<float>(level_) - delay_) * kDelaySmoothing;
  sinceSplice_ += count;
  if (splice(block)) return;
  const std::size_t ready = std::min(count, level_);
  play(block, 0, ready);
  if (ready < count) runDry(block, ready);
}

void Playout::start(std::size_t count) noexcept {
  if (level_ < count + kStart) return;
  playing_ = true;
  seam_ = true;
  delay_ = static_cast<float>(level_);
  restartSlack();
}

void Playout::through(const Block& block) noexcept {
  if (level_ > 0) drop(level_);
  playing_ = false;
  delay_ = 0;
  const std::size_t count = block.clean.size();
  if (isAllOpen(block.pass)) {
    say(block.clean, Pass::kOpen);
    seam_ = false;
    return;
  }
  for (std::size_t done = 0; done < count;) {
    const Pass mark = block.pass[done];
    std::size_t run = 1;
    while (done + run < count && block.pass[done + run] == mark) run++;
    if (mark == Pass::kMissing) {
      figures_.concealed += run;
      conceal({.clean = block.clean, .raw = {}, .pass = block.pass}, done, run);
    } else {
      say(block.clean.subspan(done, run), mark);
      seam_ = false;
    }
    done += run;
  }
}

/// Samples that are there, in place.
void Playout::say(std::span<std::int16_t> clean, Pass mark) noexcept {
  dry_ = 0;
  clamping_ = mark == Pass::kReplaced;
  if (clamping_)
    concealer_.forget();
  else if (seam_ || concealer_.concealing())
    concealer_.resume(clean);
  else
    concealer_.heard(clean);
}

bool Playout::isSpare() const noexcept {
  if (!playing_) return false;
  if (level_ < kMinPeriod) return true;
  float energy = 0;
  for (std::size_t i = 0; i < level_; i++) {
    const float value = clean_[at(i)];
    energy += value * value;
  }
  return std::sqrt(energy / static_cast<float>(level_)) < kQuietRms;
}

/// Samples that are there, run by run.
void Playout::play(const Block& block, std::size_t from, std::size_t count) noexcept {
  std::size_t done = 0;
  while (done < count) {
    const Pass mark = pass_[at(0)];
    std::size_t run = shut_ == 0 ? count - done : 1;
    while (done + run < count && pass_[at(run)] == mark) run++;
    const std::size_t to = from + done;
    if (mark == Pass::kMissing) {
      figures_.concealed += run;
      conceal(block, to, run);
    } else {
      const auto clean = block.clean.subspan(to, run);
      look(clean_, clean);
      say(clean, mark);
      std::ranges::fill(block.pass.subspan(to, run), mark);
      if (!block.raw.empty()) {
        const auto raw = block.raw.subspan(to, run);
        look(raw_, raw);
        if (seam_ || rawConcealer_.concealing())
          rawConcealer_.resume(raw);
        else
          rawConcealer_.heard(raw);
      }
      seam_ = false;
    }
    advance(run);
    done += run;
  }
  owedAge_ += count;
  if (owedAge_ > kOwedSamples) owed_ = 0;
}

/// A replacement goes on through a gap: nobody knows whether the key has come up in it.
void Playout::conceal(const Block& block, std::size_t from, std::size_t count) noexcept {
  const auto clean = block.clean.subspan(from, count);
  if (clamping_)
    std::ranges::fill(clean, std::int16_t{0});
  else
    concealer_.conceal(clean);
  std::ranges::fill(block.pass.subspan(from, count), clamping_ ? Pass::kReplaced : Pass::kOpen);
  if (!block.raw.empty()) rawConcealer_.conceal(block.raw.subspan(from, count));
}

void Playout::runDry(const Block& block, std::size_t from) noexcept {
  const std::size_t count = block.clean.size() - from;
  conceal(block, from, count);
  owed_ = std::min(owed_ + count, kMostOwed);
  owedAge_ = 0;
  if (!playing_) return;
  figures_.concealed += count;
  dry_ += count;
  slack_.half = std::min(2 * slack_.half, kMaxHalf);
  if (dry_ >= kPatience) playing_ = false;
}

/// What is known now to be lost, or turns out to be closed, was concealed before that was known: not twice.
void Playout::forgetLost(std::size_t count) noexcept {
  while (owed_ > 0 && level_ > count + kStart && pass_[first_] != Pass::kOpen) {
    advance(1);
    owed_--;
  }
}

void Playout::closeWaiting(std::size_t newest) noexcept {
  for (std::size_t i = level_ - std::min(newest, level_); i < level_; i++) {
    clean_[at(i)] = 0;
    if (pass_[at(i)] == Pass::kOpen) shut_++;
    pass_[at(i)] = Pass::kReplaced;
  }
  concealer_.forget();
}

void Playout::drop(std::size_t count) noexcept {
  advance(count);
  figures_.discarded += count;
  seam_ = true;
  restartSlack();
}

void Playout::restartSlack() noexcept {
  slack_ = Slack{.least = 0, .leastHalf = INT32_MAX, .leastBefore = INT32_MAX, .seen = 0, .half = kMinHalf};
}

void Playout::watchSlack(int slack, std::size_t count) noexcept {
  slack_.leastHalf = std::min(slack_.leastHalf, slack);
  slack_.least = std::min(slack_.leastHalf, slack_.leastBefore);
  slack_.seen += count;
  if (slack_.seen < slack_.half) return;
  slack_.seen = 0;
  slack_.known = true;
  slack_.leastBefore = slack_.leastHalf;
  slack_.leastHalf = INT32_MAX;
  if (slack_.leastBefore >= 0) slack_.half = std::max(slack_.half / 2, kMinHalf);
}

/// @return by how many samples to move on (or, negative, back) in this block
int Playout::chooseShift(std::size_t count) noexcept {
  const int tooMuch = empties_ ? slack_.leastHalf : slack_.least - kLeastSlack - kSpareSlack;
  const bool isShort = !empties_ && slack_.leastHalf < kLeastSlack;
  const bool isKnown = empties_ || slack_.known;
  if (sinceSplice_ < kBetweenSplices || (!isShort && (!isKnown || tooMuch <= 0))) return 0;
  const std::size_t most = std::min({kMaxPeriod, count, isShort ? count : static_cast<std::size_t>(tooMuch)});
  if (most < kMinPeriod || !isPlain(count + (isShort ? 0 : most))) return 0;
  // The past is needed to stretch, the future to shrink: both lie in one row here.
  std::array<std::int16_t, Concealer::kHistory + 2 * kMaxBlock> row;
  const auto history = concealer_.history();
  std::ranges::copy(history, row.begin());
  const std::size_t ahead = std::min(level_, 2 * kMaxBlock);
  look(clean_, std::span(row).subspan(Concealer::kHistory, ahead));
  const std::size_t start = Concealer::kHistory + (isShort ? 0 : most);
  const std::size_t compared = std::min(kCompared, Concealer::kHistory + ahead - start);
  const auto known = std::span(row).first(Concealer::kHistory + ahead);
  const float loudness = rmsOf(known.subspan(Concealer::kHistory, std::min(ahead, count)));
  const int sign = isShort ? -1 : 1;
  if (loudness < kQuietRms || loudness < concealer_.noiseRms() * kQuietOverNoise)
    return sign * static_cast<int>(most);
  if (compared < kCompared / 2) return 0;
  const Pitch pitch = findPitch(known, start, compared, kMinPeriod, most);
  const float needed = isShort || tooMuch > kHurry ? kAlikeInHurry : kAlike;
  return pitch.likeness >= needed ? sign * static_cast<int>(pitch.lag) : 0;
}

/// Plays a block in which a few samples are left out or said twice, if there is need and a fitting place.
/// @return false if nothing was played
bool Playout::splice(const Block& block) noexcept {
  const std::size_t count = block.clean.size();
  if (seam_ || clamping_ || concealer_.concealing() || level_ < count) return false;
  const int shift = chooseShift(count);
  if (shift == 0) return false;
  const std::size_t overlap = std::min(static_cast<std::size_t>(std::abs(shift)), count);
  const auto mix = [&](const auto& samples, const Concealer& past, std::span<std::int16_t> out) {
    const auto sampleAt = [&](std::ptrdiff_t i) -> float {
      return i < 0 ? past.history()[static_cast<std::size_t>(
                         static_cast<std::ptrdiff_t>(Concealer::kHistory) + i)]
                   : samples[at(static_cast<std::size_t>(i))];
    };
    for (std::size_t i = 0; i < count; i++) {
      const auto here = static_cast<std::ptrdiff_t>(i);
      const float there = sampleAt(here + shift);
      const float weight = i < overlap ? static_cast<float>(i + 1) / static_cast<float>(overlap + 1) : 1;
      const float value = weight < 1 ? sampleAt(here) * (1 - weight) + there * weight : there;
      out[i] = static_cast<std::int16_t>(std::lrint(value));
    }
  };
  mix(clean_, concealer_, block.clean);
  concealer_.heard(block.clean);
  if (!block.raw.empty()) {
    mix(raw_, rawConcealer_, block.raw);
    rawConcealer_.heard(block.raw);
  }
  std::ranges::fill(block.pass, Pass::kOpen);
  const std::size_t used = static_cast<std::size_t>(static_cast<int>(count) + shift);
  advance(used);
  dry_ = 0;
  (shift > 0 ? figures_.removed : figures_.inserted) += overlap;
  sinceSplice_ = 0;
  for (int* least : {&slack_.least, &slack_.leastHalf, &slack_.leastBefore}) {
    if (*least != INT32_MAX) *least -= shift;
  }
  return true;
}

bool Playout::isPlain(std::size_t count) const noexcept {
  if (level_ < count) return false;
  if (shut_ == 0) return true;
  for (std::size_t i = 0; i < count; i++) {
    if (pass_[at(i)] != Pass::kOpen) return false;
  }
  return true;
}

/// The next samples, left where they are.
void Playout::look(const Ring& ring, std::span<std::int16_t> out) const noexcept {
  const std::size_t part = std::min(out.size(), kCapacity - first_);
  std::copy_n(ring.begin() + static_cast<std::ptrdiff_t>(first_), part, out.begin());
  std::copy_n(ring.begin(), out.size() - part, out.begin() + static_cast<std::ptrdiff_t>(part));
}

void Playout::advance(std::size_t count) noexcept {
  for (std::size_t i = 0; i < count && shut_ > 0; i++) shut_ -= pass_[at(i)] == Pass::kOpen ? 0 : 1;
  first_ = at(count);
  level_ -= count;
}

void Playout::wipe() noexcept {
  explicit_bzero(clean_.data(), sizeof clean_);
  explicit_bzero(raw_.data(), sizeof raw_);
  first_ = level_ = shut_ = 0;
  playing_ = clamping_ = seam_ = false;
  dry_ = owed_ = 0;
  concealer_ = Concealer{};
  rawConcealer_ = Concealer{};
}

}  // namespace hushpay
