#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../fuzz/targets.h"

using namespace hushpay;

TEST_SUITE_BEGIN("fuzz_test");

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kMutations = 20'000;

std::vector<Bytes> corpusOf(std::string_view target) {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path(HUSHPAY_FUZZ_CORPUS) / target;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  std::vector<Bytes> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// Changes, inserts, removes or copies a few bytes, as a fuzzer does that does not watch what they do.
Bytes mutated(Bytes bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit == 0 ? 0 : random() % limit; };
  for (std::size_t change = 1 + below(4); change > 0; change--) {
    const auto at = static_cast<std::ptrdiff_t>(below(bytes.size()));
    switch (bytes.empty() ? 1 : below(5)) {
      case 0:
        bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random());
        break;
      case 1:
        bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(random()));
        break;
      case 2:
        bytes.erase(bytes.begin() + at);
        break;
      case 3:
        bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      default:
        bytes.resize(static_cast<std::size_t>(at) + below(bytes.size() - static_cast<std::size_t>(at)));
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("parsers take their corpus and what becomes of it by chance") {
  for (const FuzzTarget& target : kFuzzTargets) {
    CAPTURE(std::string(target.name));
    const std::vector<Bytes> corpus = corpusOf(target.name);
    REQUIRE(corpus.size() >= 3);
    for (const Bytes& input : corpus) target.run(input);
    std::mt19937 random(20261122);
    const bool isLong = target.run == fuzzSession || target.run == fuzzDtls;
    const int count = isLong ? kMutations / 20 : kMutations;
    for (int i = 0; i < count; i++) {
      const Bytes input = mutated(corpus[random() % corpus.size()], random);
      target.run(input);
    }
  }
}

TEST_SUITE_END();
