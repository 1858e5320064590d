#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "rtp/bytes.h"

namespace hushpay {

// Inside the worker audio is linear 16-bit mono at 8000 Hz, whatever a peer speaks: a decoder makes that of
// payloads, an encoder payloads of that. kL16Wide is L16 at 16000 Hz; both L16 are for tests.
enum class Codec : std::uint8_t { kPcmu, kPcma, kG722, kOpus, kL16, kL16Wide };

constexpr std::size_t kCodecCount = 6;
constexpr std::uint32_t kSamplesPerMs = 8;
constexpr std::size_t kMaxDecodedSamples =
    120 * kSamplesPerMs;  // of one packet: Opus knows none longer (RFC 6716 section 3.2)
constexpr std::size_t kMaxEncodedSamples = 60 * kSamplesPerMs;

/// RTP clock of a codec in units per sample of ours, always a whole number. G.722 counts 8000 a second though
/// it samples 16,000 (RFC 3551 section 4.5.2), Opus 48,000 at any bandwidth (RFC 7587 section 4.1).
constexpr std::uint32_t tsPerSample(Codec codec) noexcept {
  switch (codec) {
    case Codec::kPcmu:
    case Codec::kPcma:
    case Codec::kG722:
    case Codec::kL16:
      return 1;
    case Codec::kL16Wide:
      return 2;
    case Codec::kOpus:
      return 6;
  }
  return 1;
}

constexpr std::uint32_t clockHzOf(Codec codec) noexcept { return 1000 * kSamplesPerMs * tsPerSample(codec); }

/// Whether we can send a codec in packets of this duration: Opus has no frame of 30 ms, and packets of L16
/// stay below an MTU.
constexpr bool hasFrame(Codec codec, std::uint32_t ptimeMs) noexcept {
  switch (ptimeMs) {
    case 10:
    case 20:
    case 40:
      return true;
    case 30:
      return codec != Codec::kOpus;
    case 60:
      return codec != Codec::kL16Wide;
    default:
      return false;
  }
}

/// What the peer asks of our Opus (RFC 7587 section 6.1). Other codecs have nothing to set.
struct OpusWishes {
  std::uint32_t maxBitrate = 0;  // bits per second; 0 = ours
  bool fec = false;              // it can use redundancy
  bool constantBitrate = false;

  friend bool operator==(const OpusWishes&, const OpusWishes&) = default;
};

/// Turns the payloads of one stream, in order, into samples. Made on the IPC thread; every call below belongs
/// to the media thread and does not allocate, lock, log or throw.
class AudioDecoder {
 public:
  virtual ~AudioDecoder() = default;

  /// @param pcm  room for kMaxDecodedSamples
  /// @return samples written; 0 if this is no payload of the codec
  virtual std::size_t decode(ByteView payload, std::span<std::int16_t> pcm) noexcept = 0;

  /// @return samples decode() would make of it; 0 if this is no payload of the codec
  [[nodiscard]] virtual std::size_t sampleCount(ByteView payload) const noexcept = 0;

  /// Real audio, no guess, of the packet before `next`, as far as `next` repeats it (Opus FEC). To be called
  /// before `next` is decoded. It is audio like any other: detector and clamp must hear it.
  /// @param pcm  as long as the gap
  /// @return samples written at the end of `pcm`
  virtual std::size_t recover(ByteView next, std::span<std::int16_t> pcm) noexcept {
    (void)next;
    (void)pcm;
    return 0;
  }

  /// Forgets the stream: the next payload begins another.
  virtual void reset() noexcept {}
  /// Leaves no audio behind.
  virtual void wipe() noexcept { reset(); }
};

/// Turns samples into the payloads of one stream. Threads as for AudioDecoder.
class AudioEncoder {
 public:
  virtual ~AudioEncoder() = default;

  /// @param pcm  10, 20, 30, 40 or 60 ms
  /// @param payload  room for kMaxPayloadSize
  /// @return bytes written
  virtual std::size_t encode(std::span<const std::int16_t> pcm, ByteSpan payload) noexcept = 0;

  virtual void configure(const OpusWishes& wishes) noexcept { (void)wishes; }
  /// Comes to where another encoder of the same codec and wishes is, so that what that one has just made may
  /// be sent to the peers of both. A decoder that was somewhere else finds in, as behind a loss.
  virtual void follow(const AudioEncoder& other) noexcept { (void)other; }
  virtual void reset() noexcept {}
  virtual void wipe() noexcept { reset(); }
};

/// IPC thread: these allocate.
std::unique_ptr<AudioDecoder> makeDecoder(Codec codec);
std::unique_ptr<AudioEncoder> makeEncoder(Codec codec);

}  // namespace hushpay
