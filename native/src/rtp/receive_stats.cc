#include "rtp/receive_stats.h"

#include <algorithm>
#include <cstdlib>

#include "rtp/wrap.h"

namespace hushpay {

void ReceiveStats::restart(std::uint16_t sequence) noexcept {
  *this = ReceiveStats{};
  baseSequence_ = sequence;
  highestSequence_ = sequence;
}

void ReceiveStats::count(std::uint16_t sequence) noexcept {
  const int step = ahead(static_cast<std::uint16_t>(highestSequence_), sequence);
  if (step > 0) highestSequence_ += static_cast<std::uint32_t>(step);
  received_++;
}

void ReceiveStats::count(std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t arrivalTs) noexcept {
  count(sequence);
  const std::uint32_t transitTs = arrivalTs - timestamp;
  if (hasTransit_) {
    const double change = std::abs(static_cast<double>(ahead(lastTransitTs_, transitTs)));
    jitterTs_ += (change - jitterTs_) / 16;
  }
  lastTransitTs_ = transitTs;
  hasTransit_ = true;
}

void ReceiveStats::restartTransit() noexcept {
  hasTransit_ = false;
  jitterTs_ = 0;
}

std::int64_t ReceiveStats::lost() const noexcept {
  if (received_ == 0) return 0;
  const std::int64_t expected = std::int64_t{highestSequence_} - baseSequence_ + 1;
  return expected - static_cast<std::int64_t>(received_);
}

void ReceiveStats::report(ReportBlock& block) noexcept {
  const std::uint64_t expected = std::uint64_t{highestSequence_} - baseSequence_ + 1;
  const auto expectedNow = static_cast<std::int64_t>(expected - expectedBefore_);
  const auto receivedNow = static_cast<std::int64_t>(received_ - receivedBefore_);
  expectedBefore_ = expected;
  receivedBefore_ = received_;
  const std::int64_t lostNow = expectedNow - receivedNow;
  block.fractionLost =
      expectedNow > 0 && lostNow > 0
          ? static_cast<std::uint8_t>(std::min<std::int64_t>(255, 256 * lostNow / expectedNow))
          : std::uint8_t{0};
  block.cumulativeLost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost(), -0x800000, 0x7fffff));
  block.highestSequence = highestSequence_;
  block.jitterTs = static_cast<std::uint32_t>(jitterTs_);
}

}  // namespace hushpay
