#include "dsp/tone_detector.h"

#include <string.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hushpay {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;
constexpr float kHopsPerSecond = static_cast<float>(kSampleRateHz) / kHop;
constexpr float kMaxHighOverLow = 3.39F;             // +5.3 dB as a ratio of powers; Q.24 asks for +4
constexpr float kMaxLowOverHigh = 8.51F;             // -9.3 dB; Q.24 asks for -8
constexpr float kMinAmplitude = 32767.0F * 0.0045F;  // about -44 dBm0 per tone
constexpr float kPresentShare = 0.4F;                // of a key's amplitude: below, the block is a gap
constexpr float kHeldShare = 0.5F;                   // of it: above, the block belongs to the same tone
// Of it: what may be left 12 ms beyond the beginning and the end of a key known by both, and 8 ms before the
// beginning of one known by that alone.
constexpr float kQuietShare = 0.5F;
constexpr float kQuieterShare = 0.35F;
constexpr int kEdgeBlocks = 3;
constexpr int kEndBlocks = 7;           // a gap of 30 ms and more separates; one below 20 ms does not
constexpr int kMaxUnheardBlocks = 30;   // 120 ms of loss end a key
constexpr int kMaxBridgedBlocks = 7;    // that a gap of 20 ms leaves incomplete
constexpr int kSuspiciousSamples = 12;  // of a block: fewer are chance
constexpr std::int64_t kEchoSamples = 400 * 8;
constexpr float kEchoShare = 0.16F;  // the same key 16 dB weaker within 400 ms is its echo
// Off a nominal frequency by up to what is accepted, a tone loses so much of its power in the filter.
constexpr float kOffCentre = 0.85F;

// A tone under noise or speech is held to less: a voice that has wandered there is more likely.
constexpr float kMaxNoisyOffset = 0.0185F;

std::complex<float> unit(std::complex<float> value) noexcept {
  const float length = std::sqrt(std::norm(value));
  return length > 0 ? value / length : std::complex<float>(1);
}

/// Filters of the strongest tone of either group.
std::array<std::size_t, 2> strongestOf(const Spectrum& block) noexcept {
  std::array<std::size_t, 2> bins{0, 4};
  for (std::size_t i = 1; i < 4; i++) {
    if (std::norm(block.tone[i]) > std::norm(block.tone[bins[0]])) bins[0] = i;
    if (std::norm(block.tone[4 + i]) > std::norm(block.tone[bins[1]])) bins[1] = 4 + i;
  }
  return bins;
}

}  // namespace

void ToneDetector::feed(std::span<const std::int16_t> pcm, ToneEdges& edges) noexcept {
  while (!pcm.empty()) {
    const std::size_t size = std::min(pcm.size(), static_cast<std::size_t>(kHop - filled_));
    std::copy_n(pcm.begin(), size, samples_.begin() + kPacket + filled_);
    filled_ += static_cast<int>(size);
    fed_ += static_cast<std::int64_t>(size);
    pcm = pcm.subspan(size);
    if (filled_ == kHop) pushHop(edges);
  }
}

void ToneDetector::conceal(std::size_t sampleCount, ToneEdges& edges) noexcept {
  while (sampleCount > 0) {
    const std::size_t size = std::min(sampleCount, static_cast<std::size_t>(kHop - filled_));
    std::fill_n(samples_.begin() + kPacket + filled_, size, std::int16_t{0});
    filled_ += static_cast<int>(size);
    lost_ += static_cast<int>(size);
    fed_ += static_cast<std::int64_t>(size);
    sampleCount -= size;
    if (filled_ == kHop) pushHop(edges);
  }
}

void ToneDetector::pushHop(ToneEdges& edges) noexcept {
  std::copy(window_.begin() + kHop, window_.end(), window_.begin());
  for (std::size_t i = 0; i < kHop; i++) window_[kBlock - kHop + i] = samples_[kPacket + i];
  noteFill();
  analyse(edges);
  std::copy(samples_.begin() + kHop, samples_.end(), samples_.begin());
  filled_ = 0;
  lost_ = 0;
}

/// Counts samples that are zero, or the same as a packet earlier: some receivers fill a lost packet so.
void ToneDetector::noteFill() noexcept {
  int zeros = 0;
  int copies = 0;
  for (std::size_t i = 0; i < kHop; i++) {
    zeros += samples_[kPacket + i] == 0 ? 1 : 0;
    copies += samples_[kPacket + i] == samples_[i] ? 1 : 0;
  }
  suspicious_ = {suspicious_[1], std::max(zeros, copies)};
  if (lost_ > 0)
    unheard_ = kBlock / kHop;
  else if (unheard_ > 0)
    unheard_--;
}

void ToneDetector::analyse(ToneEdges& edges) noexcept {
  Block& block = ring_[static_cast<std::size_t>(blockCount_ % kRing)];
  block.heard = unheard_ == 0;
  block.whole = block.heard && suspicious_[0] + suspicious_[1] < kSuspiciousSamples;
  filterBlock(window_, blockCount_, block);
  blockCount_++;
  follow(edges);
}

/// @param count  0 is the newest block
const ToneDetector::Block& ToneDetector::back(int count) const noexcept {
  return ring_[static_cast<std::size_t>((blockCount_ - 1 - count) % kRing)];
}

void ToneDetector::follow(ToneEdges& edges) noexcept {
  if (!back(0).heard) {
    if (press_.down && ++press_.unheardBlocks > kMaxUnheardBlocks) end(edges);
    return;
  }
  if (press_.down) {
    watch(edges);
    return;
  }
  Press found;
  if (find(found) && !isEcho(found)) start(found, edges);
}

/// Follows a key that is down until it comes up or another follows.
void ToneDetector::watch(ToneEdges& edges) noexcept {
  press_.unheardBlocks = 0;
  if (shareOf(press_, 0) >= kPresentShare) {
    press_.absentBlocks = 0;
    press_.lastPresent = fed_;
    return;
  }
  press_.absentBlocks++;
  Press found;
  if (find(found)) {
    if (found.key != press_.key) {
      end(edges);
      if (!isEcho(found)) start(found, edges);
      return;
    }
    const bool isWeaker = found.level[0] < kEchoShare * press_.level[0];
    if (!isWeaker && found.onset >= press_.lastPresent - kBlock) {  // the level of the line has changed
      press_.level = found.level;
      press_.absentBlocks = 0;
      press_.lastPresent = fed_;
      return;
    }
  }
  if (press_.absentBlocks >= kEndBlocks) end(edges);
}

void ToneDetector::start(const Press& found, ToneEdges& edges) noexcept {
  press_ = found;
  press_.lastPresent = fed_;
  edges.add({.down = true, .key = found.key, .onsetSample = found.onset, .durationSamples = 0});
}

bool ToneDetector::find(Press& found) const noexcept {
  static constexpr std::array<Rule, 4> kRules = {{
      {.blocks = 6, .minShare = 0.95F, .minCoherence = 0.985F, .minFlatness = 0.92F},
      {.blocks = 8,
       .minShare = 0.92F,
       .minCoherence = 0.92F,
       .minFlatness = 0.75F,
       .maxOffset = kMaxNoisyOffset},
      {.blocks = 14,
       .minShare = 0.72F,
       .minCoherence = 0.93F,
       .minFlatness = 0.40F,
       .maxOffset = kMaxNoisyOffset},
      {.blocks = 18,
       .minShare = 0.70F,
       .minCoherence = 0.97F,
       .minFlatness = 0.50F,
       .maxOffset = kMaxNoisyOffset,
       .needsSharpOnset = false},
  }};
  static constexpr std::array<Rule, 2> kBridged = {{
      {.blocks = 4, .minShare = 0.90F, .minCoherence = 0.97F, .minFlatness = 0.80F},
      {.blocks = 6, .minShare = 0.90F, .minCoherence = 0.95F, .minFlatness = 0.80F},
  }};
  static constexpr std::array<int, 4> kWholeBlocks = {10, 12, 14, 16};
  static constexpr Rule kWhole{.blocks = 0,
                               .minShare = 0.74F,
                               .minCoherence = 0.93F,
                               .minFlatness = 0.50F,
                               .maxOffset = kMaxNoisyOffset};
  for (const Rule& rule : kRules) {
    if (mayMatch(rule) && matches(rule, 0, false, found)) return true;
  }
  if (back(0).whole && mayMatch({.blocks = 1, .minShare = 0.5F, .minCoherence = 0, .minFlatness = 0})) {
    for (const Rule& rule : kBridged) {
      if (matches(rule, 0, true, found)) return true;
    }
  }
  if (!hasEnded()) return false;
  for (const int blocks : kWholeBlocks) {
    Rule rule = kWhole;
    rule.blocks = blocks;
    if (matches(rule, kEdgeBlocks, false, found)) return true;
  }
  return false;
}

/// A quick look, so that speech and silence cost little.
bool ToneDetector::mayMatch(const Rule& rule) const noexcept {
  if (blockCount_ < rule.blocks) return false;
  const auto bins = strongestOf(back(0));
  float power = 0;
  float energy = 0;
  for (int i = 0; i < rule.blocks; i++) {
    const Block& block = back(i);
    power += std::norm(block.tone[bins[0]]) + std::norm(block.tone[bins[1]]);
    energy += block.energy;
  }
  return 2 * power >= kOffCentre * rule.minShare * kHannSum * energy;
}

/// Did a pair of tones go away together just now?
bool ToneDetector::hasEnded() const noexcept {
  if (blockCount_ < kRing) return false;
  const Block& inside = back(kEdgeBlocks + 2);
  for (const std::size_t bin : strongestOf(inside)) {
    if (std::norm(back(0).tone[bin]) > kQuietShare * kQuietShare * std::norm(inside.tone[bin])) return false;
  }
  return true;
}

/// @param newest    block the stretch ends with
/// @param bridging  the stretch goes on behind what may be a lost packet
bool ToneDetector::matches(const Rule& rule, int newest, bool bridging, Press& found) const noexcept {
  Blocks blocks{};
  int count = 0;
  int skipped = 0;
  int at = newest;
  const int known = static_cast<int>(std::min<std::int64_t>(blockCount_, kRing));
  for (; at < known && count < rule.blocks && skipped <= kMaxBridgedBlocks; at++) {
    if (bridging ? back(at).whole : back(at).heard)
      blocks[static_cast<std::size_t>(count++)] = &back(at);
    else
      skipped++;
  }
  if (count < rule.blocks || skipped > kMaxBridgedBlocks || (bridging && skipped == 0)) return false;
  if (!judge(rule, blocks, count, found)) return false;
  const int first = firstOf(found, at - 1);
  if (rule.needsSharpOnset && !isSharp(found, first, newest == 0)) return false;
  if (newest > 0) {
    for (std::size_t group = 0; group < 2; group++) {
      const float level = std::abs(back(0).tone[static_cast<std::size_t>(found.bin[group])]);
      if (level > kQuietShare * found.level[group]) return false;
    }
  }
  found.onset = onsetOf(found, first);
  return true;
}

bool ToneDetector::judge(const Rule& rule, const Blocks& blocks, int count, Press& found) const noexcept {
  float energy = 0;
  for (int i = 0; i < count; i++) energy += blocks[static_cast<std::size_t>(i)]->energy;
  const float minPower = kMinAmplitude * kMinAmplitude;
  if (energy < minPower * kHannSum * static_cast<float>(count)) return false;

  const Tone low = measure(blocks, count, 0);
  if (low.power < minPower || low.offset > rule.maxOffset) return false;
  const Tone high = measure(blocks, count, 4);
  if (high.power < minPower || high.offset > rule.maxOffset) return false;
  if (high.power > kMaxHighOverLow * low.power || low.power > kMaxLowOverHigh * high.power) return false;
  const float total = energy / (kHannSum * static_cast<float>(count));
  const float share = (low.power + high.power) / 2 / total;
  if (share < rule.minShare) return false;
  if (std::min(low.coherence, high.coherence) < rule.minCoherence) return false;
  if (std::min(low.flatness, high.flatness) < rule.minFlatness) return false;

  found.down = true;
  found.key = keyAt(static_cast<std::size_t>(low.index), static_cast<std::size_t>(high.index - 4));
  found.bin = {low.bin, high.bin};
  for (std::size_t group = 0; group < 2; group++) {
    float level = 0;
    for (int i = 0; i < count; i++)
      level +=
          std::abs(blocks[static_cast<std::size_t>(i)]->tone[static_cast<std::size_t>(found.bin[group])]);
    found.level[group] = level / static_cast<float>(count);
  }
  return true;
}

/// Measures the strongest tone of a group over blocks, newest first; they need not be neighbours.
ToneDetector::Tone ToneDetector::measure(const Blocks& blocks, int count, int firstBin) const noexcept {
  const auto size = static_cast<std::size_t>(count);
  Tone tone;
  float strongest = -1;
  for (int bin = firstBin; bin < firstBin + 4; bin++) {
    float power = 0;
    for (std::size_t i = 0; i < size; i++) power += std::norm(blocks[i]->tone[static_cast<std::size_t>(bin)]);
    if (power > strongest) {
      strongest = power;
      tone.bin = bin;
    }
  }
  const auto bin = static_cast<std::size_t>(tone.bin);
  std::array<int, kRing> age;  // hops older than the newest
  age[0] = 0;
  for (std::size_t i = 1; i < size; i++)
    age[i] = age[i - 1] + static_cast<int>((blocks[i - 1] - blocks[i] + kRing) % kRing);

  // Phase advance from block to block tells the frequency; first coarse over one hop, then fine over half the
  // stretch.
  std::complex<float> advance = 0;
  for (std::size_t i = 0; i + 1 < size; i++) {
    if (age[i + 1] == age[i] + 1) advance += blocks[i]->tone[bin] * std::conj(blocks[i + 1]->tone[bin]);
  }
  std::array<std::complex<float>, kRing> steady;  // each block turned on to the newest
  const auto undo = [&](std::complex<float> perHop) {
    std::complex<float> turn = 1;
    for (std::size_t i = 0; i < size; i++) {
      for (int hop = i == 0 ? 0 : age[i - 1]; hop < age[i]; hop++) turn *= perHop;
      steady[i] = blocks[i]->tone[bin] * turn;
    }
  };
  const auto coarse = unit(advance);
  undo(coarse);
  const std::size_t lag = size / 2;
  std::complex<float> rest = 0;
  int distance = 0;
  for (std::size_t i = 0; i + lag < size; i++) {
    rest += steady[i] * std::conj(steady[i + lag]);
    distance += age[i + lag] - age[i];
  }
  const float finePerHop = std::arg(rest) * static_cast<float>(size - lag) / static_cast<float>(distance);
  const float perHop = std::arg(coarse) + finePerHop;
  undo(coarse * std::polar(1.0F, finePerHop));
  std::complex<float> sum = 0;
  float magnitudes = 0;
  float weakest = 1e30F;
  for (std::size_t i = 0; i < size; i++) {
    sum += steady[i];
    const float magnitude = std::sqrt(std::norm(steady[i]));
    magnitudes += magnitude;
    weakest = std::min(weakest, magnitude);
  }
  const float measuredHz = static_cast<float>(kToneHz[bin]) + perHop * kHopsPerSecond / (2 * kPi);
  for (int index = firstBin; index < firstBin + 4; index++) {
    const auto nominalHz = static_cast<float>(kToneHz[static_cast<std::size_t>(index)]);
    const float offset = std::abs(measuredHz - nominalHz) / nominalHz;
    if (offset < tone.offset) {
      tone.offset = offset;
      tone.index = index;
    }
  }
  const float response = responseAt(measuredHz - static_cast<float>(kToneHz[bin]));
  const float amplitude =
      2 * std::abs(sum) / (static_cast<float>(count) * kHannSum * std::max(0.2F, response));
  tone.power = amplitude * amplitude;
  tone.coherence = std::norm(sum) / (static_cast<float>(count) * strongest);
  tone.flatness = weakest * static_cast<float>(count) / magnitudes;
  return tone;
}

/// How much of a key's tones a block holds; the lesser of the two.
float ToneDetector::shareOf(const Press& press, int count) const noexcept {
  float least = 1e30F;
  for (std::size_t group = 0; group < 2; group++) {
    const float level = std::abs(back(count).tone[static_cast<std::size_t>(press.bin[group])]);
    least = std::min(least, level / press.level[group]);
  }
  return least;
}

/// @param newest  a block that holds the tones
/// @return the oldest that does
int ToneDetector::firstOf(const Press& press, int newest) const noexcept {
  const int known = static_cast<int>(std::min<std::int64_t>(blockCount_, kRing));
  int first = newest;
  while (first + 1 < known && back(first + 1).heard && shareOf(press, first + 1) >= kHeldShare) first++;
  return first;
}

bool ToneDetector::isSharp(const Press& press, int first, bool strictly) const noexcept {
  const int before = first + (strictly ? kEdgeBlocks - 1 : kEdgeBlocks);
  const float most = strictly ? kQuieterShare : kQuietShare;
  if (before >= blockCount_) return true;
  if (before >= kRing) return false;
  for (int count = first + 1; count <= before; count++) {
    if (!back(count).heard) return true;
  }
  for (std::size_t group = 0; group < 2; group++) {
    const float level = std::abs(back(before).tone[static_cast<std::size_t>(press.bin[group])]);
    if (level > most * press.level[group]) return false;
  }
  return true;
}

/// @param first  oldest block that holds the tones
std::int64_t ToneDetector::onsetOf(const Press& press, int first) const noexcept {
  const int known = static_cast<int>(std::min<std::int64_t>(blockCount_, kRing));
  const std::int64_t centre = fed_ - kBlock / 2 - std::int64_t{kHop} * first;
  // The onset lies between the centre of this block and the one before; each says where by how much of the
  // tone it holds.
  const float inside = std::min(1.0F, shareOf(press, first));
  const float before =
      first + 1 < known && back(first + 1).heard ? std::min(1.0F, shareOf(press, first + 1)) : 0.0F;
  const float early = 1 - inside < before ? samplesBeforeCentre(inside) : samplesBeforeCentre(before) + kHop;
  return centre - static_cast<std::int64_t>(early);
}

bool ToneDetector::isEcho(const Press& found) const noexcept {
  return std::ranges::any_of(past_, [&](const Press& past) {
    return past.down && past.key == found.key && found.onset - past.lastPresent <= kEchoSamples &&
           found.level[0] < kEchoShare * past.level[0] && found.level[1] < kEchoShare * past.level[1];
  });
}

void ToneDetector::end(ToneEdges& edges) noexcept {
  const std::int64_t until = std::max(press_.onset, press_.lastPresent - kBlock / 2);
  edges.add({.down = false,
             .key = press_.key,
             .onsetSample = press_.onset,
             .durationSamples = static_cast<std::uint32_t>(until - press_.onset)});
  past_[static_cast<std::size_t>(pastCount_)] = press_;
  pastCount_ = (pastCount_ + 1) % kPresses;
  press_ = Press{};
}

void ToneDetector::reset(ToneEdges& edges) noexcept {
  if (press_.down) end(edges);
  wipe();
}

void ToneDetector::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
