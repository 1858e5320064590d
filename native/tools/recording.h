#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hushpay {

/// Somebody's recording of a call, each channel as 16-bit samples at 8000 Hz.
struct Recording {
  std::vector<std::vector<std::int16_t>> channels;
};

/// Reads a WAV file: PCM of 8 or 16 bits, mu-law or A-law, any number of channels, 8000 Hz or a multiple of
/// it. A file that a recorder left without lengths is read to its end.
/// @return a sentence that says what is wrong, what was expected and what to do, if it cannot be read
std::variant<Recording, std::string> readRecording(const std::string& path);

/// Writes all channels as 16-bit PCM at 8000 Hz, making the directories above it.
/// @return what went wrong
std::optional<std::string> writeRecording(const std::string& path, const Recording& recording);

}  // namespace hushpay
