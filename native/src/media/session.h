#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "codec/codec_shelf.h"
#include "dsp/tone_detector.h"
#include "dsp/tone_generator.h"
#include "media/dc_offset.h"
#include "media/encoded_frames.h"
#include "media/event.h"
#include "media/payload_types.h"
#include "media/player.h"
#include "media/press_pairs.h"
#include "media/stream_settings.h"
#include "media/voice.h"
#include "rtp/event_receiver.h"
#include "rtp/event_sender.h"
#include "rtp/packet.h"
#include "rtp/receive_stats.h"
#include "rtp/redundancy.h"
#include "rtp/reorder_buffer.h"
#include "rtp/rtcp.h"
#include "rtp/stream_clock.h"
#include "secure/srtp.h"

namespace hushpay {

class Room;
struct Speech;

/// Unpredictable first values of what a session sends (RFC 3550 section 8.1, RFC 7022 for the name).
struct StreamSeed {
  std::uint32_t ssrc = 0;
  std::uint32_t timestamp = 0;
  std::uint16_t sequence = 0;
  std::array<char, 24> cname{};  // zero-terminated
};

struct SessionCounts {
  std::uint64_t packetsReceived = 0;
  std::uint64_t packetsSent = 0;
  std::uint64_t packetsShared = 0;  // of them: with what was encoded for another listener of the same
  std::int64_t packetsLost = 0;
  std::uint64_t packetsLate = 0;
  std::uint64_t packetsDuplicate = 0;
  std::uint64_t packetsForeign = 0;
  std::uint64_t packetsMalformed = 0;
  std::uint64_t packetsUnknownType = 0;
  std::uint64_t packetsUndecodable = 0;  // of a codec agreed on, but none of its payloads
  std::uint64_t eventsReceived = 0;
  std::uint64_t tonesDetected = 0;
  double jitterMs = 0;
  double roundTripMs = 0;
  double remoteLoss = 0;
  std::uint64_t starvedMs = 0;
  VoiceFigures voice{};  // of what was heard in rooms
  ClampReport clamp{};
};

/// Where a session's streams are, for the worker that takes them up after this one. No key, no digit.
struct StreamPosition {
  StreamSeed next{};  // of the packet that would be sent next
  double atMs = 0;    // CLOCK_MONOTONIC
  SessionCounts counts{};
  std::uint32_t packetsSent = 0;  // as sender reports say
  std::uint32_t octetsSent = 0;
  std::array<std::uint32_t, 2> presses{};  // by carrier
  std::array<bool, 2> pressed{};           // a press was reported and has not ended
  SrtpPosition sent{};                     // of protected streams; ssrc 0 = none
  SrtpPosition received{};
};

/// One leg's media: what arrives goes through sequence, decoder and key detectors, and in a room becomes a
/// voice there; what leaves is the player's audio, the room's mix or a key. Made whole on the IPC thread,
/// then owned by the media thread until it is retired; knows packets, not sockets.
class Session {
 public:
  Session(std::uint32_t id, const StreamSeed& seed, std::uint32_t mediaTimeoutMs, PacketSink& packets,
          EventSink& events);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Goes on where another worker's session stopped; before the first connect().
  void resume(const StreamPosition& position, double nowMs) noexcept;
  [[nodiscard]] StreamPosition position(double nowMs) const noexcept;
  /// IPC thread, before the command that connects with this codec is posted. Allocates.
  void prepare(Codec codec) { codecs_.stock(codec); }

  void connect(const StreamSettings& settings, double nowMs) noexcept;
  /// Of what connect() said; a phrase waits while nothing is sent, and the clock of the stream goes on.
  void setSending(bool sending) noexcept;
  void play(const PlayItem& item) noexcept;
  void stopPlay(std::uint32_t play) noexcept;
  void sendKey(std::uint8_t key, std::uint32_t durationMs) noexcept;
  /// A key of the peer came by signalling.
  void cover(std::uint32_t durationMs) noexcept;

  /// @param arrivalMs  CLOCK_MONOTONIC
  void receiveRtp(ByteView datagram, double arrivalMs) noexcept;
  void receiveRtcp(ByteView datagram, double arrivalMs) noexcept;
  void countForeign() noexcept { counts_.packetsForeign++; }

  /// Hands out what waited, sends the frame that is due, watches the time-outs: every kTickMs, or from
  /// dueMs() on.
  void tick(double nowMs) noexcept;
  /// When tick() has something to do, unless a packet or a command comes before; 0: every time.
  [[nodiscard]] double dueMs() const noexcept;
  static constexpr double kNeverMs = std::numeric_limits<double>::infinity();

  /// What the next packet touches, in three steps: each when the one before has come.
  void prefetch() const noexcept;
  void prefetchVoice() const noexcept;
  void prefetchNext() const noexcept;
  /// What is touched to send a packet.
  void prefetchSending() const noexcept;

  /// Says BYE and wipes what could hold a digit. Nothing is sent afterwards.
  void close(double nowMs) noexcept;

  /// Does a telephone-event cover any of these samples of the peer's stream? True from the first report of a
  /// press to its end; for samples that have been passed on already, too, when the report comes late.
  /// @param timestamp  RTP time of the first sample
  [[nodiscard]] bool eventCovers(std::uint32_t timestamp, std::uint32_t sampleCount) const noexcept;

  [[nodiscard]] SessionCounts counts() const noexcept;
  [[nodiscard]] std::uint32_t playItemsConsumed() const noexcept { return player_.consumed(); }
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  /// Changes with every press that begins or ends.
  [[nodiscard]] std::uint32_t pressEdges() const noexcept {
    const auto edges = [&](std::size_t carrier) {
      return 2 * presses_[carrier] - (pressed_[carrier] ? 1 : 0);
    };
    return edges(0) + edges(1);
  }
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// Packets of its peer come.
  [[nodiscard]] bool isHeard(double nowMs) const noexcept {
    return connected_ && hasStream_ && nowMs - lastPacketMs_ < kHeardMs;
  }
  /// None have come for so long that none may come.
  [[nodiscard]] bool isSilent(double nowMs) const noexcept {
    return connected_ && nowMs - lastPacketMs_ >= kSilentMs;
  }
  [[nodiscard]] std::uint32_t ptimeMs() const noexcept { return settings_.ptimeMs; }

  /// In a room, its clock asks for what tick() would have sent. For Room alone.
  void enter(Room& room, Voice& voice, std::size_t place) noexcept;
  void leaveRoom() noexcept;
  [[nodiscard]] Room* room() const noexcept { return room_; }
  /// Where the room keeps it.
  [[nodiscard]] std::size_t place() const noexcept { return place_; }
  /// Waits no longer for packets out of turn if the voice would be short of so many samples.
  void hasten(std::size_t sampleCount) noexcept;
  /// The player's next samples. @return false if they are nothing but idle silence
  bool renderPrompt(std::span<std::int16_t> samples) noexcept;
  [[nodiscard]] bool isPlaying() const noexcept {
    return connected_ && settings_.sending && player_.playing();
  }
  /// Nothing but audio is due: no key is being pressed, and the peer does not hold the leg.
  [[nodiscard]] bool sendsAudioOnly() const noexcept {
    return connected_ && settings_.sending && !eventSender_.pressing() && !toneGenerator_.pressing();
  }
  /// Sends another's payload as it is. @return false if the peer takes no such packets
  bool sendAsItCame(Codec codec, ByteView payload, std::size_t sampleCount) noexcept;
  /// What would be sent is missing.
  /// @param wasSent  it was lost, and leaves a hole in the sequence numbers as well
  /// @return false if it is no whole number of packets
  bool leaveOut(std::size_t sampleCount, bool wasSent) noexcept;
  /// Nothing is sent for so long: the stream's clock goes on.
  void pause(std::size_t sampleCount) noexcept;
  /// Sends a packet of audio, or of the key that is being pressed; one ptime, overwritten.
  /// @param shared  what others who hear the same were sent; null: nobody does
  void sendMix(std::span<std::int16_t> frame, EncodedFrames* shared = nullptr) noexcept;

  static constexpr std::uint32_t kTickMs = 10;

 private:
  static constexpr double kHeardMs = 1000;
  static constexpr double kSilentMs = 10'000;

  // Incoming (session_receive.cc, session_hear.cc)
  bool admit(const RtpPacket& packet, double nowMs) noexcept;
  bool store(const RtpPacket& packet, const PayloadTypes::Meaning& meaning, bool isInTurn,
             double nowMs) noexcept;
  void take(const ReorderBuffer::Packet& packet, double nowMs) noexcept;
  void changeClock(std::uint32_t clockHz, double nowMs) noexcept;
  void restartStream(const RtpPacket& packet, double nowMs) noexcept;
  bool isReplay(std::uint16_t sequence) noexcept;
  void receiveCopies(const RedundantPacket& red, std::uint16_t sequence, double nowMs) noexcept;
  void receiveEvent(const EventPacket& packet, std::uint32_t clockHz, double nowMs) noexcept;
  void drain(double nowMs) noexcept;
  void hear(const ReorderBuffer::Packet& packet, Codec codec) noexcept;
  void hearSilence(const ReorderBuffer::Packet& packet) noexcept;
  void detect(std::span<const std::int16_t> samples, ToneEdges& edges) noexcept;
  [[nodiscard]] bool listensForTones() noexcept;
  void restartDetector(double onsetMs) noexcept;
  void fillUpTo(const ReorderBuffer::Packet& packet, AudioDecoder* decoder) noexcept;
  void hearGap(int samples, ByteView next, AudioDecoder* decoder, ToneEdges& edges) noexcept;
  void passOn(std::uint32_t timestamp, Speech speech) noexcept;
  void skip(std::size_t sampleCount, bool wasSent) noexcept;
  [[nodiscard]] int samplesSince(double momentMs) const noexcept;
  [[nodiscard]] std::uint32_t toTs(std::size_t samples) const noexcept;
  void report(KeyEdges& edges) noexcept;
  void report(ToneEdges& edges, std::int64_t fed) noexcept;
  bool isOfBefore(KeyCarrier carrier, double onsetMs) noexcept;
  void keyDown(KeyCarrier carrier, std::uint8_t key, double onsetMs) noexcept;
  void keyUp(KeyCarrier carrier, double onsetMs, std::uint32_t durationMs) noexcept;

  // Outgoing (session_send.cc)
  void sendFrame() noexcept;
  void passTime(std::size_t sampleCount) noexcept;
  void sendAudio(std::span<const std::int16_t> pcm, EncodedFrames* shared) noexcept;
  void sendPacket(std::uint8_t payloadType, bool marker, std::uint32_t timestamp, ByteView payload) noexcept;
  void sendReport(double nowMs, bool bye) noexcept;
  void yieldName(double nowMs) noexcept;
  void tell(const PlayNews& news) noexcept;

  const std::uint32_t id_;
  const std::uint32_t mediaTimeoutMs_;
  PacketSink& packets_;
  EventSink& events_;
  StreamSeed seed_;
  StreamSettings settings_{};
  PayloadTypes payloadTypes_{};
  bool connected_ = false;
  SessionCounts counts_{};
  CodecShelf codecs_{};

  // Incoming
  Codec heardCodec_ = Codec::kPcmu;
  bool hasStream_ = false;
  std::uint32_t remoteSsrc_ = 0;
  std::uint32_t candidateSsrc_ = 0;  // a new source must send two packets in sequence (RFC 3550 appendix A.1)
  std::uint16_t candidateSequence_ = 0;
  bool hasCandidate_ = false;
  int replayRun_ = 0;  // packets in sequence whose turn was over
  std::uint16_t replaySequence_ = 0;
  ReceiveStats received_{};
  ReorderBuffer reorder_{};
  StreamClock clock_{};
  std::uint32_t firstTs_ = 0;  // of the stream
  EventReceiver eventReceiver_{};
  DcOffset dcOffset_{};
  ToneDetector detector_{};
  bool listened_ = true;  // the detector has heard what came last
  bool heardBefore_ = false;
  bool gap_ = false;      // packets were lost, or could not be decoded, since the last one heard
  bool unknown_ = false;  // some since then were of a type that was not agreed on, or could not be decoded
  std::uint32_t expectedTs_ = 0;  // on the clock of the stream, as all timestamps of audio
  double lastPacketMs_ = 0;
  bool timedOut_ = false;
  std::array<std::uint32_t, 2> presses_{};  // by carrier
  std::array<bool, 2> pressed_{};           // by carrier: reported, and not ended
  double resumedMs_ = 0;                    // when another worker's session was taken up; 0 = never
  double silentMs_ = 0;                     // nobody sent for so long, then
  std::array<bool, 2> pressedBefore_{};     // by carrier: pressed_ of that session
  PressPairs pairs_{};
  std::array<bool, 2> isPart_{};  // by carrier: the press that is down has no reports of its own
  double tickMs_ = 0;
  Room* room_ = nullptr;
  std::size_t place_ = 0;
  Voice* voice_ = nullptr;            // while in a room
  const Voice* pastVoice_ = nullptr;  // its figures are kept

  // Outgoing
  Player player_{};
  EventSender eventSender_{};
  ToneGenerator toneGenerator_{};
  std::uint32_t ticksToFrame_ = 0;
  std::uint16_t sequence_;
  std::uint32_t timestamp_;
  bool talking_ = false;
  std::uint32_t packetsSent_ = 0;
  std::uint32_t octetsSent_ = 0;
  double nextReportMs_ = 0;
  /// In so many reports behind its last packet a sender says what it has sent (RFC 3550 section 6.4).
  static constexpr std::uint8_t kReportsOfSender = 2;
  std::uint8_t reportsSinceSent_ = kReportsOfSender;
  std::uint32_t lastSenderReport_ = 0;
  double lastSenderReportMs_ = 0;
  std::uint32_t reportJitter_;
  bool hasYielded_ = false;
};

}  // namespace hushpay
