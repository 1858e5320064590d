#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dsp/block_history.h"
#include "dsp/key_finder.h"

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
/// Every 4 ms a Hann block of 8 ms goes through eight Goertzel filters (filter_bank.h). Over the newest
/// blocks the strongest tone of either group is fitted as one steady sine, whose phase tells its frequency
/// more finely than any block can resolve (tone_fit.h). What speaks for a key and what against it is added up
/// to one figure (key_evidence.h): a clean key passes after 28 ms, one under speech once it has been steady
/// for longer or has ended as sharply as it began (key_finder.h). A short loss inside a key is bridged: the
/// tone goes on in phase behind it. Losses that nobody told of are recognised where a packet was filled with
/// zeros or with a copy of the one before.
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

  /// Where it is; then, once that has come, what the next 20 ms touch.
  void prefetch() const noexcept {
    hushpay::prefetch(this, sizeof window_ + sizeof samples_ + 64);
    hushpay::prefetch(&press_, sizeof press_);
    hushpay::prefetch(&pastCount_, sizeof pastCount_);
    history_.prefetch();
  }
  void prefetchNext() const noexcept { history_.prefetchNext(); }

  [[nodiscard]] std::int64_t samplesFed() const noexcept { return fed_; }

 private:
  static constexpr int kPacket = 160;  // 20 ms: what a lost packet takes, and what is repeated in its place
  static constexpr int kPresses = 6;   // remembered

  struct Press : FoundKey {
    bool down = false;
    int absentBlocks = 0;
    int unheardBlocks = 0;
    std::int64_t lastPresent = 0;  // sample up to which it was there
  };

  void pushHop(ToneEdges& edges) noexcept;
  void noteFill() noexcept;
  void analyse(ToneEdges& edges) noexcept;
  void follow(ToneEdges& edges) noexcept;
  void watch(ToneEdges& edges) noexcept;
  void start(const FoundKey& found, ToneEdges& edges) noexcept;
  void end(ToneEdges& edges) noexcept;
  [[nodiscard]] Moment now() noexcept;
  [[nodiscard]] bool isEcho(const FoundKey& found) const noexcept;

  std::array<float, kBlock> window_{};                  // the last samples, oldest first
  std::array<std::int16_t, kPacket + kHop> samples_{};  // the last hop and the packet before it, oldest first
  int filled_ = 0;                                      // samples of the hop so far
  int lost_ = 0;                                        // of them concealed
  std::array<int, 2> suspicious_{};  // samples that another may have filled in, in the last hops
  int unheard_ = 0;                  // blocks until one is free of concealed samples
  std::int64_t fed_ = 0;
  BlockHistory history_{};
  Press press_{};
  std::array<Press, kPresses> past_{};  // the presses before: their echoes, and that somebody keys
  int pastCount_ = 0;
};

}  // namespace hushpay
