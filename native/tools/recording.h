#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hushpay {

/// A file to be looked at.
struct RecordingFile {
  std::string path;
  std::string name;  // its path below the directory that was asked for
};

/// Somebody's recording of a call, each channel as 16-bit samples.
struct Recording {
  int rateHz = 8000;
  std::vector<std::vector<std::int16_t>> channels;
};

/// Reads a WAV file: PCM of 8 to 32 bits, floats, mu-law or A-law, any number of channels, any rate from 8000
/// to 48000 Hz that Decimator supports. A file that a recorder left without lengths is read to its end.
/// @return a sentence that says what is wrong, what was expected and what to do, if it cannot be read
std::variant<Recording, std::string> readRecording(const std::string& path);

/// Writes all channels as 16-bit PCM at 8000 Hz, making the directories above it.
/// @return what went wrong
std::optional<std::string> writeRecording(const std::string& path, const Recording& recording);

/// A channel as the detectors hear it: at 8000 Hz.
std::vector<std::int16_t> atDetectorRate(const std::vector<std::int16_t>& channel, int rateHz);

}  // namespace hushpay
