#include "media/source_guard.h"

#include "rtp/wrap.h"

namespace hushpay {

void SourceGuard::restart(const Endpoint& described, bool learns, const Endpoint& from,
                          double nowMs) noexcept {
  learns_ = learns;
  from_ = from;
  if (isSame(described, described_)) return;  // nothing new: what was learned stays
  described_ = described;
  remote_ = described;
  hasHeard_ = false;
  hasLearned_ = false;
  beganMs_ = nowMs;
  inSequence_ = 0;
}

bool SourceGuard::mayBe(const Endpoint& source, double nowMs) const noexcept {
  return isSame(source, remote_) || (learns_ && (isSame(source, described_) || mayLearn(source, nowMs)));
}

bool SourceGuard::mayLearn(const Endpoint& source, double nowMs) const noexcept {
  if (hasHeard_) return isSameHost(source, remote_) && nowMs - heardMs_ > kSilenceMs;
  if (nowMs - beganMs_ > kLearnMs) return false;
  return source.isHost() && (from_.size == 0 || isSameHost(source, from_) || isSameHost(source, described_));
}

void SourceGuard::prove(const Endpoint& source, double nowMs) noexcept {
  if (mayBe(source, nowMs)) accept(source, nowMs);
}

bool SourceGuard::observe(const Endpoint& source, std::uint32_t ssrc, std::uint16_t sequence,
                          double nowMs) noexcept {
  if (isSame(source, remote_) || (learns_ && isSame(source, described_))) {
    accept(source, nowMs);
    return true;
  }
  if (!learns_ || !mayLearn(source, nowMs)) return false;
  const bool goesOn = inSequence_ > 0 && isSame(source, candidate_) && ssrc == candidateSsrc_ &&
                      ahead(candidateSequence_, sequence) == 1;
  inSequence_ = goesOn ? inSequence_ + 1 : 1;
  candidate_ = source;
  candidateSsrc_ = ssrc;
  candidateSequence_ = sequence;
  if (inSequence_ < kProbation) return false;
  accept(source, nowMs);
  return true;
}

void SourceGuard::accept(const Endpoint& source, double nowMs) noexcept {
  remote_ = source;
  hasHeard_ = true;
  hasLearned_ = !isSame(source, described_);
  heardMs_ = nowMs;
  inSequence_ = 0;
}

}  // namespace hushpay
