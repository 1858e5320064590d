#include "codec/codec.h"

#include "codec/g711.h"
#include "codec/l16.h"

namespace hushpay {

std::unique_ptr<AudioDecoder> makeDecoder(Codec codec) {
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
      return std::make_unique<G711Decoder>(codec);
    case Codec::kL16:
      return std::make_unique<L16Decoder>();
    default:
      return nullptr;
  }
}

std::unique_ptr<AudioEncoder> makeEncoder(Codec codec) {
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
      return std::make_unique<G711Encoder>(codec);
    case Codec::kL16:
      return std::make_unique<L16Encoder>();
    default:
      return nullptr;
  }
}

}  // namespace hushpay
