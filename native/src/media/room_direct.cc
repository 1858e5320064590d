#include <algorithm>

#include "media/room.h"
#include "media/session.h"

namespace hushpay {

/// After a change of who hears whom; what has ceased to be plain is mixed from the next packet on.
void Room::findPlain() noexcept {
  for (std::size_t speaker = 0; speaker < places_; speaker++) {
    Member& member = members_[speaker];
    member.isPlain = member.session != nullptr && isPlain(speaker);
    if (member.session != nullptr && !member.isPlain) member.voice->way().leave();
  }
}

/// Somebody hears this voice, and all who do hear no other; they hear it unchanged, in one of its streams.
bool Room::isPlain(std::size_t speaker) const noexcept {
  bool isHeard = false;
  bool isOpen = false;
  bool isClamped = false;
  for (const Member& listener : taken()) {
    if (!hears(listener, speaker)) continue;
    const auto voices = std::ranges::count_if(std::span(listener.voices).first(places_), [](const Ear& ear) {
      return ear.hearing.access != Access::kNone;
    });
    const Hearing& hearing = listener.voices[speaker].hearing;
    if (voices != 1 || hearing.gain != 1 || hearing.delayMs != 0) return false;
    isHeard = true;
    (hearing.access == Access::kOpen ? isOpen : isClamped) = true;
  }
  return isHeard && !(isOpen && isClamped);
}

/// Nothing but voices is to be sent to this listener now.
bool Room::isFree(const Member& listener) const noexcept {
  if (!listener.session->sendsAudioOnly()) return false;
  return std::ranges::none_of(std::span(prompting_).first(prompts_), [&](std::uint16_t player) {
    return listener.prompts[player].hearing.access != Access::kNone;
  });
}

/// Before every block. What comes in longer packets than a listener gets waits for the clock of the mix,
/// which sends them evenly.
/// @return false if there is to be none: to somebody who is to have the mix again a packet was sent less than
/// a block ago, and the next would be too early each time
bool Room::chooseWays(std::size_t count) noexcept {
  prompts_ = 0;
  for (const Member& member : taken()) {
    if (member.session != nullptr && member.session->isPlaying())
      prompting_[prompts_++] = static_cast<std::uint16_t>(indexOf(member));
  }
  std::size_t direct = 0;
  std::array<std::uint16_t, kMaxMembers> ways;
  for (std::size_t speaker = 0; speaker < places_; speaker++) {
    Member& member = members_[speaker];
    if (member.session == nullptr) continue;
    const bool isWanted = member.isPlain && std::ranges::all_of(taken(), [&](const Member& listener) {
                            return !hears(listener, speaker) ||
                                   (isFree(listener) && member.packet <= listener.session->ptimeMs() * 8);
                          });
    member.voice->way().choose(isWanted, count);
    if (member.voice->way().isDirect()) ways[direct++] = static_cast<std::uint16_t>(speaker);
  }
  bool isTime = true;
  for (Member& listener : taken()) {
    if (listener.session == nullptr) continue;
    const bool wasDirect = listener.isDirect;
    listener.isDirect = std::ranges::any_of(std::span(ways).first(direct),
                                            [&](std::uint16_t speaker) { return hears(listener, speaker); });
    std::uint16_t& sinceDirect = sinceDirect_[indexOf(listener)];
    if (wasDirect && !listener.isDirect) {
      if (sinceDirect == 0) isTime = false;
      if (sinceDirect > 1) listener.session->pause((sinceDirect - 1U) * count);
    }
    sinceDirect++;
  }
  return isTime;
}

/// Behind a block: as long as packets come evenly and nothing else happens, the next ones need no look at the
/// members, who are all over the memory.
void Room::trySettle() noexcept {
  listening_.reset();
  for (const Member& member : taken()) {
    if (member.session == nullptr) continue;
    if (!member.isDirect || member.prompting || !member.voice->way().isDirect()) return;
    listening_.set(indexOf(member));
  }
  isSettled_ = listening_.any() && !follows_;
}

/// @return false if somebody was sent nothing since the block before
bool Room::staysSettled() noexcept {
  for (std::size_t i = 0; i < places_; i++) {
    if (listening_[i] && sinceDirect_[i] != 0) return isSettled_ = false;
  }
  for (std::size_t i = 0; i < places_; i++) sinceDirect_[i]++;
  ticksToBlock_ = static_cast<std::uint8_t>(blockTicks_ - 1);
  return true;
}

void Room::prefetch() const noexcept {
  constexpr std::size_t kMost = 3;  // that nearly every room has
  hushpay::prefetch(this, 128);
  for (std::size_t i = 0; i < kMost; i++) {
    hushpay::prefetch(&few_[i], 64);
    hushpay::prefetch(&few_[i].filled, 64);
  }
  hushpay::prefetch(&members_, 64);
}

void Room::prefetchListeners(const Session& speaker) const noexcept {
  if (places_ > kFew) return;  // no cache holds them all
  for (const Member& member : taken()) {
    if (member.session != nullptr && member.session != &speaker) member.session->prefetchSending();
  }
}

void Room::pass(const Session& session, const Speech& speech) noexcept {
  look();
  Member& speaker = *find(session);
  Voice& voice = *speaker.voice;
  if (speech.what == Heard::kAudio) speaker.packet = speech.samples.size();
  if (!voice.goesDirect()) {
    stir();
    return voice.hear(speech.samples, speech.what);
  }
  const std::size_t index = indexOf(speaker);
  const std::size_t count = speech.samples.size();
  const bool isUntouched = voice.isUntouched();
  std::array<bool, kMaxMembers> isServed{};
  bool areServed = true;
  std::size_t listeners = 0;
  for (std::size_t i = 0; i < places_; i++) {
    Member& listener = members_[i];
    if (!hears(listener, index)) continue;
    sinceDirect_[i] = 0;
    listener.isDirect = true;
    listeners++;
    if (isUntouched && listener.filled == 0 && speech.what == Heard::kAudio)
      isServed[i] = listener.session->sendAsItCame(speech.codec, speech.payload, count);
    else if (isUntouched && listener.filled == 0 && speech.what == Heard::kLost)
      isServed[i] = listener.session->leaveOut(count, speech.wasSent);
    areServed = areServed && isServed[i];
  }
  if (areServed && speech.what == Heard::kLost) return voice.leaveOut(count);
  for (std::size_t at = 0; at < count; at += kMaxBlock) {
    voice.hearDirect(speech.samples.subspan(at, std::min(kMaxBlock, count - at)), speech.what);
    for (std::size_t i = 0; i < places_; i++) {
      Member& listener = members_[i];
      if (!hears(listener, index)) continue;
      Ear& ear = listener.voices[index];
      const auto block = voice.block(ear.hearing);
      ear.gain = ear.hearing.gain;
      listener.last = block.back();
      if (!isServed[i]) send(listener, block, listeners > 1 ? &encoded_ : nullptr);
    }
    encoded_.clear();
  }
}

}  // namespace hushpay
