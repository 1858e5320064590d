#include "media/wav.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace hushpay {
namespace {

constexpr std::size_t kMaxFileSize = 64u << 20;
constexpr std::size_t kFormatSize = 16;
constexpr std::uint32_t kPcm = 1;
constexpr std::uint32_t kExtensible = 0xfffe;

std::uint32_t littleU16(ByteView bytes, std::size_t at) {
  return bytes[at] | (std::uint32_t{bytes[at + 1]} << 8);
}

std::uint32_t littleU32(ByteView bytes, std::size_t at) {
  return littleU16(bytes, at) | (littleU16(bytes, at + 2) << 16);
}

bool isTag(ByteView bytes, std::size_t at, const char* tag) {
  return std::memcmp(bytes.data() + at, tag, 4) == 0;
}

std::string checkFormat(ByteView chunk) {
  if (chunk.size() < kFormatSize) return "its format chunk is too short";
  const std::uint32_t format = littleU16(chunk, 0);
  const std::uint32_t channels = littleU16(chunk, 2);
  const std::uint32_t rateHz = littleU32(chunk, 4);
  const std::uint32_t bits = littleU16(chunk, 14);
  const bool isPcm =
      format == kPcm || (format == kExtensible && chunk.size() >= 26 && littleU16(chunk, 24) == kPcm);
  if (isPcm && channels == 1 && rateHz == 8000 && bits == 16) return {};
  return "it is format " + std::to_string(format) + ", " + std::to_string(channels) + " channels, " +
         std::to_string(rateHz) + " Hz, " + std::to_string(bits) + " bits";
}

}  // namespace

WavResult parseWav(ByteView file) {
  if (file.size() < 12 || !isTag(file, 0, "RIFF") || !isTag(file, 8, "WAVE"))
    return "it is no RIFF WAVE file";
  bool hasFormat = false;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t declared = littleU32(file, at + 4);
    const ByteView chunk = file.subspan(at + 8, std::min(declared, file.size() - at - 8));
    if (isTag(file, at, "fmt ")) {
      if (std::string problem = checkFormat(chunk); !problem.empty()) return problem;
      hasFormat = true;
    } else if (isTag(file, at, "data")) {
      if (!hasFormat) return "its samples come before its format";
      if (chunk.size() < declared) return "it is cut short";
      std::vector<std::int16_t> samples(chunk.size() / 2);
      for (std::size_t i = 0; i < samples.size(); i++) {
        samples[i] = static_cast<std::int16_t>(littleU16(chunk, 2 * i));
      }
      if (samples.empty()) return "it has no samples";
      return samples;
    }
    at += 8 + declared + declared % 2;
  }
  return "it has no samples";
}

WavResult readWav(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::string(std::strerror(errno));
  std::vector<std::uint8_t> bytes;
  std::array<char, 65536> part;
  while (stream.read(part.data(), part.size()), stream.gcount() > 0) {
    bytes.insert(bytes.end(), part.begin(), part.begin() + stream.gcount());
    if (bytes.size() > kMaxFileSize) return "it is larger than 64 MiB";
  }
  return parseWav(bytes);
}

}  // namespace hushpay
