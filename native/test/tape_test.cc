#include "media/tape.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/codec.h"
#include "control.h"
#include "media/tape_deck.h"
#include "media/time.h"
#include "no_allocation.h"
#include "party.h"
#include "rtp/packet.h"

using namespace hushpay;
namespace pb = hushpay::media::v1;

TEST_SUITE_BEGIN("tape_test");

namespace {

constexpr std::size_t kFrame = 160;
constexpr double kBegan = 1000;  // ms

/// An empty file, as control makes it; gone with the test.
struct File {
  std::string path = "/tmp/hushpay-tape-XXXXXX";
  File() {
    const int fd = mkstemp(path.data());
    REQUIRE(fd >= 0);
    close(fd);
  }
  ~File() { unlink(path.c_str()); }
  [[nodiscard]] std::vector<std::uint8_t> bytes() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// A finished recording, by channel.
struct Played {
  std::array<Pcm, 2> channels;
  explicit Played(const File& file) {
    const auto bytes = file.bytes();
    REQUIRE(bytes.size() >= 44);
    std::uint32_t size = 0;
    memcpy(&size, bytes.data() + 40, 4);
    CHECK(size == bytes.size() - 44);
    for (std::size_t at = 44; at + 4 <= bytes.size(); at += 4) {
      for (std::size_t channel = 0; channel < 2; channel++) {
        std::int16_t sample = 0;
        memcpy(&sample, bytes.data() + at + 2 * channel, 2);
        channels[channel].push_back(sample);
      }
    }
  }
  [[nodiscard]] std::size_t size() const { return channels[0].size(); }
};

/// What a session without a peer would send.
struct Speaker {
  TapeTrack& track;
  std::uint32_t timestamp = 0xffff'ff00;  // wraps soon
  std::uint16_t sequence = 7;

  void say(std::int16_t value, double atMs) {
    std::array<std::uint8_t, kRtpHeaderSize + 2 * kFrame> datagram{};
    writeRtpHeader(datagram, {.payloadType = 96,
                              .marker = false,
                              .sequence = sequence++,
                              .timestamp = timestamp,
                              .ssrc = 1,
                              .payload = {}});
    for (std::size_t i = 0; i < kFrame; i++)
      writeU16(datagram, kRtpHeaderSize + 2 * i, static_cast<std::uint16_t>(value));
    track.put(datagram, atMs);
    skip();
  }
  void skip() { timestamp += kFrame; }
};

}  // namespace

TEST_CASE("both channels lie side by side, and the file says how long it is") {
  File file;
  Tape tape(1, file.path, kBegan);
  Speaker left{tape.track(0)};
  Speaker right{tape.track(1)};
  for (int i = 1; i <= 50; i++) {
    left.say(100, kBegan + i * 20);
    right.say(-200, kBegan + i * 20);
    CHECK_FALSE(tape.write(kBegan + i * 20));
  }
  CHECK_FALSE(tape.finish());
  const Played heard(file);
  REQUIRE(heard.size() == 50 * kFrame);
  CHECK(heard.channels[0] == Pcm(50 * kFrame, 100));
  CHECK(heard.channels[1] == Pcm(50 * kFrame, -200));
  CHECK(tape.figures().durationMs == 1000);
  CHECK(tape.figures().lostMs == 0);
}

TEST_CASE("what was never said is silence of its length") {
  File file;
  Tape tape(1, file.path, kBegan);
  Speaker left{tape.track(0)};
  for (int i = 1; i <= 30; i++) {
    if (i <= 10 || i > 20)
      left.say(100, kBegan + i * 20);
    else
      left.skip();
  }
  tape.finish();
  const Played heard(file);
  REQUIRE(heard.size() == 30 * kFrame);
  CHECK(std::ranges::count(heard.channels[0], 100) == 20 * kFrame);
  for (std::size_t i = 10 * kFrame; i < 20 * kFrame; i++) CHECK(heard.channels[0][i] == 0);
}

TEST_CASE("a recording lasts until its last user has left, whatever was said in the end") {
  File file;
  Tape tape(1, file.path, kBegan);
  tape.enter();
  tape.enter();
  Speaker{tape.track(0)}.say(1, kBegan + 20);
  tape.leave(kBegan + 500);
  CHECK_FALSE(tape.isOver());
  tape.leave(kBegan + 510);
  CHECK(tape.isOver());
  tape.finish();
  CHECK(Played(file).size() == 510 * 8);
}

TEST_CASE("the media thread allocates nothing, and what does not fit is counted, not waited for") {
  File file;
  Tape tape(1, file.path, kBegan);
  Speaker left{tape.track(0)};
  const std::size_t before = allocations();
  for (int i = 1; i <= 300; i++) left.say(1, kBegan + i * 20);
  CHECK(allocations() == before);
  tape.finish();
  CHECK(tape.figures().lostMs == (300 - 256) * 20);
}

TEST_CASE("a process that dies leaves a file that can be heard, and the next one goes on where the time is") {
  File file;
  {
    Tape tape(1, file.path, kBegan);
    Speaker left{tape.track(0)};
    for (int i = 1; i <= 100; i++) {
      left.say(100, kBegan + i * 20);
      tape.write(kBegan + i * 20);
    }
  }  // without finish(), as by a signal
  const auto cut = file.bytes();
  std::uint32_t size = 0;
  memcpy(&size, cut.data() + 40, 4);
  CHECK(size >= 32'000 * 4 / 10);  // of two seconds, the header knows of at least 400 ms
  CHECK(cut.size() >= 44 + 1500 * 32);

  Tape next(1, file.path, kBegan);
  Speaker left{next.track(0), 5};  // another source, another clock
  for (int i = 151; i <= 200; i++) {
    left.say(-100, kBegan + i * 20);
    next.write(kBegan + i * 20);
  }
  next.finish();
  const Played heard(file);
  REQUIRE(heard.size() == 200 * kFrame);  // four seconds, one of them silent
  CHECK(heard.channels[0][kFrame] == 100);
  CHECK(heard.channels[0][120 * kFrame] == 0);
  CHECK(heard.channels[0][150 * kFrame - 1] == 0);
  CHECK(heard.channels[0][150 * kFrame] == -100);
}

TEST_CASE("a full disk is told once, and again when there is room") {
  Tape tape(1, "/dev/full", kBegan);
  Speaker left{tape.track(0)};
  for (int i = 1; i <= 50; i++) left.say(1, kBegan + i * 20);
  CHECK(tape.write(kBegan + 2000));
  CHECK(tape.problem() == strerror(ENOSPC));
  left.say(1, kBegan + 1020);
  CHECK_FALSE(tape.write(kBegan + 4000));
  CHECK(tape.figures().lostMs == 1020);
  CHECK(tape.figures().durationMs == 1020);
}

TEST_CASE("a file that is not there, or is a link to another, is not written") {
  File file;
  const std::string link = file.path + "-link";
  REQUIRE(symlink(file.path.c_str(), link.c_str()) == 0);
  for (const std::string& path : {link, std::string("/tmp/hushpay-tape/nowhere.wav")}) {
    Tape tape(1, path, kBegan);
    Speaker{tape.track(0)}.say(1, kBegan + 20);
    CHECK(tape.write(kBegan + 1000));
    CHECK_FALSE(tape.problem().empty());
  }
  unlink(link.c_str());
  CHECK(file.bytes().empty());
}

TEST_CASE("a stream whose clock is not ours stays within 60 ms of the time") {
  for (const double ppm : {-2000.0, 2000.0}) {
    CAPTURE(ppm);
    TapeClock clock;
    double worst = 0;
    for (std::uint32_t i = 1; i <= 15'000; i++) {  // five minutes
      const double at = i * 20 * (1 + ppm / 1e6);
      const auto place = clock.place(at, i * kFrame, kFrame);
      worst = std::max(worst, std::abs(static_cast<double>(place + 160) / 8 - at));
    }
    CHECK(worst < 60);
  }
}

TEST_CASE("packets that come late in a bunch are not moved") {
  TapeClock clock;
  std::int64_t last = 0;
  for (std::uint32_t i = 1; i <= 500; i++) {
    const std::uint32_t bunch = i == 1 ? 1 : (i + 9) / 10 * 10;  // ten at once
    const auto place = clock.place(bunch * 20, i * kFrame, kFrame);
    if (i > 1) CHECK(place == last + static_cast<std::int64_t>(kFrame));
    last = place;
  }
}

TEST_CASE("a worker records a room: who speaks on one channel, silence on the other, as long as it lasted") {
  File file;
  Control control;
  control.tell(Control::configuration());
  const double began = nowMs();
  for (std::uint32_t channel = 0; channel < 2; channel++) {
    pb::Command command;
    auto& open = *command.mutable_open_session();
    open.set_session(11 + channel);
    open.mutable_tape()->set_tape(5);
    open.mutable_tape()->set_path(file.path);
    open.mutable_tape()->set_channel(channel);
    open.mutable_tape()->set_began_ms(began);
    CHECK(control.tell(command).local_port() == 0);
  }
  pb::Command connect;
  connect.mutable_connect_session()->set_session(11);
  CHECK(control.ask(connect).status() == pb::STATUS_BAD_ARGUMENT);
  while (nowMs() < began + 300) usleep(10'000);  // what is recorded is time
  for (std::uint32_t session : {11U, 12U}) {
    pb::Command close;
    close.mutable_close_session()->set_session(session);
    control.tell(close);
  }
  const double ended = nowMs();
  std::uint64_t durationMs = 0;
  control.await([&](const pb::Event& event) {
    if (!event.has_tape_state() || !event.tape_state().has_ended()) return false;
    CHECK(event.tape_state().tape() == 5);
    CHECK(event.tape_state().problem().empty());
    durationMs = event.tape_state().duration_ms();
    return true;
  });
  CHECK(durationMs >= 300);
  CHECK(static_cast<double>(durationMs) <= ended - began + 20);
  CHECK(Played(file).size() == durationMs * 8);
}

TEST_CASE("the deck writes what is left when the worker ends") {
  File file;
  {
    TapeDeck deck;
    const auto tape = deck.open(1, file.path, nowMs());
    Speaker{tape->track(0)}.say(77, nowMs() + 20);
  }
  CHECK(Played(file).channels[0].back() == 77);
}
