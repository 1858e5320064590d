#include "codec/g711.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

using namespace hushpay;

TEST_SUITE_BEGIN("g711_test");

TEST_CASE("mu-law knows the code words of G.711 table 2") {
  struct Row {
    int sample;
    int code;
  };
  for (const Row& row : {Row{0, 0xff}, Row{-1, 0x7f}, Row{32767, 0x80}, Row{-32768, 0x00}, Row{32124, 0x80},
                         Row{-32124, 0x00}, Row{8, 0xfe}, Row{-8, 0x7e}, Row{1000, 0xce}, Row{-1000, 0x4e}}) {
    CAPTURE(row.sample);
    CHECK(encodeMuLaw(static_cast<std::int16_t>(row.sample)) == row.code);
  }
  CHECK(decodeMuLaw(0xff) == 0);
  CHECK(decodeMuLaw(0x80) == 32124);
  CHECK(decodeMuLaw(0x00) == -32124);
}

TEST_CASE("A-law knows the code words of G.711 table 1") {
  struct Row {
    int sample;
    int code;
  };
  for (const Row& row : {Row{0, 0xd5}, Row{-1, 0x55}, Row{32767, 0xaa}, Row{-32768, 0x2a}, Row{8, 0xd5},
                         Row{1000, 0xfa}, Row{-1000, 0x7a}}) {
    CAPTURE(row.sample);
    CHECK(encodeALaw(static_cast<std::int16_t>(row.sample)) == row.code);
  }
  CHECK(decodeALaw(0xd5) == 8);
  CHECK(decodeALaw(0xaa) == 32256);
  CHECK(decodeALaw(0x2a) == -32256);
}

TEST_CASE("every code word survives decoding and encoding") {
  for (int code = 0; code < 256; code++) {
    CAPTURE(code);
    const auto byte = static_cast<std::uint8_t>(code);
    CHECK(encodeALaw(decodeALaw(byte)) == code);
    if (code != 0x7f) CHECK(encodeMuLaw(decodeMuLaw(byte)) == code);  // minus zero becomes zero
  }
}

TEST_CASE("no sample is further from its code than half a step") {
  for (int sample = -32768; sample <= 32767; sample++) {
    const auto pcm = static_cast<std::int16_t>(sample);
    const int magnitude = std::abs(sample);
    // Steps double per segment: 8, 16, ... in mu-law, 16, 16, 32, ... in A-law.
    const int limit = magnitude > 32124 ? 644 : 4 + magnitude / 31;
    REQUIRE(std::abs(decodeMuLaw(encodeMuLaw(pcm)) - sample) <= limit);
    REQUIRE(std::abs(decodeALaw(encodeALaw(pcm)) - sample) <= 12 + magnitude / 31);
  }
}

TEST_CASE("encoding a packet gives the codes of its samples") {
  for (const Codec law : {Codec::kPcmu, Codec::kPcma}) {
    for (int first = -32768; first < 32768; first += 256) {
      std::array<std::int16_t, 256> pcm;
      std::array<std::uint8_t, 256> codes;
      for (int n = 0; n < 256; n++) pcm[static_cast<std::size_t>(n)] = static_cast<std::int16_t>(first + n);
      REQUIRE(G711Encoder(law).encode(pcm, codes) == codes.size());
      for (std::size_t n = 0; n < codes.size(); n++) {
        REQUIRE(codes[n] == (law == Codec::kPcmu ? encodeMuLaw(pcm[n]) : encodeALaw(pcm[n])));
      }
    }
  }
}

TEST_SUITE_END();
