#include "codec/g722.h"

#include <doctest/doctest.h>

#include <random>

#include "sine.h"

using namespace hushpay;

TEST_SUITE_BEGIN("g722_test");

namespace {

/// FNV-1a.
template <typename Item>
std::uint64_t hashOf(std::span<const Item> items) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Item item : items) {
    for (std::size_t byte = 0; byte < sizeof item; byte++) {
      hash = (hash ^ ((static_cast<std::uint64_t>(item) >> (8 * byte)) & 0xff)) * 0x100000001b3;
    }
  }
  return hash;
}

/// Noise, loud, soft and faint by turns, then a tone: every code word and every step size is met.
std::vector<std::int16_t> testSound() {
  std::mt19937 random(722);
  std::vector<std::int16_t> pcm;
  for (int part = 0; part < 24; part++) {
    const int scale = part % 3 == 0 ? 32'768 : part % 3 == 1 ? 3000 : 100;
    for (int n = 0; n < 2000; n++) {
      const int value = static_cast<int>(random() % 65'536) - 32'768;
      pcm.push_back(static_cast<std::int16_t>(value * scale / 32'768));
    }
  }
  // A tone whose samples are whole numbers on every machine.
  constexpr int kCycle[] = {0, 7654,  14'142,  18'478,  20'000,  18'478,  14'142,  7654,
                            0, -7654, -14'142, -18'478, -20'000, -18'478, -14'142, -7654};
  for (int n = 0; n < 16'000; n++) pcm.push_back(static_cast<std::int16_t>(kCycle[n % 16]));
  return pcm;
}

std::vector<std::uint8_t> encoded(const std::vector<std::int16_t>& wide) {
  std::vector<std::uint8_t> payload(wide.size() / 2);
  G722Analyser analyser;
  analyser.encode(wide, payload);
  return payload;
}

std::vector<std::int16_t> decoded(const std::vector<std::uint8_t>& payload) {
  std::vector<std::int16_t> wide(payload.size() * 2);
  G722Synthesiser synthesiser;
  synthesiser.decode(payload, wide);
  return wide;
}

}  // namespace

TEST_CASE("makes the bytes and samples other implementations make") {
  // Hashes of what ffmpeg 5.1 makes of the same sound. spandsp 0.0.6 makes the same bytes; its decoder lets
  // loud samples wrap.
  const auto payload = encoded(testSound());
  CHECK(hashOf(std::span<const std::uint8_t>(payload)) == 0xca22de6a2d9e35ed);
  CHECK(hashOf(std::span<const std::int16_t>(decoded(payload))) == 0xe2a13f2ae1344b92);
}

TEST_CASE("makes of any bytes at all what other implementations make") {
  std::mt19937 random(1);
  std::vector<std::uint8_t> payload(80'000);
  for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
  CHECK(hashOf(std::span<const std::int16_t>(decoded(payload))) == 0x5dc10d36ba721d32);
}

TEST_CASE("a tone keeps its level and stands well above the noise it gets") {
  struct Row {
    double hz;
    double leastDb;  // signal to noise
  };
  for (const Row& row : {Row{300, 45}, Row{697, 45}, Row{1000, 45}, Row{1477, 45}, Row{2000, 45},
                         Row{3400, 35}, Row{5000, 20}, Row{7000, 10}}) {
    CAPTURE(row.hz);
    const auto wide = decoded(encoded(sine(row.hz, 16'000, 16'000)));
    const SineFit fit = fitSine(std::span(wide).last(8000), row.hz, 16'000);
    CHECK(std::abs(decibels(fit.amplitude / 10'000)) < (row.hz <= 3400 ? 0.1 : 0.5));
    CHECK(fit.signalToNoiseDb() > row.leastDb);
  }
}

TEST_CASE("packets of any size follow each other as one stream") {
  const auto sound = testSound();
  const auto whole = encoded(sound);
  G722Analyser analyser;
  std::vector<std::uint8_t> payload(whole.size());
  std::size_t at = 0;
  for (const std::size_t size : {std::size_t{80}, std::size_t{160}, std::size_t{1}, std::size_t{480}}) {
    analyser.encode(std::span(sound).subspan(2 * at, 2 * size), std::span(payload).subspan(at, size));
    at += size;
  }
  analyser.encode(std::span(sound).subspan(2 * at), std::span(payload).subspan(at));
  CHECK(payload == whole);
}

TEST_SUITE_END();
