#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec/codec.h"
#include "media/delay_tap.h"
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
/// equal. Members who hear everybody but themselves get the sum of all voices less their own, so that a large
/// conference costs what its members cost, not their square.
///
/// The IPC thread makes a room and deletes it once it is retired; between, it is the media thread's. It has
/// places for a few members; more are allocated by the IPC thread and handed over with who needs them.
class Room {
 public:
  static constexpr std::size_t kMaxMembers = 128;
  struct Seats;

  /// @param events  told who speaks, once followSpeaker() was called; null: nobody is
  explicit Room(std::uint32_t id = 0, EventSink* events = nullptr) noexcept;
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// IPC thread, before one more joins. Allocates.
  /// @param members  there will be; at most kMaxMembers
  /// @return for join()
  Seats* makeSeats(std::size_t members);

  /// @param voice  the session's own, made before
  /// @param seats  of makeSeats(); null: there are enough
  /// @return false if the room is full
  bool join(Session& session, Voice& voice, Seats* seats) noexcept;
  /// A session that is not here stays as it is.
  void leave(Session& session) noexcept;
  void leaveAll() noexcept;

  /// What `listener` is to hear of `speaker`, from the next frame on; both are members.
  /// @param tap  of this pair, where the voice is to be heard later; outlives the room
  void hear(const Session& listener, const Session& speaker, Source source, const Hearing& hearing,
            DelayTap* tap = nullptr) noexcept;

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
  static constexpr std::size_t kFew = 4;         // members of most rooms

  /// A cell of the matrix.
  struct Ear {
    Hearing hearing{};
    float gain = 0;  // reached so far; glides to the one wanted within a block
    DelayTap* tap = nullptr;
  };
  static constexpr std::uint16_t kNobody = kMaxMembers;
  struct Member {
    Session* session = nullptr;
    Voice* voice = nullptr;
    std::span<Ear> voices{};           // by speaker
    std::span<Ear> prompts{};          // by speaker
    bool prompting = false;            // its player has filled `prompt`
    bool isGliding = false;            // it has not heard a block yet since it was told what to hear
    bool hearsUsual = false;           // everybody's usual_ but its own voice, and nothing else
    std::uint16_t nextSame = kNobody;  // who hears the same voices
    bool isFirstSame = true;           // nobody before it hears the same voices
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
  void sit(std::span<Member> members, std::span<Ear> voices, std::span<Ear> prompts) noexcept;
  static void cutTap(Ear& ear) noexcept;
  void forget(std::size_t index) noexcept;
  void serve(std::size_t speaker) noexcept;
  [[nodiscard]] std::uint8_t blockTicks() const noexcept;
  void speak(Member& member, std::size_t count) noexcept;
  void send(Member& member, std::span<const std::int16_t> mix, EncodedFrames* shared) noexcept;
  void tellSpeaker(std::size_t elapsedMs) noexcept;

  // What is heard (room_mix.cc)
  void change() noexcept;
  void look() noexcept;
  void findUsual() noexcept;
  void findSame() noexcept;
  void mix(std::size_t count) noexcept;
  void listen(Member& first, std::size_t count) noexcept;
  [[nodiscard]] bool hearsAlike(const Member& one, const Member& other) const noexcept;
  void mixFor(Member& member, std::span<std::int16_t> samples) noexcept;
  void addVoices(const Member& member, std::span<float> mix) noexcept;
  void addOthers(const Member& member, std::span<float> mix) noexcept;
  static void settle(Member& member, std::span<const std::int16_t> mix) noexcept;

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
  std::bitset<kMaxMembers> listening_{};                  // while settled: places of those who are sent to
  std::array<std::uint16_t, kMaxMembers> sinceDirect_{};  // blocks begun since a packet of such a voice
  std::size_t places_ = 0;                                // that were ever taken
  EventSink* const events_;
  SpeakerWatch speaker_{};
  EncodedFrames encoded_{};
  std::span<Member> members_;  // few_, or those of the newest seats
  bool isChanged_ = false;     // who hears whom, since look()
  bool hasUsual_ = false;      // enough members hear the usual for the sum of all to pay
  bool hasSum_ = false;        // of this block
  std::array<float, kMaxBlock> sum_{};
  std::array<std::uint16_t, kMaxMembers>
      prompting_{};          // places of those whose players have something to play
  std::size_t prompts_ = 0;  // how many
  std::array<Member, kFew> few_{};
  std::array<Ear, kFew * kFew> fewVoices_{};
  std::array<Ear, kFew * kFew> fewPrompts_{};
  std::array<Hearing, kMaxMembers> usual_{};   // by speaker: how those who hear it do
  std::vector<std::unique_ptr<Seats>> seats_;  // IPC thread; those before are kept until the room goes
  std::atomic<bool> retired_{false};
};

/// Places for more than a few.
struct Room::Seats {
  explicit Seats(std::size_t count) : members(count), voices(count * count), prompts(count * count) {}

  std::vector<Member> members;
  std::vector<Ear> voices;
  std::vector<Ear> prompts;
};

}  // namespace hushpay
