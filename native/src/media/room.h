#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "codec/codec.h"
#include "media/encoded_frames.h"
#include "media/event.h"
#include "media/hearing.h"
#include "media/limiter.h"
#include "media/speaker_watch.h"
#include "media/voice.h"

namespace hushpay {

class Session;

/// What was heard of a session, in stream order.
struct Speech {
  std::span<const std::int16_t> samples{};  // zeros unless `what` is kAudio; at most Playout::kMaxDelay
  Heard what = Heard::kAudio;
  Codec codec = Codec::kPcmu;
  ByteView payload{};   // that the samples were decoded from; empty if there is none
  bool wasSent = true;  // false: of kLost, its sender left it out
};

/// Where sessions hear each other: a mix for each of them, made of the others' voices and of everybody's
/// prompts as a matrix says. Who has said nothing about a pair means not at all, except that prompts reach
/// the peer of their own session.
///
/// Members who hear the same, as monitors do, are mixed for once, and encoded for once where their codecs are
/// equal.
///
/// The IPC thread makes a room and deletes it once it is retired; between, it is the media thread's. All is
/// allocated with it.
class Room {
 public:
  static constexpr std::size_t kMaxMembers = 16;

  /// @param events  told who speaks, once followSpeaker() was called; null: nobody is
  explicit Room(std::uint32_t id = 0, EventSink* events = nullptr) noexcept : id_(id), events_(events) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// @param voice  the session's own, made before
  /// @return false if the room is full
  bool join(Session& session, Voice& voice) noexcept;
  /// A session that is not here stays as it is.
  void leave(Session& session) noexcept;
  void leaveAll() noexcept;

  /// What `listener` is to hear of `speaker`, from the next frame on; both are members.
  void hear(const Session& listener, const Session& speaker, Source source, const Hearing& hearing) noexcept;

  /// A member has spoken: straight on to those who hear nothing else, or into the mix (room_direct.cc).
  void pass(const Session& session, const Speech& speech) noexcept;
  /// From now on kActiveSpeaker says who speaks when that changes.
  void followSpeaker() noexcept { follows_ = true; }

  /// What a packet of a member needs of it, in two steps; the second is what its listeners send.
  void prefetch() const noexcept;
  void prefetchListeners(const Session& speaker) const noexcept;

  /// Called every Session::kTickMs, after the packets of this tick have been heard.
  void tick() noexcept;
  /// A member has something else to send, or has changed what it sends.
  void stir() noexcept { isSettled_ = false; }

  void retire() noexcept { retired_.store(true, std::memory_order_release); }
  [[nodiscard]] bool retired() const noexcept { return retired_.load(std::memory_order_acquire); }

 private:
  static constexpr std::size_t kMaxBlock = Playout::kMaxBlock;
  static constexpr std::size_t kMaxFrame = 480;  // 60 ms

  /// A cell of the matrix.
  struct Ear {
    Hearing hearing{};
    float gain = 0;  // reached so far; glides to the one wanted within a block
  };
  struct Member {
    Session* session = nullptr;
    Voice* voice = nullptr;
    std::array<Ear, kMaxMembers> voices{};   // by speaker
    std::array<Ear, kMaxMembers> prompts{};  // by speaker
    bool prompting = false;                  // its player has filled `prompt`
    std::array<std::int16_t, kMaxBlock> prompt{};
    std::array<std::int16_t, kMaxFrame> frame{};  // towards its peer, being filled
    std::size_t filled = 0;
    std::size_t packet = 0;  // samples of what its peer sent last
    Limiter limiter{};
    float last = 0;         // sample of the mix before
    bool stepped = false;   // something has gone from the mix
    bool isPlain = false;   // as a speaker: whoever hears it hears no other voice, and it as it is
    bool isDirect = false;  // as a listener: it was served directly in the block before
  };

  [[nodiscard]] std::span<Member> taken() noexcept { return std::span(members_).first(places_); }
  [[nodiscard]] std::span<const Member> taken() const noexcept { return std::span(members_).first(places_); }
  [[nodiscard]] Member* find(const Session& session) noexcept;
  [[nodiscard]] std::size_t indexOf(const Member& member) const noexcept {
    return static_cast<std::size_t>(&member - members_.data());
  }
  void forget(std::size_t index) noexcept;
  void serve(std::size_t speaker) noexcept;
  [[nodiscard]] std::uint8_t blockTicks() const noexcept;
  void speak(Member& member, std::size_t count) noexcept;
  using Mix = std::array<float, kMaxBlock>;
  using Places = std::array<bool, kMaxMembers>;

  void listen(std::size_t listener, Places& served, std::size_t count) noexcept;
  [[nodiscard]] bool hearSame(const Member& one, const Member& other) const noexcept;
  void mixFor(Member& member, std::span<std::int16_t> samples) noexcept;
  static void settle(Member& member, std::span<const std::int16_t> mix) noexcept;
  void send(Member& member, std::span<const std::int16_t> mix, EncodedFrames* shared) noexcept;
  void tellSpeaker(std::size_t elapsedMs) noexcept;

  // Voices that go straight on (room_direct.cc)
  void findPlain() noexcept;
  [[nodiscard]] bool isPlain(std::size_t speaker) const noexcept;
  [[nodiscard]] bool isFree(const Member& listener) const noexcept;
  bool chooseWays(std::size_t count) noexcept;
  void trySettle() noexcept;
  bool staysSettled() noexcept;
  [[nodiscard]] bool hears(const Member& listener, std::size_t speaker) const noexcept {
    return listener.session != nullptr && listener.voices[speaker].hearing.access != Access::kNone;
  }

  const std::uint32_t id_;
  bool follows_ = false;
  bool isSettled_ =
      false;  // every voice goes straight on and nothing else is to be sent: a block has no work
  std::uint8_t ticksToBlock_ = 0;
  std::uint8_t blockTicks_ = 1;
  std::uint16_t listening_ = 0;                           // while settled: places of those who are sent to
  std::array<std::uint16_t, kMaxMembers> sinceDirect_{};  // blocks begun since a packet of such a voice
  std::size_t places_ = 0;                                // that were ever taken
  EventSink* const events_;
  SpeakerWatch speaker_{};
  EncodedFrames encoded_{};
  std::array<Member, kMaxMembers> members_{};
  std::atomic<bool> retired_{false};
};

}  // namespace hushpay
