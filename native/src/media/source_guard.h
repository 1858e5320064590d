#pragma once

#include <cstdint>

#include "media/endpoint.h"

namespace hushpay {

/// Whose packets are a leg's (media thread). Strict: those from the address of the session description, no
/// others. Where a peer may stand behind a NAT, its real address is learned, within limits that keep others
/// out:
/// - only while the address of the description itself is silent, which wins whenever it sends;
/// - only within kLearnMs of the description, and once;
/// - only from `from`, if it is given;
/// - protected streams: by a packet that proved to be the peer's. Plain ones: by kProbation packets in
/// sequence;
/// - later only another port of the same host, after kSilenceMs of silence.
class SourceGuard {
 public:
  static constexpr double kLearnMs = 10'000;
  static constexpr double kSilenceMs = 2'000;
  static constexpr int kProbation = 5;

  /// @param from  the host to learn from; of size 0: any
  void restart(const Endpoint& described, bool learns, const Endpoint& from, double nowMs) noexcept;

  /// A packet of RTP has come from `source`. @return true if it is worth looking at: its source is the
  /// peer's, or could become it
  [[nodiscard]] bool mayBe(const Endpoint& source, double nowMs) const noexcept;
  /// It is the peer's, proven by its authentication.
  void prove(const Endpoint& source, double nowMs) noexcept;
  /// It is not authenticated. @return true once it is taken as the peer's
  bool observe(const Endpoint& source, std::uint32_t ssrc, std::uint16_t sequence, double nowMs) noexcept;

  /// Where its description says it is; of size 0: there was none yet.
  [[nodiscard]] const Endpoint& described() const noexcept { return described_; }
  /// Where the peer is.
  [[nodiscard]] const Endpoint& remote() const noexcept { return remote_; }
  [[nodiscard]] bool hasLearned() const noexcept { return hasLearned_; }

 private:
  [[nodiscard]] bool mayLearn(const Endpoint& source, double nowMs) const noexcept;
  void accept(const Endpoint& source, double nowMs) noexcept;

  Endpoint described_{};
  Endpoint remote_{};
  Endpoint from_{};
  bool learns_ = false;
  bool hasHeard_ = false;    // anything of remote_
  bool hasLearned_ = false;  // remote_ is not described_
  double beganMs_ = 0;
  double heardMs_ = 0;
  Endpoint candidate_{};
  std::uint32_t candidateSsrc_ = 0;
  std::uint16_t candidateSequence_ = 0;
  int inSequence_ = 0;
};

}  // namespace hushpay
