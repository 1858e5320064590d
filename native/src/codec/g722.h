#pragma once

#include <array>

#include "codec/codec.h"
#include "codec/g722_band.h"
#include "codec/resampler.h"

namespace hushpay {

/// G.722 at 64 kbit/s, samples at 16000 Hz to a byte per two samples. Two sub-bands of ADPCM behind a
/// quadrature mirror filter; the lower takes six bits, the higher two.
///
///    bit  7 6 | 5 4 3 2 1 0
///        high | low
class G722Analyser {
 public:
  /// @param wide  twice as long as `payload`
  void encode(std::span<const std::int16_t> wide, ByteSpan payload) noexcept;
  void wipe() noexcept;

 private:
  std::uint8_t encodePair(int low, int high) noexcept;

  std::array<int, 24> past_{};
  G722Band low_{32};
  G722Band high_{8};
};

class G722Synthesiser {
 public:
  /// @param wide  twice as long as `payload`
  void decode(ByteView payload, std::span<std::int16_t> wide) noexcept;
  void wipe() noexcept;

 private:
  std::array<int, 24> past_{};
  G722Band low_{32};
  G722Band high_{8};
};

/// G.722 of samples at 8000 Hz: what lies above 4000 Hz is nothing in what we send and is dropped from what
/// we hear.
class G722Decoder final : public AudioDecoder {
 public:
  std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept override;
  [[nodiscard]] std::size_t sampleCount(ByteView payload) const noexcept override;
  void reset() noexcept override;

 private:
  G722Synthesiser synthesiser_{};
  HalfBandDecimator decimator_{};
};

class G722Encoder final : public AudioEncoder {
 public:
  std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept override;
  void follow(const AudioEncoder& other) noexcept override { *this = static_cast<const G722Encoder&>(other); }
  void reset() noexcept override;

 private:
  HalfBandInterpolator interpolator_{};
  G722Analyser analyser_{};
};

}  // namespace hushpay
