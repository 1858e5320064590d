#include "media/room.h"

#include <string.h>

#include <algorithm>
#include <cmath>

#include "media/session.h"

namespace hushpay {
namespace {

constexpr std::size_t kSamplesPerTick = Session::kTickMs * 8;
}  // namespace

Room::Room(std::uint32_t id, EventSink* events) noexcept : id_(id), events_(events) {
  sit(few_, fewVoices_, fewPrompts_);
}

Room::~Room() = default;

Room::Seats* Room::makeSeats(std::size_t members) {
  const std::size_t there = seats_.empty() ? kFew : seats_.back()->members.size();
  if (members > there) seats_.push_back(std::make_unique<Seats>(std::min(2 * there, kMaxMembers)));
  return seats_.empty() ? nullptr : seats_.back().get();
}

/// The members there are take these places, in their order.
void Room::sit(std::span<Member> members, std::span<Ear> voices, std::span<Ear> prompts) noexcept {
  const std::size_t width = members.size();
  for (std::size_t i = 0; i < width; i++) {
    Member& member = members[i];
    const auto ownVoices = voices.subspan(i * width, width);
    const auto ownPrompts = prompts.subspan(i * width, width);
    if (i < members_.size()) {
      Member& before = members_[i];
      member = before;
      std::ranges::copy(before.voices, ownVoices.begin());
      std::ranges::copy(before.prompts, ownPrompts.begin());
      explicit_bzero(before.prompt.data(), sizeof before.prompt);
      explicit_bzero(before.frame.data(), sizeof before.frame);
      before = Member{};
    }
    member.voices = ownVoices;
    member.prompts = ownPrompts;
  }
  members_ = members;
}

bool Room::join(Session& session, Voice& voice, Seats* seats) noexcept {
  if (find(session) != nullptr) return true;
  if (seats != nullptr && seats->members.size() > members_.size())
    sit(seats->members, seats->voices, seats->prompts);
  const auto free = std::ranges::find(members_, nullptr, &Member::session);
  if (free == members_.end()) return false;
  Member& member = *free;
  places_ = std::max(places_, indexOf(member) + 1);
  member.session = &session;
  member.voice = &voice;
  member.prompts[indexOf(member)].hearing.access = Access::kOpen;
  member.isGliding = true;
  session.enter(*this, voice, indexOf(member));
  change();
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
  for (Ear& ear : member->voices) cutTap(ear);
  std::ranges::fill(member->voices, Ear{});
  std::ranges::fill(member->prompts, Ear{});
  *member = Member{.voices = member->voices, .prompts = member->prompts};
  sinceDirect_[index] = 0;
  speaker_.forget(index);
  forget(index);
}

void Room::leaveAll() noexcept {
  for (Member& member : taken()) {
    if (member.session != nullptr) leave(*member.session);
  }
}

void Room::cutTap(Ear& ear) noexcept {
  if (ear.tap != nullptr) ear.tap->wipe();
  ear.tap = nullptr;
}

/// Nobody hears any longer what stood in this place.
void Room::forget(std::size_t index) noexcept {
  for (Member& member : taken()) {
    member.stepped = member.stepped || member.voices[index].gain != 0 || member.prompts[index].gain != 0;
    cutTap(member.voices[index]);
    member.voices[index] = Ear{};
    member.prompts[index] = Ear{};
  }
  for (std::size_t speaker = 0; speaker < places_; speaker++) serve(speaker);
  change();
}

void Room::hear(const Session& listener, const Session& speaker, Source source, const Hearing& hearing,
                DelayTap* tap) noexcept {
  Member* to = find(listener);
  Member* from = find(speaker);
  if (to == nullptr || from == nullptr) return;
  const std::size_t index = indexOf(*from);
  Ear& ear = source == Source::kVoice ? to->voices[index] : to->prompts[index];
  const bool isSameStream = ear.hearing.access == hearing.access && ear.hearing.mode == hearing.mode &&
                            ear.hearing.delayMs == hearing.delayMs;
  if (!isSameStream && ear.gain != 0) {
    to->stepped = true;  // not a sample more of what it heard before; the step is smoothed, not the sound
    if (hearing.access == Access::kNone) ear.gain = 0;
    // What waits for the rest of its packet has not been looked at.
    if (hearing.access == Access::kClamped)
      std::ranges::fill(std::span(to->frame).first(to->filled), std::int16_t{0});
  }
  if (!isSameStream) {
    cutTap(ear);
    ear.tap = hearing.access != Access::kNone && hearing.delayMs > 0 ? tap : nullptr;
    if (ear.tap != nullptr) ear.tap->restart(hearing.delayMs * kSamplesPerMs);
  }
  ear.hearing = hearing;
  to->isGliding = true;
  serve(index);
  change();
}

void Room::serve(std::size_t speaker) noexcept {
  if (members_[speaker].session == nullptr) return;
  std::array<Hearing, kMaxMembers> listeners;
  for (std::size_t i = 0; i < places_; i++) listeners[i] = members_[i].voices[speaker].hearing;
  members_[speaker].voice->serve(std::span(listeners).first(places_));
}

void Room::tick() noexcept {
  if (ticksToBlock_ > 0) {
    ticksToBlock_--;
    return;
  }
  if (isSettled_ && staysSettled()) return;
  look();
  blockTicks_ = blockTicks();
  ticksToBlock_ = static_cast<std::uint8_t>(blockTicks_ - 1);
  const std::size_t count = blockTicks_ * kSamplesPerTick;
  if (!chooseWays(count)) return;
  prompts_ = 0;
  for (Member& member : taken()) {
    if (member.session != nullptr) speak(member, count);
  }
  mix(count);
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
  if (member.prompting) prompting_[prompts_++] = static_cast<std::uint16_t>(indexOf(member));
}

void Room::tellSpeaker(std::size_t elapsedMs) noexcept {
  if (!follows_ || events_ == nullptr) return;
  std::array<float, kMaxMembers> levels;
  for (std::size_t i = 0; i < places_; i++) {
    const Member& member = members_[i];
    levels[i] = member.session != nullptr ? member.voice->speechDbm0() : VoiceFigures::kFaintest;
  }
  const auto change = speaker_.note(std::span(levels).first(places_), elapsedMs);
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
  return session.room() == this ? &members_[session.place()] : nullptr;
}

}  // namespace hushpay
