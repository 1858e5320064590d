#include "media/clamp_fill.h"

#include <string.h>

namespace hushpay {

void ClampFill::learn(std::span<const std::int16_t>, std::span<const Pass>) noexcept {}

void ClampFill::fill(ClampMode, std::span<std::int16_t> samples, std::span<const Pass> pass) noexcept {
  for (std::size_t i = 0; i < samples.size(); i++) {
    if (pass[i] != Pass::kOpen) samples[i] = 0;
  }
}

void ClampFill::wipe() noexcept { explicit_bzero(static_cast<void*>(this), sizeof *this); }

}  // namespace hushpay
