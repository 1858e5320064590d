#include "codec/codec.h"

#include "codec/g711.h"
#include "codec/g722.h"
#include "codec/l16.h"
#include "codec/opus.h"

namespace hushpay {

std::unique_ptr<AudioDecoder> makeDecoder(Codec codec) {
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
      return std::make_unique<G711Decoder>(codec);
    case Codec::kG722:
      return std::make_unique<G722Decoder>();
    case Codec::kOpus:
      return std::make_unique<OpusAudioDecoder>();
    case Codec::kL16:
      return std::make_unique<L16Decoder>();
    case Codec::kL16Wide:
      return std::make_unique<WideL16Decoder>();
  }
  return nullptr;
}

std::unique_ptr<AudioEncoder> makeEncoder(Codec codec) {
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
      return std::make_unique<G711Encoder>(codec);
    case Codec::kG722:
      return std::make_unique<G722Encoder>();
    case Codec::kOpus:
      return std::make_unique<OpusAudioEncoder>();
    case Codec::kL16:
      return std::make_unique<L16Encoder>();
    case Codec::kL16Wide:
      return std::make_unique<WideL16Encoder>();
  }
  return nullptr;
}

}  // namespace hushpay
