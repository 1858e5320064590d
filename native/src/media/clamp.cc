#include "media/clamp.h"

#include <string.h>

#include <algorithm>

namespace hushpay {

void Clamp::arm() noexcept { state_ = State::kArmed; }

void Clamp::disarm() noexcept { state_ = State::kDisarmed; }

void Clamp::process(std::span<const std::int16_t> in, Heard heard, std::span<std::int16_t> out,
                    std::span<Pass> pass) noexcept {
  const bool isOpen = state_ == State::kDisarmed && heard == Heard::kAudio;
  if (isOpen) {
    std::ranges::copy(in, out.begin());
    std::ranges::fill(pass, Pass::kOpen);
    return;
  }
  const bool isMissing = state_ == State::kDisarmed && heard == Heard::kLost;
  std::ranges::fill(out, std::int16_t{0});
  std::ranges::fill(pass, isMissing ? Pass::kMissing : Pass::kReplaced);
  if (armed()) {
    report_.armedSamples += out.size();
    report_.clampedSamples += out.size();
  }
}

void Clamp::keyDown(KeyCarrier carrier, std::uint8_t, int) noexcept {
  if (armed()) (carrier == KeyCarrier::kEvent ? report_.eventPresses : report_.tonePresses)++;
}

void Clamp::keyUp(KeyCarrier, int) noexcept {}

void Clamp::cover(int) noexcept {
  if (armed()) report_.otherPresses++;
}

void Clamp::reset() noexcept {}

void Clamp::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
