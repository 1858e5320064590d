#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <thread>

#include "media/board.h"
#include "media/engine.h"
#include "media/link_keeper.h"
#include "media/port_pool.h"
#include "media/shared_port.h"
#include "media/time.h"
#include "no_allocation.h"

using namespace hushpay;

TEST_SUITE_BEGIN("shared_packets_test");

namespace {

constexpr int kMostWaitMs = 10'000;
constexpr std::size_t kBurst = 5;

/// A telephone: it says something and hears what comes back.
struct Phone {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Endpoint address = *Endpoint::parse("127.0.0.1", 0);
  std::uint16_t sequence = 0;

  Phone() {
    REQUIRE(bind(fd, address.raw(), address.size) == 0);
    REQUIRE(getsockname(fd, address.raw(), &address.size) == 0);
  }
  ~Phone() { close(fd); }
  Phone(const Phone&) = delete;
  Phone& operator=(const Phone&) = delete;

  void say(const Endpoint& to) noexcept {
    std::array<std::uint8_t, kRtpHeaderSize + 160> datagram;
    datagram.fill(static_cast<std::uint8_t>(0x90 + sequence % 16));
    writeRtpHeader(datagram, {.payloadType = 0,
                              .marker = false,
                              .sequence = sequence,
                              .timestamp = std::uint32_t{160} * sequence,
                              .ssrc = 7,
                              .payload = {}});
    sequence++;
    sendto(fd, datagram.data(), datagram.size(), 0, to.raw(), to.size);
  }
  /// @return false if nothing came
  bool hear(std::size_t packets) noexcept {
    std::array<std::uint8_t, 1500> datagram;
    for (std::size_t i = 0; i < packets; i++) {
      pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, kMostWaitMs) != 1) return false;
      if (recv(fd, datagram.data(), datagram.size(), 0) <= 0) return false;
    }
    return true;
  }
};

/// A caller and an agent on one port, the caller clamped.
struct Worker {
  Board board{-1, 4};
  Engine engine{board};
  LinkKeeper links{engine};
  std::unique_ptr<SharedPort> port;
  Endpoint local = *Endpoint::parse("127.0.0.1", 0);
  Room room{1};
  std::array<Phone, 2> phones;
  std::array<std::unique_ptr<Leg>, 2> legs;

  Worker() {
    std::random_device random;
    const auto first = static_cast<std::uint16_t>(2 * (5000 + random() % 24'000));
    PortPool pool(first, static_cast<std::uint16_t>(first + 199), 0);
    auto sockets = pool.open(local, nowMs(), SharedPort::kMostLegs);
    REQUIRE(sockets.has_value());
    local = local.withPort(sockets->port());
    port = std::make_unique<SharedPort>(std::move(*sockets));
    post({.kind = MediaCommand::Kind::kOpenRoom, .room = &room});
    for (std::uint32_t id = 1; id <= legs.size(); id++) open(id);
    hear(1, 0, {.access = Access::kClamped});
    hear(0, 1, {.access = Access::kOpen});
  }
  ~Worker() {
    for (auto& leg : legs) post({.kind = MediaCommand::Kind::kRemove, .leg = leg.get()});
    post({.kind = MediaCommand::Kind::kCloseRoom, .room = &room});
    while (!legs[0]->retired() || !legs[1]->retired() || !room.retired()) std::this_thread::yield();
  }

  void post(const MediaCommand& command) { REQUIRE(engine.post(command)); }
  void hear(std::size_t listener, std::size_t speaker, const Hearing& hearing) {
    post({.kind = MediaCommand::Kind::kHear,
          .leg = legs[listener].get(),
          .room = &room,
          .speaker = legs[speaker].get(),
          .hearing = hearing});
  }
  void open(std::uint32_t id) {
    auto& leg = legs[id - 1];
    const StreamSeed seed{.ssrc = id, .timestamp = 0, .sequence = 0, .cname = {"name"}};
    leg = std::make_unique<Leg>(id, SocketPair{}, port.get(), local, seed, *board.claim(id), 0, engine, links,
                                engine.outbox());
    leg->session().prepare(Codec::kPcmu);
    leg->makeVoice();
    port->join(id);
    const Endpoint& peer = phones[id - 1].address;
    const StreamSettings settings{.ptimeMs = 20, .sending = true, .receiving = true, .findsTones = id == 1};
    post({.kind = MediaCommand::Kind::kAdd, .leg = leg.get()});
    post({.kind = MediaCommand::Kind::kConnect,
          .leg = leg.get(),
          .settings = settings,
          .link = {.rtp = peer, .rtcp = peer.withPort(static_cast<std::uint16_t>(peer.port() + 1))}});
    post({.kind = MediaCommand::Kind::kJoin,
          .leg = leg.get(),
          .room = &room,
          .seats = room.makeSeats(legs.size())});
  }
  /// @return false if one was sent nothing
  bool talk(std::size_t bursts) noexcept {
    for (std::size_t burst = 0; burst < bursts; burst++) {
      for (std::size_t packet = 0; packet < kBurst; packet++) {
        for (Phone& phone : phones) phone.say(local);
      }
      for (Phone& phone : phones) {
        if (!phone.hear(kBurst)) return false;
      }
    }
    return true;
  }
};

}  // namespace

TEST_CASE("packets that come and go by a shared port, several at once, allocate nothing") {
  Worker worker;
  REQUIRE(worker.talk(4));
  const std::size_t before = allocations();
  const bool wasHeard = worker.talk(40);
  CHECK(allocations() == before);
  CHECK(wasHeard);
}

TEST_SUITE_END();
