#include "media/room.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "media/session.h"

namespace hushpay {
namespace {

constexpr std::size_t kSamplesPerTick = Session::kTickMs * 8;
constexpr std::size_t kStepSamples = 40;  // 5 ms: in which the step that a cut leaves dies away

/// Adds samples, their gain gliding from one value to the other.
void add(std::span<float> mix, std::span<const std::int16_t> samples, float from, float to) noexcept {
  const float step = (to - from) / static_cast<float>(samples.size());
  for (std::size_t i = 0; i < samples.size(); i++) {
    mix[i] += static_cast<float>(samples[i]) * (from + step * static_cast<float>(i + 1));
  }
}

}  // namespace

bool Room::join(Session& session, Voice& voice) noexcept {
  if (find(session) != nullptr) return true;
  const auto free = std::ranges::find(members_, nullptr, &Member::session);
  if (free == members_.end()) return false;
  Member& member = *free;
  places_ = std::max(places_, indexOf(member) + 1);
  member.session = &session;
  member.voice = &voice;
  member.prompts[indexOf(member)].hearing.access = Access::kOpen;
  session.enter(*this, voice);
  stir();
  return true;
}

void Room::leave(Session& session) noexcept {
  Member* member = find(session);
  if (member == nullptr) return;
  session.leaveRoom();
  member->voice->leave();
  const std::size_t index = indexOf(*member);
  explicit_bzero(member->prompt.data(), sizeof member->prompt);
  explicit_bzero(member->frame.data(), sizeof member->frame);
  *member = Member{};
  sinceDirect_[index] = 0;
  speaker_.forget(index);
  forget(index);
}

void Room::leaveAll() noexcept {
  for (Member& member : members_) {
    if (member.session != nullptr) leave(*member.session);
  }
}

/// Nobody hears any longer what stood in this place.
void Room::forget(std::size_t index) noexcept {
  for (Member& member : members_) {
    member.stepped = member.stepped || member.voices[index].gain != 0 || member.prompts[index].gain != 0;
    member.voices[index] = Ear{};
    member.prompts[index] = Ear{};
  }
  for (std::size_t speaker = 0; speaker < kMaxMembers; speaker++) serve(speaker);
  findPlain();
}

void Room::hear(const Session& listener, const Session& speaker, Source source,
                const Hearing& hearing) noexcept {
  Member* to = find(listener);
  Member* from = find(speaker);
  if (to == nullptr || from == nullptr) return;
  const std::size_t index = indexOf(*from);
  Ear& ear = source == Source::kVoice ? to->voices[index] : to->prompts[index];
  const bool isSameStream = ear.hearing.access == hearing.access && ear.hearing.mode == hearing.mode;
  if (!isSameStream && ear.gain != 0) {
    to->stepped = true;  // not a sample more of what it heard before; the step is smoothed, not the sound
    if (hearing.access == Access::kNone) ear.gain = 0;
    // What waits for the rest of its packet has not been looked at.
    if (hearing.access == Access::kClamped)
      std::ranges::fill(std::span(to->frame).first(to->filled), std::int16_t{0});
  }
  ear.hearing = hearing;
  serve(index);
  findPlain();
}

void Room::serve(std::size_t speaker) noexcept {
  if (members_[speaker].session == nullptr) return;
  std::array<Hearing, kMaxMembers> listeners{};
  for (std::size_t i = 0; i < kMaxMembers; i++) listeners[i] = members_[i].voices[speaker].hearing;
  members_[speaker].voice->serve(listeners);
}

void Room::tick() noexcept {
  if (ticksToBlock_ > 0) {
    ticksToBlock_--;
    return;
  }
  if (isSettled_ && staysSettled()) return;
  blockTicks_ = blockTicks();
  ticksToBlock_ = static_cast<std::uint8_t>(blockTicks_ - 1);
  const std::size_t count = blockTicks_ * kSamplesPerTick;
  if (!chooseWays(count)) return;
  for (Member& member : taken()) {
    if (member.session != nullptr) speak(member, count);
  }
  Places served{};
  for (std::size_t i = 0; i < places_; i++) {
    if (members_[i].session != nullptr && !served[i] && !members_[i].isDirect) listen(i, served, count);
  }
  tellSpeaker(count / kSamplesPerMs);
  trySettle();
}

/// A block is 20 ms where that fits everybody's packets: so none waits for its second half.
std::uint8_t Room::blockTicks() const noexcept {
  constexpr std::size_t kBlockMs = kMaxBlock / 8;
  const bool fits = std::ranges::all_of(taken(), [](const Member& member) {
    return member.session == nullptr || member.session->ptimeMs() % kBlockMs == 0;
  });
  return fits ? kBlockMs / Session::kTickMs : 1;
}

void Room::speak(Member& member, std::size_t count) noexcept {
  if (!member.voice->way().isDirect()) {
    member.session->hasten(count);
    member.voice->render(count);
  }
  member.prompting = member.session->renderPrompt(std::span(member.prompt).first(count));
}

/// Mixes for a member, and for all behind it who hear the same.
void Room::listen(std::size_t listener, Places& served, std::size_t count) noexcept {
  Member& first = members_[listener];
  Places same{};
  bool isShared = false;
  for (std::size_t i = listener + 1; i < kMaxMembers; i++) {
    same[i] = members_[i].session != nullptr && !served[i] && hearSame(first, members_[i]);
    isShared = isShared || same[i];
  }
  std::array<std::int16_t, kMaxBlock> samples;
  const auto mix = std::span(samples).first(count);
  mixFor(first, mix);
  settle(first, mix);
  send(first, mix, isShared ? &encoded_ : nullptr);
  for (std::size_t i = listener + 1; isShared && i < kMaxMembers; i++) {
    if (!same[i]) continue;
    members_[i].limiter = first.limiter;
    settle(members_[i], mix);
    send(members_[i], mix, &encoded_);
    served[i] = true;
  }
  encoded_.clear();
}

/// Whether the next block is the same for both, to the sample.
bool Room::hearSame(const Member& one, const Member& other) const noexcept {
  const auto isSame = [](const Ear& a, const Ear& b) {
    const bool isNone = a.hearing.access == Access::kNone && b.hearing.access == Access::kNone;
    return isNone || (a.hearing == b.hearing && a.gain == b.gain);
  };
  if (one.stepped || other.stepped || one.limiter != other.limiter) return false;
  for (std::size_t i = 0; i < kMaxMembers; i++) {
    if (!isSame(one.voices[i], other.voices[i])) return false;
    if (members_[i].prompting && !isSame(one.prompts[i], other.prompts[i])) return false;
  }
  return true;
}

void Room::mixFor(Member& member, std::span<std::int16_t> samples) noexcept {
  Mix block{};
  const auto mix = std::span(block).first(samples.size());
  for (std::size_t i = 0; i < kMaxMembers; i++) {
    const Member& speaker = members_[i];
    const Ear& voice = member.voices[i];
    if (voice.hearing.access != Access::kNone)
      add(mix, speaker.voice->block(voice.hearing), voice.gain, voice.hearing.gain);
    const Ear& prompts = member.prompts[i];
    if (prompts.hearing.access != Access::kNone && speaker.prompting)
      add(mix, std::span(speaker.prompt).first(samples.size()), prompts.gain, prompts.hearing.gain);
  }
  if (member.stepped) {
    const float step = member.last - mix[0];
    for (std::size_t i = 0; i < kStepSamples; i++) {
      mix[i] += step * (1 - static_cast<float>(i + 1) / static_cast<float>(kStepSamples + 1));
    }
  }
  member.limiter.apply(mix);
  for (std::size_t i = 0; i < samples.size(); i++) samples[i] = static_cast<std::int16_t>(std::lrint(mix[i]));
}

/// The member has heard this block.
void Room::settle(Member& member, std::span<const std::int16_t> mix) noexcept {
  for (std::size_t i = 0; i < kMaxMembers; i++) {
    for (Ear* ear : {&member.voices[i], &member.prompts[i]}) {
      if (ear->hearing.access != Access::kNone) ear->gain = ear->hearing.gain;
    }
  }
  member.stepped = false;
  member.last = mix.back();
}

void Room::tellSpeaker(std::size_t elapsedMs) noexcept {
  if (!follows_ || events_ == nullptr) return;
  std::array<float, kMaxMembers> levels;
  for (std::size_t i = 0; i < kMaxMembers; i++) {
    const Member& member = members_[i];
    levels[i] = member.session != nullptr ? member.voice->speechDbm0() : VoiceFigures::kFaintest;
  }
  const auto change = speaker_.note(levels, elapsedMs);
  if (!change) return;
  const bool isSomebody = *change != SpeakerWatch::kNobody;
  MediaEvent event{.kind = MediaEvent::Kind::kActiveSpeaker,
                   .session = isSomebody ? members_[*change].session->id() : 0};
  event.room = id_;
  event.levelDbm0 = isSomebody ? levels[*change] : VoiceFigures::kFaintest;
  events_->emit(event);
}

/// Blocks into packets: they need not be of one length.
void Room::send(Member& member, std::span<const std::int16_t> mix, EncodedFrames* shared) noexcept {
  const std::size_t size = member.session->ptimeMs() * 8;
  while (member.filled >= size) {  // its packets have become shorter meanwhile
    member.session->sendMix(std::span(member.frame).first(size), nullptr);
    member.filled -= size;
    std::copy_n(member.frame.begin() + static_cast<std::ptrdiff_t>(size), member.filled,
                member.frame.begin());
  }
  while (!mix.empty()) {
    const std::size_t part = std::min(size - member.filled, mix.size());
    std::ranges::copy(mix.first(part), member.frame.begin() + static_cast<std::ptrdiff_t>(member.filled));
    member.filled += part;
    mix = mix.subspan(part);
    if (member.filled < size) continue;
    member.session->sendMix(std::span(member.frame).first(size), shared);
    member.filled = 0;
  }
}

Room::Member* Room::find(const Session& session) noexcept {
  const auto found = std::ranges::find(taken(), &session, &Member::session);
  return found == taken().end() ? nullptr : &*found;
}

}  // namespace hushpay
