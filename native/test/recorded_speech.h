#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "media/wav.h"

/// Speech to hear what becomes of it: the recorded prompts, and how far apart two recordings of it are.
namespace hushpay::speech {

/// The first prompts by name, one behind the other.
inline std::vector<std::int16_t> recorded(std::size_t seconds) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(HUSHPAY_AUDIO "/en-GB")) {
    if (entry.path().extension() == ".wav" && entry.file_size() > 16'000)
      paths.push_back(entry.path().string());
  }
  std::ranges::sort(paths);
  std::vector<std::int16_t> pcm;
  for (const std::string& path : paths) {
    if (pcm.size() >= seconds * 8000) break;
    const WavResult wav = readWav(path);
    const auto& samples = std::get<std::vector<std::int16_t>>(wav);
    pcm.insert(pcm.end(), samples.begin(), samples.end());
  }
  REQUIRE(pcm.size() >= seconds * 8000);
  pcm.resize(seconds * 8000);
  return pcm;
}

inline constexpr std::size_t kFrame = 256;
inline constexpr std::size_t kBands = 16;  // of 200 Hz, from 200 Hz on

/// What is in each band of a frame, in decibels over one step of a sample.
inline std::array<double, kBands> bandsOf(std::span<const std::int16_t> frame) {
  std::array<double, kBands> power{};
  std::array<double, kFrame> windowed{};
  for (std::size_t n = 0; n < kFrame; n++)
    windowed[n] = frame[n] * (0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / kFrame));
  for (std::size_t bin = 7; bin < 109; bin++) {  // of 31.25 Hz
    // Goertzel's recurrence.
    const double turn = 2 * std::cos(2 * std::numbers::pi * static_cast<double>(bin) / kFrame);
    double one = 0;
    double two = 0;
    for (const double sample : windowed) {
      const double next = sample + turn * one - two;
      two = one;
      one = next;
    }
    const std::size_t band = std::min(kBands - 1, (bin * 125 / 4 - 200) / 200);
    power[band] += one * one + two * two - turn * one * two;
  }
  for (double& each : power) each = 10 * std::log10(each / kFrame + 1);
  return power;
}

/// How far apart the spectra of a frame are, on average over the bands that are heard in either; 0 where
/// nobody speaks.
inline double distanceDb(std::span<const std::int16_t> one, std::span<const std::int16_t> other) {
  constexpr double kHeardDb = 45;  // of a band: about -50 dBm0
  const auto a = bandsOf(one.first(kFrame));
  const auto b = bandsOf(other.first(kFrame));
  double sum = 0;
  int heard = 0;
  for (std::size_t band = 0; band < kBands; band++) {
    if (std::max(a[band], b[band]) < kHeardDb) continue;
    sum += std::abs(std::max(a[band], kHeardDb) - std::max(b[band], kHeardDb));
    heard++;
  }
  return heard == 0 ? 0 : sum / heard;
}

}  // namespace hushpay::speech
