#include "codec/opus.h"

#include <opus/opus.h>
#include <string.h>

#include <algorithm>
#include <array>

namespace hushpay {
namespace {

constexpr opus_int32 kRateHz = 8000;
constexpr opus_int32 kBitrate = 24'000;
// Redundancy takes a good part of the bits. With no more than kBitrate one key in a hundred is bent beyond
// recognition, in packets of 10 ms one in twelve.
constexpr opus_int32 kFecBitrate = 32'000;
constexpr opus_int32 kMinBitrate = 6'000;        // RFC 7587 section 6.1
constexpr opus_int32 kComplexity = 3;            // half the time of 8, and every key survives
constexpr opus_int32 kExpectedLossPercent = 10;  // libopus adds no redundancy where it expects no loss
constexpr int kMaxFrames = 48;                   // of a packet (RFC 6716 section 3.2.5)
constexpr unsigned kFirstCeltConfig = 16;        // RFC 6716 table 2

std::vector<std::uint64_t> memoryOf(int bytes) {
  return std::vector<std::uint64_t>(static_cast<std::size_t>(bytes) / 8 + 1);
}

/// Whether the first frame of a packet repeats the frame before it. Its first bits are, for each channel, one
/// per 20 ms that tells of voice, then the one that tells of redundancy (RFC 6716 section 4.2.3).
bool hasRedundancy(ByteView packet) noexcept {
  if (packet.empty() || (packet[0] >> 3) >= kFirstCeltConfig) return false;
  const unsigned char* frames[kMaxFrames];
  std::array<opus_int16, kMaxFrames> sizes;
  const auto length = static_cast<opus_int32>(packet.size());
  if (opus_packet_parse(packet.data(), length, nullptr, frames, sizes.data(), nullptr) < 1) return false;
  if (sizes[0] < 1) return false;
  const int voiceBits = std::max(1, opus_packet_get_samples_per_frame(packet.data(), 48'000) / 960);
  const unsigned bits = frames[0][0];
  const bool isStereo = (packet[0] & 4) != 0;
  return ((bits >> (7 - voiceBits)) & 1) != 0 || (isStereo && ((bits >> (6 - 2 * voiceBits)) & 1) != 0);
}

}  // namespace

OpusAudioDecoder::OpusAudioDecoder() : memory_(memoryOf(opus_decoder_get_size(1))) {
  opus_decoder_init(state(), kRateHz, 1);
}

OpusDecoder* OpusAudioDecoder::state() noexcept { return reinterpret_cast<OpusDecoder*>(memory_.data()); }

std::size_t OpusAudioDecoder::decode(ByteView payload, std::span<std::int16_t> pcm) noexcept {
  if (payload.empty()) return 0;
  const int count = opus_decode(state(), payload.data(), static_cast<opus_int32>(payload.size()), pcm.data(),
                                static_cast<int>(pcm.size()), 0);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t OpusAudioDecoder::sampleCount(ByteView payload) const noexcept {
  const int count =
      opus_packet_get_nb_samples(payload.data(), static_cast<opus_int32>(payload.size()), kRateHz);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

std::size_t OpusAudioDecoder::recover(ByteView next, std::span<std::int16_t> pcm) noexcept {
  if (!hasRedundancy(next)) return 0;
  const auto frame = static_cast<std::size_t>(opus_packet_get_samples_per_frame(next.data(), kRateHz));
  if (frame > pcm.size()) return 0;
  const int count = opus_decode(state(), next.data(), static_cast<opus_int32>(next.size()),
                                pcm.last(frame).data(), static_cast<int>(frame), 1);
  return count == static_cast<int>(frame) ? frame : 0;
}

void OpusAudioDecoder::reset() noexcept { opus_decoder_ctl(state(), OPUS_RESET_STATE); }

void OpusAudioDecoder::wipe() noexcept {
  explicit_bzero(memory_.data(), memory_.size() * sizeof memory_[0]);
  opus_decoder_init(state(), kRateHz, 1);
}

OpusAudioEncoder::OpusAudioEncoder() : memory_(memoryOf(opus_encoder_get_size(1))) { wipe(); }

OpusEncoder* OpusAudioEncoder::state() noexcept { return reinterpret_cast<OpusEncoder*>(memory_.data()); }

std::size_t OpusAudioEncoder::encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept {
  const opus_int32 size = opus_encode(state(), pcm.data(), static_cast<int>(pcm.size()), payload.data(),
                                      static_cast<opus_int32>(payload.size()));
  return size > 0 ? static_cast<std::size_t>(size) : 0;
}

void OpusAudioEncoder::configure(const OpusWishes& wishes) noexcept {
  const bool isCapped = wishes.maxBitrate > 0 && wishes.maxBitrate < kFecBitrate;
  const bool fec = wishes.fec && !isCapped;
  const opus_int32 cap = isCapped ? static_cast<opus_int32>(wishes.maxBitrate) : kFecBitrate;
  opus_encoder_ctl(state(), OPUS_SET_BITRATE(std::clamp(fec ? kFecBitrate : kBitrate, kMinBitrate,
                                                        std::max(cap, kMinBitrate))));
  opus_encoder_ctl(state(), OPUS_SET_INBAND_FEC(fec ? 1 : 0));
  opus_encoder_ctl(state(), OPUS_SET_PACKET_LOSS_PERC(fec ? kExpectedLossPercent : 0));
  opus_encoder_ctl(state(), OPUS_SET_VBR(wishes.constantBitrate ? 0 : 1));
}

/// The state of an encoder is one block without addresses of its own: libopus allows copying it.
void OpusAudioEncoder::follow(const AudioEncoder& other) noexcept {
  std::ranges::copy(static_cast<const OpusAudioEncoder&>(other).memory_, memory_.begin());
}

void OpusAudioEncoder::reset() noexcept { opus_encoder_ctl(state(), OPUS_RESET_STATE); }

void OpusAudioEncoder::wipe() noexcept {
  explicit_bzero(memory_.data(), memory_.size() * sizeof memory_[0]);
  opus_encoder_init(state(), kRateHz, 1, OPUS_APPLICATION_VOIP);
  opus_encoder_ctl(state(), OPUS_SET_COMPLEXITY(kComplexity));
}

}  // namespace hushpay
