#include "dsp/key_finder.h"

#include <cmath>
#include <limits>
#include <span>

namespace hushpay {
namespace {

// Lengths of what is judged. Six blocks see 28 ms, eight 36.
constexpr std::array<int, 7> kLengths = {6, 7, 8, 10, 12, 14, 18};
constexpr std::array<int, 5> kEndedLengths = {8, 10, 12, 14, 18};
constexpr std::array<int, 2> kBridgedLengths = {4, 6};
constexpr int kEdgeBlocks = 3;       // that are left out behind a pair that has ended
constexpr int kMaxMissing = 7;       // blocks that a gap of 20 ms leaves incomplete
constexpr float kGateShare = 0.38F;  // of the energy, off the centre of their filters
constexpr float kMinCoherence = 0.80F;
constexpr float kLeastEnergy = 2000 * kHannSum;  // of a block: a tenth of what two tones at -44 dBm0 have
constexpr float kHeldShare = 0.5F;   // of a tone's level: above, the block belongs to the same tone
constexpr float kEndedShare = 0.6F;  // of it: above, the tone goes on
constexpr int kMaxEarlier = 14;      // blocks of the same two tones before the stretch
constexpr int kHumBlocks = 8;
constexpr float kSteadyHum = 1.28F;  // 1 dB either way
constexpr float kHumWeight = 0.1F;
// A pair on both sides of a gap has less to tell: it must be plainer.
constexpr float kMinBridgedShare = 0.90F;
constexpr float kMinBridgedCoherence = 0.95F;
constexpr float kMinBridgedFlatness = 0.64F;
constexpr float kLeastWhileKeying = -3;  // of the evidence: what came before speaks for a key too

/// Where to look, and for how long.
struct Search {
  std::span<const int> lengths;  // in blocks, ascending
  int newest = 0;                // age of the block the stretch ends with
  bool bridging = false;         // the stretch goes on behind what may be a lost packet
};

/// Did the strongest tone of either group go away just now?
bool hasEnded(const BlockHistory& history) noexcept {
  if (history.known() <= kEdgeBlocks + 2) return false;
  Stretch inside;
  inside.add(history, kEdgeBlocks + 2);
  for (const int firstBin : {0, 4}) {
    const auto bin = static_cast<std::size_t>(inside.strongest(firstBin));
    if (history.back(0).power[bin] > kEndedShare * kEndedShare * inside.power[bin]) return false;
  }
  return true;
}

/// A quick look, so that speech and silence cost little: does the pair hold enough, and does it hold on?
bool mayHoldPair(const Stretch& stretch, float minShare) noexcept {
  const float power = stretch.mostPower(0) + stretch.mostPower(4);
  return 2 * power >= minShare * kHannSum * stretch.energy &&
         std::min(stretch.flatness(stretch.strongest(0)), stretch.flatness(stretch.strongest(4))) >=
             minFlatness(Stretch::kMost);
}

/// As much as the pair can be, judged by its levels alone.
TonePair pairByLevel(const Stretch& stretch, int low, int high) noexcept {
  TonePair pair;
  pair.blocks = stretch.count;
  pair.low = {.index = low, .offset = 0, .power = mostPower(stretch.meanPower(low)), .coherence = 1};
  pair.high = {.index = high, .offset = 0, .power = mostPower(stretch.meanPower(high)), .coherence = 1};
  return pair;
}

/// What the two filters heard may seem more than there was, where the energy below was taken off: what of it
/// is steady cannot.
void setShare(const Stretch& stretch, TonePair& pair) noexcept {
  const float energy = stretch.energy / (kHannSum * static_cast<float>(stretch.count));
  const float steady = pair.low.power + pair.high.power;
  const float heard = pair.low.power / pair.low.coherence + pair.high.power / pair.high.coherence;
  pair.share = std::min(heard / 2 / std::max(energy, 1.0F), 1.0F) * steady / std::max(heard, 1.0F);
}

/// Has another filled in a block that may lie inside a pair, and the newest not?
bool mayBridge(const BlockHistory& history) noexcept {
  const int most = std::min(history.known(), kBridgedLengths.back());
  int whole = 0;
  while (whole < most && history.back(whole).whole) whole++;
  return whole > 0 && whole < most;
}

bool isPlain(const Stretch& stretch, const TonePair& pair, int low, int high) noexcept {
  return pair.share >= kMinBridgedShare &&
         std::min(pair.low.coherence, pair.high.coherence) >= kMinBridgedCoherence &&
         std::min(stretch.flatness(low), stretch.flatness(high)) >= kMinBridgedFlatness;
}

bool isHeld(const FoundKey& key, const Block& block) noexcept {
  const auto holds = [&](std::size_t group) {
    const float least = kHeldShare * key.level[group];
    return block.power[static_cast<std::size_t>(key.bin[group])] >= least * least;
  };
  return holds(0) && holds(1);
}

/// @return age of the oldest block that holds the key
int firstOf(const BlockHistory& history, const FoundKey& key, int oldest) noexcept {
  int first = oldest;
  while (first + 1 < history.known() && history.back(first + 1).heard && isHeld(key, history.back(first + 1)))
    first++;
  return first;
}

/// The louder tone of a block, as a share of its level.
float loudest(const FoundKey& key, const Block& block) noexcept {
  float most = 0;
  for (std::size_t group = 0; group < 2; group++) {
    const float level = std::sqrt(block.power[static_cast<std::size_t>(key.bin[group])]);
    most = std::max(most, level / key.level[group]);
  }
  return most;
}

/// 8 ms before the key: a loss there hides what was.
float levelBefore(const BlockHistory& history, const FoundKey& key, int first) noexcept {
  if (first + 2 >= history.known()) return history.known() < BlockHistory::kMost ? 0.0F : 1.0F;
  if (!history.back(first + 1).heard || !history.back(first + 2).heard) return 0;
  return loudest(key, history.back(first + 2));
}

float meanLow(const BlockHistory& history, int from) noexcept {
  float sum = 0;
  for (int age = from; age < from + kHumBlocks; age++) sum += history.back(age).low;
  return sum / kHumBlocks;
}

/// Energy below the tones, over that above. What was there before, and as loud, is dial tone or hum.
float lowEnergyOf(const BlockHistory& history, const Stretch& stretch, int first) noexcept {
  const float share = stretch.low / std::max(stretch.energy, 1.0F);
  const int before = first + kEdgeBlocks;
  if (before + 2 * kHumBlocks > history.known()) return share;
  const float mean = stretch.low / static_cast<float>(stretch.count);
  for (const int from : {before, before + kHumBlocks}) {
    const float past = meanLow(history, from);
    if (past > kSteadyHum * mean || mean > kSteadyHum * past) return share;
  }
  return kHumWeight * share;
}

/// @param first  age of the oldest block that holds the key
std::int64_t onsetOf(const BlockHistory& history, const FoundKey& key, int first, std::int64_t fed) noexcept {
  const std::int64_t centre = fed - kBlock / 2 - std::int64_t{kHop} * first;
  // The onset lies between the centre of this block and the one before; each says where by how much of the
  // tone it holds.
  const bool isKnown = first + 1 < history.known() && history.back(first + 1).heard;
  const float inside = std::min(1.0F, shareOf(key, history.back(first)));
  const float before = isKnown ? std::min(1.0F, shareOf(key, history.back(first + 1))) : 0.0F;
  const float early = 1 - inside < before ? samplesBeforeCentre(inside) : samplesBeforeCentre(before) + kHop;
  return centre - static_cast<std::int64_t>(early);
}

bool judge(const BlockHistory& history, const Search& search, const Stretch& stretch, Moment moment,
           FoundKey& found) noexcept {
  const float leastEvidence = moment.isKeying ? kLeastWhileKeying : 0.0F;
  const int low = stretch.strongest(0);
  const int high = stretch.strongest(4);
  if (!search.bridging &&
      std::min(stretch.flatness(low), stretch.flatness(high)) < minFlatness(stretch.count))
    return false;
  FoundKey key;
  key.bin = {low, high};
  key.level = {std::sqrt(stretch.meanPower(low)), std::sqrt(stretch.meanPower(high))};
  const int first = firstOf(history, key, stretch.oldest());
  // A voice glides through two frequencies: what has been there for long and was no key is none now.
  if (first - stretch.oldest() > kMaxEarlier) return false;
  const bool ended = search.newest > 0;
  const Surroundings around{.before = levelBefore(history, key, first),
                            .after = ended ? loudest(key, history.back(0)) : 0,
                            .hasEnded = ended,
                            .lowEnergy = lowEnergyOf(history, stretch, first)};
  TonePair pair = pairByLevel(stretch, low, high);
  setShare(stretch, pair);
  if (evidenceOf(pair, around) < leastEvidence) return false;  // however still the tones may be
  pair.low = fitTone(stretch, low, kMinCoherence);
  if (pair.low.coherence < kMinCoherence) return false;
  pair.high = fitTone(stretch, high, kMinCoherence);
  if (pair.high.coherence < kMinCoherence) return false;
  setShare(stretch, pair);
  if (!isWithinLimits(pair) || (search.bridging && !isPlain(stretch, pair, low, high))) return false;
  if (evidenceOf(pair, around) < leastEvidence) return false;
  key.key = keyAt(static_cast<std::size_t>(pair.low.index), static_cast<std::size_t>(pair.high.index - 4));
  key.onset = onsetOf(history, key, first, moment.fed);
  found = key;
  return true;
}

/// Leaves the search this block out?
bool isMissing(const Search& search, const Block& block) noexcept {
  return search.bridging ? !block.whole : !block.heard;
}

/// Gathers blocks, oldest last, and judges them at every length.
bool search(const BlockHistory& history, const Search& search, Moment moment, FoundKey& found) noexcept {
  if (search.newest >= history.known() || history.back(search.newest).energy < kLeastEnergy) return false;
  Stretch stretch;
  int missing = 0;
  auto length = search.lengths.begin();
  for (int age = search.newest; age < history.known(); age++) {
    const Block& block = history.back(age);
    if (isMissing(search, block)) {
      if (++missing > kMaxMissing) return false;
      continue;
    }
    stretch.add(history, age);
    if (stretch.count < *length) continue;
    if (!mayHoldPair(stretch, kGateShare)) return false;
    if ((!search.bridging || missing > 0) && judge(history, search, stretch, moment, found)) return true;
    if (++length == search.lengths.end()) return false;
  }
  return false;
}

}  // namespace

float shareOf(const FoundKey& key, const Block& block) noexcept {
  float least = std::numeric_limits<float>::max();
  for (std::size_t group = 0; group < 2; group++) {
    const float level = std::sqrt(block.power[static_cast<std::size_t>(key.bin[group])]);
    least = std::min(least, level / key.level[group]);
  }
  return least;
}

bool findKey(const BlockHistory& history, Moment moment, FoundKey& found) noexcept {
  if (search(history, {.lengths = kLengths}, moment, found)) return true;
  if (mayBridge(history) && search(history, {.lengths = kBridgedLengths, .bridging = true}, moment, found))
    return true;
  return hasEnded(history) &&
         search(history, {.lengths = kEndedLengths, .newest = kEdgeBlocks}, moment, found);
}

}  // namespace hushpay
