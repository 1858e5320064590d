#include "codec/g711.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace hushpay {
namespace {

constexpr unsigned kMuLawBias = 132;  // 33 of the 14-bit scale of G.711 table 2, in 16 bits
constexpr unsigned kMuLawClip = 32635;
constexpr unsigned kALawToggle = 0x55;

constexpr std::int16_t expandMuLaw(unsigned code) noexcept {
  const unsigned bits = ~code & 0xff;
  const unsigned segment = (bits >> 4) & 7;
  const int magnitude =
      static_cast<int>((((bits & 15) << 3) + kMuLawBias) << segment) - static_cast<int>(kMuLawBias);
  return static_cast<std::int16_t>((bits & 0x80) != 0 ? -magnitude : magnitude);
}

constexpr std::int16_t expandALaw(unsigned code) noexcept {
  const unsigned bits = code ^ kALawToggle;
  const unsigned segment = (bits >> 4) & 7;
  const unsigned mantissa = ((bits & 15) << 4) + 8;
  const auto magnitude = static_cast<int>(segment == 0 ? mantissa : (mantissa + 0x100) << (segment - 1));
  return static_cast<std::int16_t>((bits & 0x80) != 0 ? magnitude : -magnitude);
}

template <typename Expand>
constexpr std::array<std::int16_t, 256> makeTable(Expand expand) {
  std::array<std::int16_t, 256> table{};
  for (unsigned code = 0; code < table.size(); code++) table[code] = expand(code);
  return table;
}

constexpr auto kMuLawTable = makeTable(expandMuLaw);
constexpr auto kALawTable = makeTable(expandALaw);

/// Magnitude of a 16-bit sample as G.711's own reference takes it: one's complement, so that -32768 fits.
constexpr unsigned magnitudeOf(std::int16_t sample) noexcept {
  return static_cast<unsigned>(sample < 0 ? ~sample : sample);
}

/// A-law looks at the upper 12 bits only, and bit_width() does not vectorise: a table is seven times as fast.
std::array<std::uint8_t, 4096> makeALawCodes() {
  std::array<std::uint8_t, 4096> codes{};
  for (std::size_t n = 0; n < codes.size(); n++) {
    codes[n] = encodeALaw(static_cast<std::int16_t>(static_cast<int>(n << 4) - 32'768));
  }
  return codes;
}

const auto kALawCodes = makeALawCodes();

std::uint8_t lookUpALaw(std::int16_t sample) noexcept {
  return kALawCodes[static_cast<std::size_t>(sample + 32'768) >> 4];
}

// Eight samples that are looked at as one.
using Samples = std::int16_t __attribute__((vector_size(16)));
using Codes = std::uint8_t __attribute__((vector_size(8)));
constexpr std::size_t kLanes = 8;

/// The codes of eight samples: as encodeMuLaw(), without a branch and without a table.
void encodeMuLaw(const std::int16_t* pcm, std::uint8_t* codes) noexcept {
  Samples sample;
  std::memcpy(&sample, pcm, sizeof sample);
  const Samples sign = sample >> 15;
  Samples biased = (sample ^ sign) & ~3;
  const Samples isLoud = biased > static_cast<std::int16_t>(kMuLawClip);
  biased = (biased & ~isLoud) | (isLoud & static_cast<std::int16_t>(kMuLawClip));
  biased += static_cast<std::int16_t>(kMuLawBias);
  Samples mantissa = biased >> 3;
  Samples segment{};
  for (int least = 256; least <= 16'384; least *= 2) {
    const Samples isThere = biased >= static_cast<std::int16_t>(least);
    mantissa = ((mantissa >> 1) & isThere) | (mantissa & ~isThere);
    segment -= isThere;
  }
  const Samples code = ~((segment << 4) | (mantissa & 15) | (sign & 0x80)) & 0xff;
  const auto narrow = __builtin_convertvector(code, Codes);
  std::memcpy(codes, &narrow, sizeof narrow);
}

}  // namespace

std::uint8_t encodeMuLaw(std::int16_t sample) noexcept {
  // The two bits below the 14-bit scale are dropped before the bias is added.
  const unsigned biased = std::min(magnitudeOf(sample) & ~3u, kMuLawClip) + kMuLawBias;
  const unsigned segment = static_cast<unsigned>(std::bit_width(biased)) - 8;
  const unsigned code = (segment << 4) | ((biased >> (segment + 3)) & 15);
  return static_cast<std::uint8_t>(~(sample < 0 ? code | 0x80 : code));
}

std::uint8_t encodeALaw(std::int16_t sample) noexcept {
  const unsigned magnitude = magnitudeOf(sample) >> 4;
  const unsigned width = static_cast<unsigned>(std::bit_width(magnitude));
  const unsigned segment = width > 4 ? width - 4 : 0;
  const unsigned mantissa = (magnitude >> (segment > 0 ? segment - 1 : 0)) & 15;
  return static_cast<std::uint8_t>(((sample < 0 ? 0u : 0x80u) | (segment << 4) | mantissa) ^ kALawToggle);
}

std::int16_t decodeMuLaw(std::uint8_t code) noexcept { return kMuLawTable[code]; }
std::int16_t decodeALaw(std::uint8_t code) noexcept { return kALawTable[code]; }

G711Decoder::G711Decoder(Codec law) noexcept
    : table_(law == Codec::kPcmu ? kMuLawTable.data() : kALawTable.data()) {}

std::size_t G711Decoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  if (sampleCount(payload) == 0) return 0;
  std::ranges::transform(payload, pcm.begin(), [this](std::uint8_t code) { return table_[code]; });
  return payload.size();
}

std::size_t G711Decoder::sampleCount(ByteView payload) const noexcept {
  return payload.size() <= kMaxDecodedSamples ? payload.size() : 0;
}

std::size_t G711Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (pcm.size() > payload.size()) return 0;
  std::size_t done = 0;
  if (law_ == Codec::kPcmu) {
    for (; done + kLanes <= pcm.size(); done += kLanes) encodeMuLaw(&pcm[done], &payload[done]);
    for (; done < pcm.size(); done++) payload[done] = encodeMuLaw(pcm[done]);
  } else {
    for (; done < pcm.size(); done++) payload[done] = lookUpALaw(pcm[done]);
  }
  return pcm.size();
}

}  // namespace hushpay
