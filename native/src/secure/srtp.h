#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "rtp/bytes.h"
#include "secure/srtp_cipher.h"
#include "secure/srtp_key.h"

namespace hushpay {

constexpr std::size_t kMaxSrtpTrailer = 20;  // tag of 16 and the index word of RTCP

/// Protects what one leg sends (RFC 3711, RFC 7714). Made on the IPC thread, used on the media thread.
class SrtpSender {
 public:
  explicit SrtpSender(const SrtpKey& key);

  /// Protects the packet in `buffer` where it lies.
  /// @param buffer  has room for kMaxSrtpTrailer more bytes than `size`
  /// @return the new size; 0 if the packet must not be sent
  std::size_t protectRtp(ByteSpan buffer, std::size_t size) noexcept;
  std::size_t protectRtcp(ByteSpan buffer, std::size_t size) noexcept;

  [[nodiscard]] const SrtpPosition& position() const noexcept { return position_; }
  /// Goes on behind another process that may have sent a little more than it told: no index of RTCP is used
  /// twice
  /// (`rtcpIndex` is passed by kRtcpSkip), and packets of RTP count on from `index`.
  void resume(const SrtpPosition& position) noexcept;

  static constexpr std::uint32_t kRtcpSkip = 1024;

 private:
  SrtpShape shape_;
  SrtpCipher rtp_;
  SrtpCipher rtcp_;
  SrtpPosition position_{};
  bool hasSent_ = false;
};

/// Bits of what was received among the newest 64 (RFC 3711 section 3.3.2).
struct ReplayWindow {
  std::uint64_t seen = 0;  // bit n: newest - n

  [[nodiscard]] static bool isOutside(std::uint64_t newest, std::uint64_t index) noexcept {
    return index + 64 <= newest;
  }
  [[nodiscard]] bool has(std::uint64_t newest, std::uint64_t index) const noexcept {
    return index <= newest && (isOutside(newest, index) || ((seen >> (newest - index)) & 1) != 0);
  }
  /// @return the newest index from now on
  std::uint64_t add(std::uint64_t newest, std::uint64_t index) noexcept;
};

enum class Unprotected : std::uint8_t { kOk, kMalformed, kForged, kReplayed };

/// Takes the protection off what one leg receives: nothing of a packet is believed before its tag is right.
/// Fixed memory; knows the newest kSources sources of the peer. Made on the IPC thread, used on the media
/// thread.
class SrtpReceiver {
 public:
  static constexpr std::size_t kSources = 8;

  explicit SrtpReceiver(const SrtpKey& key);

  /// @param out   as large as the datagram; holds the plain packet when the result is kOk
  /// @param size  of the plain packet
  Unprotected unprotectRtp(ByteView datagram, ByteSpan out, std::size_t& size) noexcept;
  Unprotected unprotectRtcp(ByteView datagram, ByteSpan out, std::size_t& size) noexcept;

  /// The source that sent last.
  [[nodiscard]] SrtpPosition position() const noexcept;
  /// Goes on behind another process with the same key: what was received up to here is not taken again.
  void resume(const SrtpPosition& position) noexcept;
  /// The peer has changed its key: RFC 3711 section 3.3.1 keeps the roll-over counter, many peers begin at 0
  /// again. Both are tried.
  void expectSourcesOf(const SrtpReceiver& previous) noexcept;

 private:
  struct Source {
    std::uint32_t ssrc = 0;
    bool used = false;
    bool proven = false;  // a packet of it was right; before, `index` is a guess
    std::uint64_t index = 0;
    ReplayWindow window{};
    std::uint32_t rtcpIndex = 0;
    bool hasRtcp = false;
    ReplayWindow rtcpWindow{};
    std::uint32_t lastUse = 0;
  };

  [[nodiscard]] Source* find(std::uint32_t ssrc) noexcept;
  Source& claim(std::uint32_t ssrc) noexcept;
  void touch(Source& source) noexcept { source.lastUse = ++uses_; }
  std::optional<std::uint64_t> openFirst(ByteView datagram, std::size_t headerSize, const Source* source,
                                         ByteSpan out) noexcept;
  bool openRtp(ByteView datagram, std::size_t headerSize, std::uint64_t index, ByteSpan out) noexcept;
  bool openRtcp(ByteView datagram, std::uint32_t word, ByteSpan out) noexcept;

  SrtpShape shape_;
  SrtpCipher rtp_;
  SrtpCipher rtcp_;
  std::array<Source, kSources> sources_{};
  std::uint32_t uses_ = 0;
};

}  // namespace hushpay
