#include "media/concealer.h"

#include <doctest/doctest.h>

#include <random>

#include "appendix_i.h"
#include "listening.h"
#include "recorded_speech.h"

using namespace hushpay;

TEST_SUITE_BEGIN("concealer_test");

namespace {

using Pcm = std::vector<std::int16_t>;
constexpr std::size_t kPacket = 160;

/// Which packets are lost; never the first ten.
std::vector<bool> losses(std::size_t packets, int percent, int burst, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<bool> lost(packets, false);
  for (std::size_t i = 10; i < packets; i++) {
    if (static_cast<int>(random() % static_cast<unsigned>(100 * burst)) >= percent) continue;
    for (int n = 0; n < burst && i < packets; n++) lost[i++] = true;
  }
  return lost;
}

Pcm byOurs(const Pcm& said, const std::vector<bool>& lost) {
  Concealer concealer;
  Pcm heard = said;
  for (std::size_t i = 0; i < lost.size(); i++) {
    const auto packet = std::span(heard).subspan(i * kPacket, kPacket);
    if (lost[i])
      concealer.conceal(packet);
    else if (concealer.concealing())
      concealer.resume(packet);
    else
      concealer.heard(packet);
  }
  return heard;
}

Pcm byAppendixI(const Pcm& said, const std::vector<bool>& lost) {
  AppendixI reference;
  Pcm heard;
  for (std::size_t at = 0; at + AppendixI::kFrame <= said.size(); at += AppendixI::kFrame) {
    const auto frame = lost[at / kPacket] ? reference.lost()
                                          : reference.heard(std::span(said).subspan(at, AppendixI::kFrame));
    heard.insert(heard.end(), frame.begin(), frame.end());
  }
  heard.erase(heard.begin(), heard.begin() + AppendixI::kLate);
  heard.resize(said.size());
  return heard;
}

Pcm bySilence(const Pcm& said, const std::vector<bool>& lost) {
  Pcm heard = said;
  for (std::size_t i = 0; i < lost.size(); i++) {
    if (lost[i])
      std::fill_n(heard.begin() + static_cast<std::ptrdiff_t>(i * kPacket), kPacket, std::int16_t{0});
  }
  return heard;
}

struct Score {
  double spectrumDb = 0;  // mean distance around the losses
  double snrDb = 0;       // mean over the packets that were lost, each within -10 and 35 dB
  std::size_t places = 0;

  Score& operator+=(const Score& other) {
    const auto mean = [&](double one, double another) {
      return (one * static_cast<double>(places) + another * static_cast<double>(other.places)) /
             static_cast<double>(places + other.places);
    };
    spectrumDb = mean(spectrumDb, other.spectrumDb);
    snrDb = mean(snrDb, other.snrDb);
    places += other.places;
    return *this;
  }
};

/// Where something was lost in speech: how it sounds, from 6 ms before each lost packet to 6 ms behind it.
Score scoreOf(const Pcm& said, const Pcm& heard, const std::vector<bool>& lost) {
  Score score;
  for (std::size_t i = 1; i + 2 < lost.size(); i++) {
    if (!lost[i]) continue;
    const std::size_t at = i * kPacket;
    double signal = 0;
    double error = 1;
    for (std::size_t n = at; n < at + kPacket; n++) {
      signal += std::pow(said[n], 2);
      error += std::pow(said[n] - heard[n], 2);
    }
    if (signal < kPacket * 100.0 * 100) continue;  // nobody speaks
    const std::size_t from = at - (speech::kFrame - kPacket) / 2;
    score.spectrumDb += speech::distanceDb(std::span(said).subspan(from, speech::kFrame),
                                           std::span(heard).subspan(from, speech::kFrame));
    score.snrDb += std::clamp(10 * std::log10(signal / error), -10.0, 35.0);
    score.places++;
  }
  score.spectrumDb /= static_cast<double>(score.places);
  score.snrDb /= static_cast<double>(score.places);
  return score;
}

}  // namespace

TEST_CASE("lost packets of recorded speech are filled at least as well as G.711 Appendix I does it") {
  const Pcm said = speech::recorded(90);
  struct Row {
    int percent;
    int burst;
  };
  for (const Row& row : {Row{2, 1}, Row{5, 1}, Row{10, 1}, Row{20, 1}, Row{5, 2}, Row{10, 3}}) {
    CAPTURE(row.percent);
    CAPTURE(row.burst);
    Score ours;
    Score theirs;
    Score silence;
    for (const unsigned seed : {711U, 1U, 2U}) {
      const auto lost = losses(said.size() / kPacket, row.percent, row.burst, seed);
      ours += scoreOf(said, byOurs(said, lost), lost);
      theirs += scoreOf(said, byAppendixI(said, lost), lost);
      silence += scoreOf(said, bySilence(said, lost), lost);
    }
    INFO(row.percent << " % in bursts of " << row.burst << ", " << ours.places << " packets: ours "
                     << ours.spectrumDb << " dB, " << ours.snrDb << " dB; Appendix I " << theirs.spectrumDb
                     << ", " << theirs.snrDb << "; silence " << silence.spectrumDb << ", " << silence.snrDb);
    CHECK(ours.places > 200);
    CHECK(ours.spectrumDb < theirs.spectrumDb * 1.02);
    CHECK(ours.snrDb > theirs.snrDb);
    CHECK(theirs.spectrumDb < silence.spectrumDb);  // the reference is worth the name
    CHECK(theirs.snrDb > silence.snrDb);
  }
}

TEST_CASE("no concealed packet of recorded speech clicks") {
  const Pcm said = speech::recorded(60);
  const auto lost = losses(said.size() / kPacket, 5, 1, 3);
  const Pcm heard = byOurs(said, lost);
  for (std::size_t i = 10; i + 3 < lost.size(); i++) {
    if (!lost[i]) continue;
    const std::size_t from = (i - 2) * kPacket;
    const int natural = largestStep(std::span(said).subspan(from, 5 * kPacket));
    CHECK(largestStep(std::span(heard).subspan(from, 5 * kPacket)) < 1.5 * natural + 300);
  }
}

TEST_SUITE_END();
