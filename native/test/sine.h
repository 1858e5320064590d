#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace hushpay {

/// A sine of `count` samples, peak `amplitude`.
inline std::vector<std::int16_t> sine(double hz, double rateHz, std::size_t count,
                                      double amplitude = 10'000) {
  std::vector<std::int16_t> pcm(count);
  for (std::size_t n = 0; n < count; n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / rateHz;
    pcm[n] = static_cast<std::int16_t>(std::lround(amplitude * std::sin(at)));
  }
  return pcm;
}

/// The sine of a frequency that fits a stretch best, and what is left when it is taken away.
struct SineFit {
  double amplitude = 0;
  double phase = 0;  // radians, at the first sample
  double noisePower = 0;

  [[nodiscard]] double signalToNoiseDb() const {
    return 10 * std::log10(amplitude * amplitude / 2 / (noisePower + 1e-9));
  }
};

inline SineFit fitSine(std::span<const std::int16_t> pcm, double hz, double rateHz) {
  double ss = 0, cc = 0, sc = 0, sy = 0, cy = 0, yy = 0;
  for (std::size_t n = 0; n < pcm.size(); n++) {
    const double at = 2 * std::numbers::pi * hz * static_cast<double>(n) / rateHz;
    const double s = std::sin(at), c = std::cos(at), y = pcm[n];
    ss += s * s, cc += c * c, sc += s * c, sy += s * y, cy += c * y, yy += y * y;
  }
  const double determinant = ss * cc - sc * sc;
  const double a = (sy * cc - cy * sc) / determinant;
  const double b = (cy * ss - sy * sc) / determinant;
  const double left = (yy - a * sy - b * cy) / static_cast<double>(pcm.size());
  return {.amplitude = std::hypot(a, b), .phase = std::atan2(b, a), .noisePower = left};
}

inline double decibels(double ratio) { return 20 * std::log10(ratio); }

}  // namespace hushpay
