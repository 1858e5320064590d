#pragma once

#include <array>
#include <memory>

#include "codec/codec.h"
#include "rtp/prefetch.h"

namespace hushpay {

/// The decoders and encoders of one session, one of each codec it has ever agreed on, so that changing back
/// and forth does not allocate. The IPC thread stocks it before it posts the command that needs it; the queue
/// between the threads makes that visible.
class CodecShelf {
 public:
  /// IPC thread. Does nothing for a codec that is there already.
  void stock(Codec codec);

  /// Media thread; the codec has been stocked.
  [[nodiscard]] AudioDecoder& decoder(Codec codec) noexcept { return *decoders_[indexOf(codec)]; }
  [[nodiscard]] AudioEncoder& encoder(Codec codec) noexcept { return *encoders_[indexOf(codec)]; }

  void prefetch(Codec codec) const noexcept {
    hushpay::prefetch(decoders_[indexOf(codec)].get(), 64);
    hushpay::prefetch(encoders_[indexOf(codec)].get(), 64);
  }

  /// While neither thread uses it.
  void wipe() noexcept;

 private:
  static constexpr std::size_t indexOf(Codec codec) noexcept { return static_cast<std::size_t>(codec); }

  std::array<std::unique_ptr<AudioDecoder>, kCodecCount> decoders_{};
  std::array<std::unique_ptr<AudioEncoder>, kCodecCount> encoders_{};
};

}  // namespace hushpay
