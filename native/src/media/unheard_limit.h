#pragma once

#include <limits>

namespace hushpay {

/// How long a leg sends towards an address that nothing has come from: a description may name anybody's. Then
/// it keeps quiet until something comes. Media thread.
///
///   restart() ──> running ── kAllowedMs ──> quiet
///      ^             └────── hear() ─────────┤
///      └── another address ── heard <────────┘
class UnheardLimit {
 public:
  static constexpr double kAllowedMs = 980;  // a tick and a packet less than a second

  /// The peer is described.
  /// @param hasMoved  to another address than it was described at before
  void restart(bool applies, bool hasMoved, double nowMs) noexcept {
    if (hasMoved && hasHeard_) hasHeard_ = hasBegun_ = false;
    const bool isLimited = applies && !hasHeard_;
    // Whoever is described at one place after the other gets no more than at one.
    if (isLimited && hasBegun_ && endsMs_ == kNeverMs) isQuiet_ = true;
    if (isLimited && !hasBegun_) endsMs_ = nowMs + kAllowedMs;
    hasBegun_ = hasBegun_ || isLimited;
    if (isLimited) return;
    endsMs_ = kNeverMs;
    isQuiet_ = false;
  }

  /// Something has come from the peer. @return true if it was not sent to any more
  bool hear() noexcept {
    if (hasHeard_) return false;
    hasHeard_ = true;
    endsMs_ = kNeverMs;
    const bool wasQuiet = isQuiet_;
    isQuiet_ = false;
    return wasQuiet;
  }

  /// @return true once, when nothing is to be sent from now on
  bool runsOut(double nowMs) noexcept {
    if (nowMs < endsMs_) return false;
    endsMs_ = kNeverMs;
    isQuiet_ = true;
    return true;
  }

  [[nodiscard]] bool isQuiet() const noexcept { return isQuiet_; }
  /// When runsOut() has something to do, CLOCK_MONOTONIC.
  [[nodiscard]] double endsMs() const noexcept { return endsMs_; }

 private:
  static constexpr double kNeverMs = std::numeric_limits<double>::infinity();

  double endsMs_ = kNeverMs;
  bool hasBegun_ = false;
  bool hasHeard_ = false;
  bool isQuiet_ = false;
};

}  // namespace hushpay
