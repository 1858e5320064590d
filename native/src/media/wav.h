#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "rtp/bytes.h"

namespace hushpay {

/// Samples of a 16-bit mono PCM file at 8000 Hz, or a sentence that says what is wrong with it.
using WavResult = std::variant<std::vector<std::int16_t>, std::string>;

WavResult parseWav(ByteView file);
WavResult readWav(const std::string& path);

}  // namespace hushpay
