#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>

#include "dsp/filter_bank.h"

namespace hushpay {

/// A key of the caller's tones went down or came up. Times count samples fed since reset.
struct ToneEdge {
  bool down;
  std::uint8_t key;               // RFC 4733 event code 0..15
  std::int64_t onsetSample;       // estimated start of the tone
  std::uint32_t durationSamples;  // of an edge up
};

/// The edges of one feed(); 60 ms of audio cannot make more.
struct ToneEdges {
  std::array<ToneEdge, 12> items{};
  std::size_t count = 0;

  void add(const ToneEdge& edge) noexcept {
    if (count < items.size()) items[count++] = edge;
  }
};

/// Finds key presses in audio (Q.23, Q.24, ES 201 235-3).
///
/// Every 4 ms a Hann block of 8 ms goes through eight Goertzel filters, here as one matrix product so that
/// the compiler can vectorise it. A pair of tones counts when, over several overlapping blocks, it is steady
/// in level, advances in phase as one frequency near a nominal one (which is finer than any block can
/// resolve), has acceptable twist, holds most of the energy, and began at once: both tones of a key start
/// within milliseconds, the harmonics of a voice swell. A strict rule decides over a short stretch, looser
/// ones once the pair has been steady for longer, the loosest when it has ended as sharply as it began.
/// A short loss inside a key is bridged: the tone goes on in phase behind it. Losses that nobody told of
/// are recognised where a packet was filled with zeros or with a copy of the one before it.
///
/// Media thread: no allocation, lock, log or throw; the state is fixed and can be wiped.
class ToneDetector {
 public:
  /// @param pcm  linear 16-bit mono at 8000 Hz, any length
  void feed(std::span<const std::int16_t> pcm, ToneEdges& edges) noexcept;

  /// Says that so many samples were lost: they neither start nor end a key.
  void conceal(std::size_t sampleCount, ToneEdges& edges) noexcept;

  /// Forgets everything, as for a new stream; a key that is down ends.
  void reset(ToneEdges& edges) noexcept;

  void wipe() noexcept;

  [[nodiscard]] std::int64_t samplesFed() const noexcept { return fed_; }

 private:
  static constexpr int kRing = 32;  // blocks remembered

  static constexpr int kPacket = 160;  // 20 ms: what a lost packet takes, and what is repeated in its place
  static constexpr int kPresses = 6;   // remembered for their echoes

  struct Block : Spectrum {
    bool heard = false;  // no sample of it is concealed
    bool whole = false;  // nor looks as if another had concealed it
  };

  /// What a stretch of blocks says about the strongest tone of one group.
  struct Tone {
    int index = 0;        // nominal frequency nearest to the one measured
    float offset = 1;     // relative distance to it
    float power = 0;      // squared coherent amplitude
    float coherence = 0;  // 1 for one steady tone
    float flatness = 0;   // weakest block over the mean
    int bin = 0;          // filter measured with
  };
  /// The longer a pair has been steady, the less of the energy it needs to hold.
  struct Rule {
    int blocks;
    float minShare;  // of the energy in the two tones
    float minCoherence;
    float minFlatness;
    // Relative, from a nominal frequency. 2.2 % lies between what must be accepted (1.5 %) and what must be
    // refused (3.5 %), and keeps out the notes of the scale that are 2.5 to 3 % off (G sharp 5, D 6,
    // D sharp 6): music is where false keys come from.
    float maxOffset = 0.022F;
    bool needsSharpOnset = true;
  };
  using Blocks = std::array<const Block*, kRing>;
  struct Press {
    bool down = false;
    std::uint8_t key = 0;
    std::int64_t onset = 0;
    std::array<int, 2> bin{};
    std::array<float, 2> level{};  // amplitude a block of the key has
    int absentBlocks = 0;
    int unheardBlocks = 0;
    std::int64_t lastPresent = 0;  // sample up to which it was there
  };

  void pushHop(ToneEdges& edges) noexcept;
  void noteFill() noexcept;
  void analyse(ToneEdges& edges) noexcept;
  [[nodiscard]] bool mayMatch(const Rule& rule) const noexcept;
  [[nodiscard]] bool hasEnded() const noexcept;
  bool find(Press& found) const noexcept;
  bool matches(const Rule& rule, int newest, bool bridging, Press& found) const noexcept;
  bool judge(const Rule& rule, const Blocks& blocks, int count, Press& found) const noexcept;
  [[nodiscard]] Tone measure(const Blocks& blocks, int count, int firstBin) const noexcept;
  [[nodiscard]] float shareOf(const Press& press, int count) const noexcept;
  [[nodiscard]] int firstOf(const Press& press, int newest) const noexcept;
  [[nodiscard]] bool isSharp(const Press& press, int first, bool strictly) const noexcept;
  [[nodiscard]] std::int64_t onsetOf(const Press& press, int first) const noexcept;
  void follow(ToneEdges& edges) noexcept;
  void watch(ToneEdges& edges) noexcept;
  void start(const Press& found, ToneEdges& edges) noexcept;
  void end(ToneEdges& edges) noexcept;
  [[nodiscard]] bool isEcho(const Press& found) const noexcept;
  [[nodiscard]] const Block& back(int count) const noexcept;

  std::array<float, kBlock> window_{};                  // the last samples, oldest first
  std::array<std::int16_t, kPacket + kHop> samples_{};  // the last hop and the packet before it, oldest first
  int filled_ = 0;                                      // samples of the hop so far
  int lost_ = 0;                                        // of them concealed
  std::array<int, 2> suspicious_{};  // samples that another may have filled in, in the last hops
  int unheard_ = 0;                  // blocks until one is free of concealed samples
  std::int64_t fed_ = 0;
  std::int64_t blockCount_ = 0;
  std::array<Block, kRing> ring_{};
  Press press_{};
  std::array<Press, kPresses> past_{};  // the presses before, to know their echoes
  int pastCount_ = 0;
};

}  // namespace hushpay
