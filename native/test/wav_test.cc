#include "media/wav.h"

#include <doctest/doctest.h>

using namespace hushpay;

TEST_SUITE_BEGIN("wav_test");

namespace {

void little(std::vector<std::uint8_t>& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void tag(std::vector<std::uint8_t>& out, const char* text) { out.insert(out.end(), text, text + 4); }

struct Shape {
  std::uint32_t format = 1;
  std::uint32_t channels = 1;
  std::uint32_t rateHz = 8000;
  std::uint32_t bits = 16;
  std::uint32_t declared = 6;  // bytes the data chunk says it has
};

std::vector<std::uint8_t> makeWav(const Shape& shape) {
  std::vector<std::uint8_t> out;
  tag(out, "RIFF");
  little(out, 0, 4);
  tag(out, "WAVE");
  tag(out, "LIST");  // a chunk of odd length that is of no interest
  little(out, 3, 4);
  out.insert(out.end(), {1, 2, 3, 0});
  tag(out, "fmt ");
  little(out, 16, 4);
  little(out, shape.format, 2);
  little(out, shape.channels, 2);
  little(out, shape.rateHz, 4);
  little(out, shape.rateHz * 2, 4);
  little(out, 2, 2);
  little(out, shape.bits, 2);
  tag(out, "data");
  little(out, shape.declared, 4);
  for (const int sample : {1, -2, 32767}) little(out, static_cast<std::uint32_t>(sample), 2);
  return out;
}

bool isRead(const WavResult& result) { return std::holds_alternative<std::vector<std::int16_t>>(result); }

}  // namespace

TEST_CASE("samples are read past chunks of no interest") {
  const WavResult result = parseWav(makeWav({}));
  REQUIRE(isRead(result));
  CHECK(std::get<std::vector<std::int16_t>>(result) == std::vector<std::int16_t>{1, -2, 32767});
}

TEST_CASE("other formats are named") {
  CHECK(std::get<std::string>(parseWav(makeWav({.format = 7}))) ==
        "it is format 7, 1 channels, 8000 Hz, 16 bits");
  CHECK(std::get<std::string>(parseWav(makeWav({.channels = 2}))) ==
        "it is format 1, 2 channels, 8000 Hz, 16 bits");
  CHECK(std::get<std::string>(parseWav(makeWav({.rateHz = 44100}))) ==
        "it is format 1, 1 channels, 44100 Hz, 16 bits");
  CHECK(std::get<std::string>(parseWav(makeWav({.bits = 8}))) ==
        "it is format 1, 1 channels, 8000 Hz, 8 bits");
}

TEST_CASE("lengths that lie are refused") {
  CHECK(std::get<std::string>(parseWav(makeWav({.declared = 8}))) == "it is cut short");
  CHECK(std::get<std::string>(parseWav(makeWav({.declared = 0xffffffff}))) == "it is cut short");
  CHECK(std::get<std::string>(parseWav(makeWav({.declared = 0}))) == "it has no samples");
}

TEST_CASE("a file cut anywhere is refused, never read beyond") {
  const auto whole = makeWav({});
  for (std::size_t size = 0; size < whole.size(); size++) {
    const std::vector<std::uint8_t> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(isRead(parseWav(part)));
  }
}

TEST_CASE("a file that is not there says so") {
  CHECK(std::get<std::string>(readWav("/nowhere/clip.wav")) == "No such file or directory");
}

TEST_SUITE_END();
