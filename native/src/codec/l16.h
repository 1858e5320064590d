#pragma once

#include "codec/codec.h"
#include "codec/resampler.h"

namespace hushpay {

// L16 (RFC 3551 section 4.5.11): samples as they are, the high byte first.

class L16Decoder final : public AudioDecoder {
 public:
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
  [[nodiscard]] std::size_t sampleCount(ByteView payload) const noexcept override;
};

class L16Encoder final : public AudioEncoder {
 public:
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;
};

/// The same at 16000 Hz.
class WideL16Decoder final : public AudioDecoder {
 public:
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
  [[nodiscard]] std::size_t sampleCount(ByteView payload) const noexcept override;
  void reset() noexcept override { decimator_.wipe(); }

 private:
  HalfBandDecimator decimator_{};
};

class WideL16Encoder final : public AudioEncoder {
 public:
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;
  void follow(const AudioEncoder& other) noexcept override {
    *this = static_cast<const WideL16Encoder&>(other);
  }
  void reset() noexcept override { interpolator_.wipe(); }

 private:
  HalfBandInterpolator interpolator_{};
};

}  // namespace hushpay
