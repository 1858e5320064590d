#include "codec/codec_shelf.h"

namespace hushpay {

void CodecShelf::stock(Codec codec) {
  const std::size_t at = indexOf(codec);
  if (!decoders_[at]) decoders_[at] = makeDecoder(codec);
  if (!encoders_[at]) encoders_[at] = makeEncoder(codec);
}

void CodecShelf::wipe() noexcept {
  for (const auto& decoder : decoders_) {
    if (decoder) decoder->wipe();
  }
  for (const auto& encoder : encoders_) {
    if (encoder) encoder->wipe();
  }
}

}  // namespace hushpay
