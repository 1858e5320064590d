#include "media/encoded_frames.h"

#include <string.h>

#include <algorithm>

namespace hushpay {

const EncodedFrames::Frame* EncodedFrames::find(Codec codec, const OpusWishes& wishes,
                                                std::span<const std::int16_t> pcm) const noexcept {
  const auto kept = std::span(frames_).first(count_);
  const auto found = std::ranges::find_if(kept, [&](const Frame& frame) {
    return frame.codec == codec && frame.wishes == wishes &&
           std::ranges::equal(std::span(frame.pcm).first(frame.sampleCount), pcm);
  });
  return found == kept.end() ? nullptr : &*found;
}

void EncodedFrames::keep(Codec codec, const OpusWishes& wishes, const AudioEncoder& encoder,
                         std::span<const std::int16_t> pcm, ByteView payload) noexcept {
  if (count_ == kMost) return;
  Frame& frame = frames_[count_++];
  frame.codec = codec;
  frame.wishes = wishes;
  frame.encoder = &encoder;
  frame.sampleCount = pcm.size();
  std::ranges::copy(pcm, frame.pcm.begin());
  frame.size = payload.size();
  std::ranges::copy(payload, frame.payload.begin());
}

void EncodedFrames::clear() noexcept {
  for (Frame& frame : std::span(frames_).first(count_)) {
    explicit_bzero(frame.pcm.data(), frame.sampleCount * sizeof frame.pcm[0]);
    explicit_bzero(frame.payload.data(), frame.size);
  }
  count_ = 0;
}

}  // namespace hushpay
