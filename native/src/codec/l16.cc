#include "codec/l16.h"

#include <array>

namespace hushpay {
namespace {

void read(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  for (std::size_t n = 0; n < pcm.size(); n++) pcm[n] = static_cast<std::int16_t>(readU16(payload, 2 * n));
}

void write(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  for (std::size_t n = 0; n < pcm.size(); n++) writeU16(payload, 2 * n, static_cast<std::uint16_t>(pcm[n]));
}

}  // namespace

std::size_t L16Decoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  const std::size_t count = sampleCount(payload);
  read(payload, pcm.first(count));
  return count;
}

std::size_t L16Decoder::sampleCount(ByteView payload) const noexcept {
  return payload.size() % 2 == 0 && payload.size() / 2 <= kMaxDecodedSamples ? payload.size() / 2 : 0;
}

std::size_t L16Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (2 * pcm.size() > payload.size()) return 0;
  write(pcm, payload);
  return 2 * pcm.size();
}

std::size_t WideL16Decoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  const std::size_t count = sampleCount(payload);
  std::array<std::int16_t, 2 * kMaxDecodedSamples> wide;
  const auto samples = std::span(wide).first(2 * count);
  read(payload, samples);
  decimator_.process(samples, pcm.first(count));
  return count;
}

std::size_t WideL16Decoder::sampleCount(ByteView payload) const noexcept {
  return payload.size() % 4 == 0 && payload.size() / 4 <= kMaxDecodedSamples ? payload.size() / 4 : 0;
}

std::size_t WideL16Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (4 * pcm.size() > payload.size() || pcm.size() > kMaxEncodedSamples) return 0;
  std::array<std::int16_t, 2 * kMaxEncodedSamples> wide;
  const auto samples = std::span(wide).first(2 * pcm.size());
  interpolator_.process(pcm, samples);
  write(samples, payload);
  return 4 * pcm.size();
}

}  // namespace hushpay
