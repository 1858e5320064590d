#include <algorithm>
#include <cmath>

#include "media/room.h"
#include "media/session.h"

namespace hushpay {
namespace {

constexpr std::size_t kStepSamples = 40;   // 5 ms: in which the step that a cut leaves dies away
constexpr std::ptrdiff_t kLeastUsual = 4;  // fewer listeners do as well with a sum each

/// Adds samples, their gain gliding from one value to the other.
void add(std::span<float> mix, std::span<const std::int16_t> samples, float from, float to) noexcept {
  const float step = (to - from) / static_cast<float>(samples.size());
  for (std::size_t i = 0; i < samples.size(); i++) {
    mix[i] += static_cast<float>(samples[i]) * (from + step * static_cast<float>(i + 1));
  }
}

bool isSame(const Hearing& one, const Hearing& other) noexcept {
  return one == other || (one.access == Access::kNone && other.access == Access::kNone);
}

}  // namespace

/// Who hears whom is not what it was. A voice that goes straight on and may not any more is mixed at once.
void Room::change() noexcept {
  isChanged_ = true;
  stir();
  for (std::size_t speaker = 0; speaker < places_; speaker++) {
    const Member& member = members_[speaker];
    if (member.session == nullptr || !member.voice->way().isDirect()) continue;
    if (!isPlain(speaker)) member.voice->way().leave();
  }
}

/// Before the next packet or block: many changes come together, and are looked at once.
void Room::look() noexcept {
  if (!isChanged_) return;
  isChanged_ = false;
  findPlain();
  findUsual();
  findSame();
}

/// How most hear each voice, and who hears all of them so, but their own.
void Room::findUsual() noexcept {
  for (std::size_t speaker = 0; speaker < places_; speaker++) {
    const auto first =
        std::ranges::find_if(taken(), [&](const Member& member) { return hears(member, speaker); });
    usual_[speaker] = first == taken().end() ? Hearing{} : first->voices[speaker].hearing;
  }
  for (Member& listener : taken()) {
    const std::size_t own = indexOf(listener);
    listener.hearsUsual = listener.session != nullptr;
    for (std::size_t speaker = 0; speaker < places_ && listener.hearsUsual; speaker++) {
      const Ear& ear = listener.voices[speaker];
      const Hearing& expected = speaker == own ? Hearing{} : usual_[speaker];
      listener.hearsUsual = isSame(ear.hearing, expected) && ear.tap == nullptr;
    }
  }
  hasUsual_ = std::ranges::count(taken(), true, &Member::hearsUsual) >= kLeastUsual;
}

/// Who hears the same voices as somebody before. Of those who hear all but themselves nobody does.
void Room::findSame() noexcept {
  for (Member& member : taken()) {
    member.nextSame = kNobody;
    member.isFirstSame = true;
  }
  const auto hearSame = [&](const Member& one, const Member& other) {
    return other.session != nullptr &&
           std::ranges::equal(one.voices, other.voices, [](const Ear& a, const Ear& b) {
             return isSame(a.hearing, b.hearing) && a.tap == nullptr && b.tap == nullptr;
           });
  };
  for (std::size_t i = 0; i < places_; i++) {
    const bool isAlone = members_[i].hearsUsual && usual_[i].access != Access::kNone;
    if (members_[i].session == nullptr || !members_[i].isFirstSame || isAlone) continue;
    std::size_t last = i;
    for (std::size_t j = i + 1; j < places_; j++) {
      if (!members_[j].isFirstSame || !hearSame(members_[i], members_[j])) continue;
      members_[j].isFirstSame = false;
      members_[last].nextSame = static_cast<std::uint16_t>(j);
      last = j;
    }
  }
}

/// A block for everybody who is not served directly.
void Room::mix(std::size_t count) noexcept {
  hasSum_ = false;
  for (Member& member : taken()) {
    if (member.session != nullptr && member.isFirstSame) listen(member, count);
  }
}

/// Mixes for a member, and for all behind it who hear the same.
void Room::listen(Member& first, std::size_t count) noexcept {
  std::array<std::int16_t, kMaxBlock> samples;
  const auto mixed = std::span(samples).first(count);
  const Member* before = nullptr;  // whose block it is
  Limiter limiter;                 // of that, before the block
  for (Member* member = &first;; member = &members_[member->nextSame]) {
    if (!member->isDirect) {
      const bool isAgain = before != nullptr && !member->stepped && !member->isGliding &&
                           member->limiter == limiter && hearsAlike(*before, *member);
      if (isAgain) {
        member->limiter = before->limiter;
      } else {
        before = member->stepped || member->isGliding ? nullptr : member;
        limiter = member->limiter;
        mixFor(*member, mixed);
      }
      const bool isShared = first.nextSame != kNobody;
      settle(*member, mixed);
      send(*member, mixed, isShared ? &encoded_ : nullptr);
    }
    if (member->nextSame == kNobody) break;
  }
  encoded_.clear();
}

/// Of the prompts there are, too.
bool Room::hearsAlike(const Member& one, const Member& other) const noexcept {
  return std::ranges::all_of(std::span(prompting_).first(prompts_), [&](std::uint16_t player) {
    return isSame(one.prompts[player].hearing, other.prompts[player].hearing);
  });
}

void Room::mixFor(Member& member, std::span<std::int16_t> samples) noexcept {
  std::array<float, kMaxBlock> block{};
  const auto mix = std::span(block).first(samples.size());
  if (hasUsual_ && member.hearsUsual && !member.isGliding)
    addOthers(member, mix);
  else
    addVoices(member, mix);
  for (const std::uint16_t player : std::span(prompting_).first(prompts_)) {
    const Ear& prompts = member.prompts[player];
    if (prompts.hearing.access != Access::kNone)
      add(mix, std::span(members_[player].prompt).first(samples.size()), prompts.gain, prompts.hearing.gain);
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

/// One by one, each with its gain.
void Room::addVoices(const Member& member, std::span<float> mix) noexcept {
  for (std::size_t i = 0; i < places_; i++) {
    const Ear& ear = member.voices[i];
    if (ear.hearing.access == Access::kNone) continue;
    std::array<std::int16_t, kMaxBlock> later;
    auto voice = members_[i].voice->block(ear.hearing);
    if (ear.tap != nullptr) {
      std::ranges::copy(voice, later.begin());
      ear.tap->pass(std::span(later).first(voice.size()));
      voice = std::span(later).first(voice.size());
    }
    add(mix, voice, ear.gain, ear.hearing.gain);
  }
}

/// All, as everybody hears them who hears the usual, less its own. Whole numbers below 2^24 stay what they
/// are, so that where no gain is in it nothing of a member's own voice is left.
void Room::addOthers(const Member& member, std::span<float> mix) noexcept {
  const auto sum = std::span(sum_).first(mix.size());
  if (!hasSum_) {
    std::ranges::fill(sum, 0.0F);
    for (std::size_t i = 0; i < places_; i++) {
      const Hearing& hearing = usual_[i];
      if (hearing.access != Access::kNone)
        add(sum, members_[i].voice->block(hearing), hearing.gain, hearing.gain);
    }
    hasSum_ = true;
  }
  std::ranges::copy(sum, mix.begin());
  const Hearing& own = usual_[indexOf(member)];
  if (own.access != Access::kNone) add(mix, member.voice->block(own), -own.gain, -own.gain);
}

/// The member has heard this block.
void Room::settle(Member& member, std::span<const std::int16_t> mix) noexcept {
  for (const std::span<Ear> ears : {member.voices, member.prompts}) {
    if (!member.isGliding) break;
    for (Ear& ear : ears) {
      if (ear.hearing.access != Access::kNone) ear.gain = ear.hearing.gain;
    }
  }
  member.isGliding = false;
  member.stepped = false;
  member.last = mix.back();
}

}  // namespace hushpay
