#include "media/room.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "media/session.h"

namespace hushpay {
namespace {

constexpr std::size_t kSamplesPerTick = Session::kTickMs * 8;
constexpr std::size_t kStepSamples = 40;  // 5 ms: in which the step that a cut leaves dies away

using Mix = std::array<float, Playout::kMaxBlock>;

/// Adds samples, their gain gliding from one value to the other.
void add(Mix& mix, std::span<const std::int16_t> samples, float from, float to) noexcept {
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
  member.session = &session;
  member.voice = &voice;
  member.prompts[indexOf(member)].hearing.access = Access::kOpen;
  session.enter(*this, voice);
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
  const std::size_t ticks = blockTicks();
  ticksToBlock_ = ticks - 1;
  const std::size_t count = ticks * kSamplesPerTick;
  if (!chooseWays(count)) return;
  for (Member& member : members_) {
    if (member.session != nullptr) speak(member, count);
  }
  for (Member& member : members_) {
    if (member.session != nullptr && !member.isDirect) listen(member, count);
  }
}

/// A block is 20 ms where that fits everybody's packets: so none waits for its second half.
std::size_t Room::blockTicks() const noexcept {
  constexpr std::size_t kBlockMs = kMaxBlock / 8;
  const bool fits = std::ranges::all_of(members_, [](const Member& member) {
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

void Room::listen(Member& member, std::size_t count) noexcept {
  Mix mix{};
  for (std::size_t i = 0; i < kMaxMembers; i++) {
    const Member& speaker = members_[i];
    Ear& voice = member.voices[i];
    if (voice.hearing.access != Access::kNone) {
      add(mix, speaker.voice->block(voice.hearing), voice.gain, voice.hearing.gain);
      voice.gain = voice.hearing.gain;
    }
    Ear& prompts = member.prompts[i];
    if (prompts.hearing.access != Access::kNone) {
      if (speaker.prompting)
        add(mix, std::span(speaker.prompt).first(count), prompts.gain, prompts.hearing.gain);
      prompts.gain = prompts.hearing.gain;
    }
  }
  if (member.stepped) {
    const float step = member.last - mix[0];
    for (std::size_t i = 0; i < kStepSamples; i++) {
      mix[i] += step * (1 - static_cast<float>(i + 1) / static_cast<float>(kStepSamples + 1));
    }
    member.stepped = false;
  }
  member.last = mix[count - 1];
  std::array<std::int16_t, kMaxBlock> samples;
  for (std::size_t i = 0; i < count; i++) {
    samples[i] = static_cast<std::int16_t>(std::lrint(std::clamp(mix[i], -32768.0F, 32767.0F)));
  }
  send(member, std::span(samples).first(count));
}

/// Blocks into packets: they need not be of one length.
void Room::send(Member& member, std::span<const std::int16_t> mix) noexcept {
  const std::size_t size = member.session->ptimeMs() * 8;
  while (!mix.empty()) {
    if (member.filled >= size) member.filled = 0;  // its packets have become shorter meanwhile
    const std::size_t part = std::min(size - member.filled, mix.size());
    std::ranges::copy(mix.first(part), member.frame.begin() + static_cast<std::ptrdiff_t>(member.filled));
    member.filled += part;
    mix = mix.subspan(part);
    if (member.filled < size) continue;
    member.session->sendMix(std::span(member.frame).first(size));
    member.filled = 0;
  }
}

Room::Member* Room::find(const Session& session) noexcept {
  const auto found = std::ranges::find(members_, &session, &Member::session);
  return found == members_.end() ? nullptr : &*found;
}

}  // namespace hushpay
