#include "codec/l16.h"

namespace hushpay {

std::size_t L16Decoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  const std::size_t count = payload.size() / 2;
  if (payload.size() % 2 != 0 || count > pcm.size()) return 0;
  for (std::size_t n = 0; n < count; n++) pcm[n] = static_cast<std::int16_t>(readU16(payload, 2 * n));
  return count;
}

std::size_t L16Encoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  if (2 * pcm.size() > payload.size()) return 0;
  for (std::size_t n = 0; n < pcm.size(); n++) writeU16(payload, 2 * n, static_cast<std::uint16_t>(pcm[n]));
  return 2 * pcm.size();
}

}  // namespace hushpay
