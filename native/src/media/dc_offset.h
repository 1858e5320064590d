#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hushpay {

/// Takes a constant offset out of what a peer says, as cheap converters add one: it costs a mix its headroom,
/// clicks where audio begins and ends, and is energy without meaning to whoever measures levels.
///
/// The offset is measured and subtracted, gliding; no filter touches the phase of a tone. An offset nobody
/// can notice is left, and so is what low voices make of a mean, so that the audio of an ordinary line stays
/// as it is. Media thread.
class DcOffset {
 public:
  void remove(std::span<std::int16_t> samples) noexcept;
  /// Samples are not as they came.
  [[nodiscard]] bool isApplied() const noexcept { return applied_ != 0; }
  void reset() noexcept { *this = DcOffset{}; }

 private:
  std::size_t seen_ = 0;  // samples, up to what one knows enough from
  float mean_ = 0;
  float variance_ = 0;  // of what the means of single packets differ by
  float applied_ = 0;
};

}  // namespace hushpay
