#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace hushpay {

/// One element of a phrase: samples of a clip, or silence, or nothing but the mark that the phrase is
/// complete.
struct PlayItem {
  std::uint32_t play = 0;
  const std::int16_t* samples = nullptr;  // null: silence. Clips outlive every session
  std::uint32_t sampleCount = 0;
  bool last = false;
  bool bargeIn = false;
};

enum class PlayEnd : std::uint8_t { kFinished, kBargeIn, kStopped };

/// What rendering a frame brought about.
struct PlayNews {
  bool started = false;  // a clip began: started says which of its phrase, counted from 1
  std::uint32_t startedPlay = 0;
  std::uint32_t clipsStarted = 0;
  bool ended = false;  // with the last sample of this frame, or by stop() or bargeIn()
  std::uint32_t endedPlay = 0;
  PlayEnd end = PlayEnd::kFinished;
  std::uint32_t playedSamples = 0;
  std::uint32_t starvedSamples = 0;
};

/// Plays phrases, one after the other, their clips joined sample to sample. Phrases have rising numbers;
/// items of one that is over are ignored, so a stop and clips already under way may cross. Media thread; a
/// fixed queue, wiped behind the reader.
///
///   idle ── first item ──> playing ── item marked last has been rendered ──> idle (finished)
///                             └────── stop(), bargeIn() ──────────────────> idle (stopped, barge_in)
class Player {
 public:
  static constexpr std::size_t kQueue = 64;

  /// @return false if the queue is full
  bool add(const PlayItem& item) noexcept;

  /// Ends a phrase, started or not. One that is over already stays as it ended.
  PlayNews stop(std::uint32_t play) noexcept;

  /// A key was pressed. @return with ended set if the current phrase gave way
  PlayNews bargeIn() noexcept;

  /// Fills the frame; silence where nothing is to be played.
  /// @return false if the frame is nothing but idle silence
  bool render(std::span<std::int16_t> frame, PlayNews& news) noexcept;

  [[nodiscard]] bool playing() const noexcept { return play_ != 0; }
  [[nodiscard]] std::uint64_t starvedSamples() const noexcept { return starvedTotal_; }
  /// Items that have left the queue, or were never taken into it, since the beginning.
  [[nodiscard]] std::uint32_t consumed() const noexcept { return consumed_; }
  void wipe() noexcept;

 private:
  void begin(PlayNews& news) noexcept;
  void dropFront() noexcept;
  PlayNews end(std::uint32_t play, PlayEnd how) noexcept;

  std::array<PlayItem, kQueue> items_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint32_t offset_ = 0;  // samples of the front item already rendered
  bool begun_ = false;        // the front item was reported as started
  bool bargeIn_ = false;
  std::uint32_t play_ = 0;       // current phrase, 0 = idle
  std::uint32_t endedPlay_ = 0;  // phrases up to this one are over
  std::uint32_t clipsStarted_ = 0;
  std::uint32_t played_ = 0;
  std::uint32_t starved_ = 0;
  std::uint64_t starvedTotal_ = 0;
  std::uint32_t consumed_ = 0;
};

}  // namespace hushpay
