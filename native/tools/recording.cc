#include "recording.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>

#include "codec/g711.h"
#include "dsp/decimator.h"
#include "dsp/dtmf.h"

namespace hushpay {
namespace {

constexpr const char* kExpected =
    "; expected WAV: PCM of 8 to 32 bits, floats of 32, mu-law or A-law at 8000, 16000, 22050, 32000, 44100 "
    "or 48000 Hz "
    "(convert it: sox IN -r 8000 -b 16 OUT.wav)";
// Format tags of RFC 2361.
constexpr std::uint32_t kPcm = 1;
constexpr std::uint32_t kFloat = 3;
constexpr std::uint32_t kALaw = 6;
constexpr std::uint32_t kMuLaw = 7;
constexpr std::uint32_t kExtensible = 0xfffe;
constexpr std::uint32_t kMaxChannels = 32;

struct Format {
  std::uint32_t tag = 0;
  std::uint32_t channels = 0;
  std::uint32_t rateHz = 0;
  std::uint32_t bits = 0;
};

using Bytes = std::span<const std::uint8_t>;

std::uint32_t little16(Bytes bytes, std::size_t at) {
  return bytes[at] | static_cast<std::uint32_t>(bytes[at + 1]) << 8;
}

std::uint32_t little32(Bytes bytes, std::size_t at) {
  return little16(bytes, at) | little16(bytes, at + 2) << 16;
}

bool isTag(Bytes bytes, std::size_t at, const char* tag) {
  return std::memcmp(bytes.data() + at, tag, 4) == 0;
}

Format readFormat(Bytes chunk) {
  Format format{.tag = little16(chunk, 0),
                .channels = little16(chunk, 2),
                .rateHz = little32(chunk, 4),
                .bits = little16(chunk, 14)};
  if (format.tag == kExtensible && chunk.size() >= 26) format.tag = little16(chunk, 24);
  return format;
}

bool isReadable(const Format& format) {
  const bool isPcm = format.tag == kPcm && format.bits >= 8 && format.bits <= 32 && format.bits % 8 == 0;
  const bool isFloat = format.tag == kFloat && format.bits == 32;
  const bool isG711 = (format.tag == kALaw || format.tag == kMuLaw) && format.bits == 8;
  return (isPcm || isFloat || isG711) && format.channels >= 1 && format.channels <= kMaxChannels &&
         format.rateHz <= Decimator::kMaxRateHz && Decimator::supports(static_cast<int>(format.rateHz));
}

std::int16_t sampleAt(const Format& format, Bytes data, std::size_t index) {
  const std::size_t bytes = format.bits / 8;
  const std::size_t at = index * bytes;
  if (format.tag == kFloat) {
    const float value = std::bit_cast<float>(little32(data, at));
    // Not a number is silence.
    return value == value ? static_cast<std::int16_t>(std::clamp(value * 32768, -32768.0F, 32767.0F)) : 0;
  }
  if (bytes > 1) return static_cast<std::int16_t>(little16(data, at + bytes - 2));  // the rest is too fine
  if (format.tag == kALaw) return decodeALaw(data[at]);
  if (format.tag == kMuLaw) return decodeMuLaw(data[at]);
  return static_cast<std::int16_t>((data[at] - 128) * 256);
}

Recording split(const Format& format, Bytes data) {
  const std::size_t frames = data.size() / (format.bits / 8) / format.channels;
  Recording recording{.rateHz = static_cast<int>(format.rateHz), .channels = {}};
  for (std::size_t channel = 0; channel < format.channels; channel++) {
    std::vector<std::int16_t> samples(frames);
    for (std::size_t i = 0; i < frames; i++)
      samples[i] = sampleAt(format, data, i * format.channels + channel);
    recording.channels.push_back(std::move(samples));
  }
  return recording;
}

std::variant<Recording, std::string> parse(Bytes file) {
  if (file.empty()) return std::string("it is empty; expected a recording: copy it here once more");
  if (file.size() < 12 || !isTag(file, 0, "RIFF") || !isTag(file, 8, "WAVE"))
    return std::string("it is no RIFF WAVE file") + kExpected;
  Format format;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t declared = little32(file, at + 4);
    const std::size_t rest = file.size() - at - 8;
    const Bytes chunk = file.subspan(at + 8, std::min(declared, rest));
    if (isTag(file, at, "fmt ") && chunk.size() >= 16) {
      format = readFormat(chunk);
      if (!isReadable(format)) {
        return "it is format " + std::to_string(format.tag) + ", " + std::to_string(format.channels) +
               " channels, " + std::to_string(format.rateHz) + " Hz, " + std::to_string(format.bits) +
               " bits" + kExpected;
      }
    } else if (isTag(file, at, "data")) {
      if (format.channels == 0) return std::string("its samples come before its format") + kExpected;
      // A recorder that was cut off, or wrote to a pipe, left a length of 0 or one beyond the end.
      return split(format, declared == 0 ? file.subspan(at + 8) : chunk);
    }
    at += 8 + declared + declared % 2;
  }
  return std::string("it has no samples") + kExpected;
}

}  // namespace

std::vector<std::int16_t> atDetectorRate(const std::vector<std::int16_t>& channel, int rateHz) {
  if (rateHz == kSampleRateHz) return channel;
  Decimator decimator(rateHz);
  std::vector<std::int16_t> out(decimator.mostOut(channel.size()) + decimator.mostOut(decimator.delay()));
  std::size_t count = decimator.feed(channel, out);
  const std::vector<std::int16_t> silence(decimator.delay());  // so that the last sample counts too
  count += decimator.feed(silence, std::span(out).subspan(count));
  out.resize(count);
  return out;
}

std::variant<Recording, std::string> readRecording(const std::string& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown))
    return std::string(
        "it is a directory in which no WAV file can be seen; expected recordings (*.wav) in it");
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) return std::string(std::strerror(errno)) + "; expected a WAV file that can be read";
  const std::streamoff size = stream.tellg();
  if (size < 0) return std::string("it cannot be read") + kExpected;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(bytes.data()), size);
  if (stream.gcount() != size) return std::string("it cannot be read to its end") + kExpected;
  return parse(bytes);
}

std::optional<std::string> writeRecording(const std::string& path, const Recording& recording) {
  const std::size_t channels = recording.channels.size();
  const std::size_t frames = channels == 0 ? 0 : recording.channels[0].size();
  std::vector<std::uint8_t> bytes;
  bytes.reserve(44 + 2 * channels * frames);
  const auto put = [&](std::size_t value, int count) {
    for (int i = 0; i < count; i++) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  };
  const auto tag = [&](std::string_view text) { bytes.insert(bytes.end(), text.begin(), text.end()); };
  tag("RIFF");
  put(36 + 2 * channels * frames, 4);
  tag("WAVEfmt ");
  put(16, 4);
  put(1, 2);  // PCM
  put(channels, 2);
  put(8000, 4);
  put(2 * channels * 8000, 4);
  put(2 * channels, 2);
  put(16, 2);
  tag("data");
  put(2 * channels * frames, 4);
  for (std::size_t frame = 0; frame < frames; frame++) {
    for (const auto& channel : recording.channels) put(static_cast<std::uint16_t>(channel[frame]), 2);
  }
  std::error_code unable;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, unable);
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) return std::string(std::strerror(errno)) + "; expected a place where a file can be written";
  return std::nullopt;
}

}  // namespace hushpay
