#include "codec/g711.h"

#include <algorithm>
#include <array>
#include <bit>

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

/// As encodeMuLaw(), without a branch and without a table, so that many samples are looked at as one: a
/// floating-point number has the segment as its exponent, and the code's four bits as the first of its
/// fraction.
std::uint8_t lookUpMuLaw(std::int16_t sample) noexcept {
  constexpr int kFractionBits = 23;
  constexpr int kFirstExponent = 127 + 7;
  const int sign = sample >> 15;
  const int biased =
      std::min((sample ^ sign) & ~3, static_cast<int>(kMuLawClip)) + static_cast<int>(kMuLawBias);
  const int code =
      (std::bit_cast<int>(static_cast<float>(biased)) >> (kFractionBits - 4)) - (kFirstExponent << 4);
  return static_cast<std::uint8_t>(~(code | (sign & 0x80)));
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
  std::ranges::transform(payload, pcm.begin(), [table = table_](std::uint8_t code) { return table[code]; });
  return payload.size();
}

std::size_t G711Decoder::sampleCount(ByteView payload) const noexcept {
  return payload.size() <= kMaxDecodedSamples ? payload.size() : 0;
}

std::size_t G711Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (pcm.size() > payload.size()) return 0;
  if (law_ == Codec::kPcmu)
    std::ranges::transform(pcm, payload.begin(), lookUpMuLaw);
  else
    std::ranges::transform(pcm, payload.begin(), lookUpALaw);
  return pcm.size();
}

}  // namespace hushpay
