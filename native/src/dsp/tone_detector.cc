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
constexpr float kMinBlockShare = 0.2F;  // of a block's energy in its strongest pair: below, no rule can match
constexpr float kPresentShare = 0.4F;   // of a key's amplitude: below, the block is a gap
constexpr int kEndBlocks = 7;           // a gap of 30 ms and more separates; one below 20 ms does not
constexpr int kMaxUnheardBlocks = 30;   // 120 ms of loss end a key
constexpr std::int64_t kEchoSamples = 400 * 8;
constexpr float kEchoShare = 0.25F;  // the same key 12 dB weaker within 400 ms is its echo

// The longer a pair has been steady, the less of the energy it needs to hold. 2.2 % lies between what must be
// accepted (1.5 %) and what must be refused (3.5 %), and keeps out the notes of the scale that are 2.5 to 3 %
// off (G sharp 5, D 6, D sharp 6): music is where false keys come from.
constexpr float kMaxOffset = 0.022F;

std::complex<float> unit(std::complex<float> value) noexcept {
  const float length = std::sqrt(std::norm(value));
  return length > 0 ? value / length : std::complex<float>(1);
}

}  // namespace

void ToneDetector::feed(std::span<const std::int16_t> pcm, ToneEdges& edges) noexcept {
  // Second-order high-pass at 200 Hz: hum and offset are no speech, yet would count as energy beside the
  // tones.
  constexpr float kGain = 0.894859F;
  constexpr float kA1 = -1.778632F;
  constexpr float kA2 = 0.800803F;
  for (const std::int16_t sample : pcm) {
    const auto in = static_cast<float>(sample);
    const float out =
        kGain * (in - 2 * highPass_[0] + highPass_[1]) - kA1 * highPass_[2] - kA2 * highPass_[3];
    highPass_ = {in, highPass_[0], out, highPass_[2]};
    push(out, true, edges);
  }
}

void ToneDetector::conceal(std::size_t sampleCount, ToneEdges& edges) noexcept {
  for (std::size_t i = 0; i < sampleCount; i++) push(0, false, edges);
  highPass_ = {};
}

void ToneDetector::push(float sample, bool heard, ToneEdges& edges) noexcept {
  window_[static_cast<std::size_t>(kBlock - kHop + filled_)] = sample;
  if (!heard)
    unheard_ = kBlock;
  else if (unheard_ > 0)
    unheard_--;
  fed_++;
  if (++filled_ < kHop) return;
  filled_ = 0;
  analyse(edges);
  std::copy(window_.begin() + kHop, window_.end(), window_.begin());
}

void ToneDetector::analyse(ToneEdges& edges) noexcept {
  Block& block = ring_[static_cast<std::size_t>(blockCount_ % kRing)];
  block.heard = unheard_ == 0;
  filterBlock(window_, blockCount_, block);
  blockCount_++;
  follow(edges);
}

/// @param count  0 is the newest block
const ToneDetector::Block& ToneDetector::back(int count) const noexcept {
  return ring_[static_cast<std::size_t>((blockCount_ - 1 - count) % kRing)];
}

/// A quick look at one block, so that speech and silence cost little.
bool ToneDetector::mayHoldKey(const Block& block) noexcept {
  float low = 0;
  float high = 0;
  for (std::size_t i = 0; i < 4; i++) {
    low = std::max(low, std::norm(block.tone[i]));
    high = std::max(high, std::norm(block.tone[4 + i]));
  }
  return 2 * (low + high) >= kMinBlockShare * kHannSum * block.energy;
}

void ToneDetector::follow(ToneEdges& edges) noexcept {
  static constexpr Rule kClean{.blocks = 6, .minShare = 0.93F, .minCoherence = 0.98F, .minFlatness = 0.92F};
  static constexpr Rule kNoisy{.blocks = 8, .minShare = 0.85F, .minCoherence = 0.93F, .minFlatness = 0.75F};
  static constexpr Rule kLong{.blocks = 14, .minShare = 0.50F, .minCoherence = 0.93F, .minFlatness = 0.40F};
  if (!back(0).heard) {
    if (press_.down && ++press_.unheardBlocks > kMaxUnheardBlocks) end(edges);
    return;
  }
  Press found;
  if (mayHoldKey(back(0)) && (matches(kClean, found) || matches(kNoisy, found) || matches(kLong, found))) {
    if (press_.down && press_.key == found.key) {
      press_.absentBlocks = 0;
      press_.unheardBlocks = 0;
      press_.level = found.level;
      press_.lastPresent = fed_;
      return;
    }
    if (press_.down) end(edges);
    if (isEcho(found)) return;
    press_ = found;
    press_.lastPresent = fed_;
    edges.add({.down = true, .key = found.key, .onsetSample = found.onset, .durationSamples = 0});
    return;
  }
  if (!press_.down) return;
  bool present = true;
  for (std::size_t group = 0; group < 2; group++) {
    const float level = std::abs(back(0).tone[static_cast<std::size_t>(press_.bin[group])]);
    present = present && level >= kPresentShare * press_.level[group];
  }
  press_.unheardBlocks = 0;
  if (present) {
    press_.absentBlocks = 0;
    press_.lastPresent = fed_;
  } else if (++press_.absentBlocks >= kEndBlocks) {
    end(edges);
  }
}

bool ToneDetector::matches(const Rule& rule, Press& found) const noexcept {
  std::array<const Block*, kRing> blocks{};
  int count = 0;
  int span = 0;
  const int known = static_cast<int>(std::min<std::int64_t>(blockCount_, kRing));
  for (; span < known && count < rule.blocks && span < rule.blocks + 8; span++) {
    if (back(span).heard) blocks[static_cast<std::size_t>(count++)] = &back(span);
  }
  if (count < rule.blocks) return false;

  float energy = 0;
  for (int i = 0; i < count; i++) energy += blocks[static_cast<std::size_t>(i)]->energy;
  const float minPower = kMinAmplitude * kMinAmplitude;
  if (energy < minPower * kHannSum * static_cast<float>(count)) return false;

  const Tone low = measure(blocks, count, 0);
  if (low.power < minPower || low.offset > kMaxOffset) return false;
  const Tone high = measure(blocks, count, 4);
  if (high.power < minPower || high.offset > kMaxOffset) return false;
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
  found.onset = onsetOf(found, span);
  return true;
}

/// Turns each block back by so many advances as it is hops older than the newest.
void ToneDetector::undo(std::complex<float> advance, std::span<const Block* const> blocks, std::size_t bin,
                        std::array<std::complex<float>, kRing>& into) noexcept {
  std::complex<float> turn = 1;
  for (std::size_t i = 0; i < blocks.size(); i++) {
    if (i > 0) {
      const auto hops = (blocks[i - 1] - blocks[i] + kRing) % kRing;
      for (std::ptrdiff_t hop = 0; hop < hops; hop++) turn *= advance;
    }
    into[i] = blocks[i]->tone[bin] * turn;
  }
}

ToneDetector::Tone ToneDetector::measure(const std::array<const Block*, kRing>& blocks, int count,
                                         int firstBin) const noexcept {
  const auto size = static_cast<std::size_t>(count);
  Tone tone;
  float strongest = -1;
  float power = 0;
  for (int bin = firstBin; bin < firstBin + 4; bin++) {
    power = 0;
    for (std::size_t i = 0; i < size; i++) power += std::norm(blocks[i]->tone[static_cast<std::size_t>(bin)]);
    if (power > strongest) {
      strongest = power;
      tone.bin = bin;
    }
  }
  const auto bin = static_cast<std::size_t>(tone.bin);
  // Phase advance from block to block tells the frequency; first coarse over one hop, then fine over half the
  // stretch.
  std::complex<float> advance = 0;
  for (std::size_t i = 0; i + 1 < size; i++) {
    if (blocks[i] == blocks[i + 1] + 1 || blocks[i + 1] == blocks[i] + (kRing - 1)) {
      advance += blocks[i]->tone[bin] * std::conj(blocks[i + 1]->tone[bin]);
    }
  }
  std::array<std::complex<float>, kRing> steady;  // the coarse advance undone
  const auto coarse = unit(advance);
  undo(coarse, std::span(blocks).first(size), bin, steady);
  const std::size_t lag = size / 2;
  std::complex<float> rest = 0;
  for (std::size_t i = 0; i + lag < size; i++) rest += steady[i] * std::conj(steady[i + lag]);
  const float finePerHop = std::arg(rest) / static_cast<float>(lag);
  const float perHop = std::arg(coarse) + finePerHop;
  undo(coarse * std::polar(1.0F, finePerHop), std::span(blocks).first(size), bin, steady);
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

/// @param blocks  the newest blocks the decision rests on
std::int64_t ToneDetector::onsetOf(const Press& press, int blocks) const noexcept {
  const int known = static_cast<int>(std::min<std::int64_t>(blockCount_, kRing));
  const auto share = [&](int count) {
    float least = 1;
    for (std::size_t group = 0; group < 2; group++) {
      const float level = std::abs(back(count).tone[static_cast<std::size_t>(press.bin[group])]);
      least = std::min(least, level / press.level[group]);
    }
    return least;
  };
  const auto centreOf = [&](int count) { return fed_ - kBlock / 2 - std::int64_t{kHop} * count; };
  int first = blocks - 1;  // oldest block that holds the tone
  while (first + 1 < known && first < kRing - 2 && back(first + 1).heard && share(first + 1) >= 0.5F) first++;
  // The onset lies between the centre of this block and the one before; each says where by how much of the
  // tone it holds.
  const float inside = std::min(1.0F, share(first));
  const float before = first + 1 < known && back(first + 1).heard ? share(first + 1) : 0.0F;
  const float early = 1 - inside < before ? samplesBeforeCentre(inside) : samplesBeforeCentre(before) + kHop;
  return centreOf(first) - static_cast<std::int64_t>(early);
}

bool ToneDetector::isEcho(const Press& found) const noexcept {
  if (!last_.down || last_.key != found.key || found.onset - last_.lastPresent > kEchoSamples) return false;
  return found.level[0] < kEchoShare * last_.level[0] && found.level[1] < kEchoShare * last_.level[1];
}

void ToneDetector::end(ToneEdges& edges) noexcept {
  const std::int64_t until = std::max(press_.onset, press_.lastPresent - kBlock / 2);
  edges.add({.down = false,
             .key = press_.key,
             .onsetSample = press_.onset,
             .durationSamples = static_cast<std::uint32_t>(until - press_.onset)});
  last_ = press_;
  press_ = Press{};
}

void ToneDetector::reset(ToneEdges& edges) noexcept {
  if (press_.down) end(edges);
  wipe();
}

void ToneDetector::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
