#include "media/unheard_limit.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <vector>

#include "media/leg.h"
#include "media/room.h"
#include "rtp/packet.h"

using namespace hushpay;

TEST_SUITE_BEGIN("unheard_limit_test");

namespace {

constexpr double kTickMs = Session::kTickMs;
constexpr std::size_t kInASecond = 50;  // packets of 20 ms

/// A peer on loopback that says nothing until it is told to.
struct Peer {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Endpoint address = *Endpoint::parse("127.0.0.1", 0);
  std::uint16_t sequence = 0;

  Peer() {
    REQUIRE(bind(fd, address.raw(), address.size) == 0);
    REQUIRE(getsockname(fd, address.raw(), &address.size) == 0);
  }
  ~Peer() { close(fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// What has come: on loopback it is there once it was sent.
  [[nodiscard]] std::vector<RtpPacket> taken() const {
    std::vector<RtpPacket> packets;
    std::array<std::uint8_t, 1500> bytes{};
    for (ssize_t size = 0; (size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
      packets.push_back(*parseRtp(ByteView(bytes).first(static_cast<std::size_t>(size))));
    return packets;
  }

  Datagram packet() {
    Datagram datagram{.peer = address, .size = kRtpHeaderSize + 160};
    writeRtpHeader(datagram.bytes, {.payloadType = 0,
                                    .marker = false,
                                    .sequence = sequence,
                                    .timestamp = 160u * sequence,
                                    .ssrc = 7,
                                    .payload = {}});
    sequence++;
    return datagram;
  }
};

/// A leg on a clock of the test's own.
struct Line final : EventSink, SetupInbox {
  PortPool ports{static_cast<std::uint16_t>(20'000), static_cast<std::uint16_t>(29'999), 0};
  Endpoint local = *Endpoint::parse("127.0.0.1", 0);
  BoardSlot slot;
  Outbox outbox;
  double nowMs = 5000;
  Leg leg{1,
          *ports.open(local, 0),
          nullptr,
          local,
          {.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"us"}},
          slot,
          0,
          *this,
          *this,
          outbox};

  Line() { leg.session().prepare(Codec::kPcmu); }
  void emit(const MediaEvent&) noexcept override {}
  void put(const SetupDatagram&) noexcept override {}

  void connect(const Peer& peer, bool isLimited = true) {
    const Link link{.rtp = peer.address,
                    .rtcp = peer.address.withPort(static_cast<std::uint16_t>(peer.address.port() + 1)),
                    .limitsUnheard = isLimited};
    leg.connect(link, {.ptimeMs = 20, .sending = true, .receiving = true}, nowMs);
  }
  void run(double ms) {
    for (const double endMs = nowMs + ms; nowMs < endMs; nowMs += kTickMs) leg.tick(nowMs);
    outbox.flush();
  }
};

}  // namespace

TEST_CASE("an address that nothing has come from gets a second of audio, then none") {
  const Peer peer;
  Line line;
  line.connect(peer);
  line.run(3000);
  const std::size_t sent = peer.taken().size();
  CHECK(sent <= kInASecond);
  CHECK(sent > kInASecond - 5);
  line.run(60'000);
  CHECK(peer.taken().empty());
  line.connect(peer);  // a re-INVITE that changes nothing
  line.run(3000);
  CHECK(peer.taken().empty());
}

TEST_CASE("a peer that has been heard, or is known, is sent to without end") {
  for (const bool isLimited : {true, false}) {
    Peer peer;
    Line line;
    line.connect(peer, isLimited);
    if (isLimited) line.leg.receiveRtp(peer.packet(), line.nowMs);
    line.run(4000);
    CHECK(peer.taken().size() > 190);
  }
}

TEST_CASE("whoever is heard late is sent to at once: no number is left out, and the clock has gone on") {
  Peer peer;
  Line line;
  line.connect(peer);
  line.run(5000);
  const RtpPacket last = peer.taken().back();
  line.leg.receiveRtp(peer.packet(), line.nowMs);
  line.run(100);
  const std::vector<RtpPacket> packets = peer.taken();
  REQUIRE(packets.size() >= 4);
  CHECK(packets[0].sequence == last.sequence + 1);
  CHECK(packets[0].marker);
  CHECK(packets[0].timestamp - last.timestamp > 8u * 3900);
  CHECK(packets[0].timestamp - last.timestamp < 8u * 4200);
}

TEST_CASE("a report of the peer counts, and what comes from elsewhere does not") {
  const Peer peer;
  Peer stranger;
  Line line;
  line.connect(peer);
  line.run(2000);
  (void)peer.taken();
  line.leg.receiveRtp(stranger.packet(), line.nowMs);
  line.run(200);
  CHECK(peer.taken().empty());
  Datagram report{.peer = peer.address.withPort(static_cast<std::uint16_t>(peer.address.port() + 1)),
                  .size = 8};
  report.bytes = {0x80, 201, 0, 1, 0, 0, 0, 7};  // a receiver report of nothing
  line.leg.receiveRtcp(report, line.nowMs);
  line.run(200);
  CHECK(peer.taken().size() >= 8);
}

TEST_CASE("who is described at one place after the other gets no more than at one, until it was heard") {
  Peer peer;
  const Peer other;
  Line line;
  line.connect(peer);
  std::size_t sent = 0;
  for (int move = 0; move < 10; move++) {
    line.run(300);
    line.connect(move % 2 == 0 ? other : peer);
    sent += peer.taken().size() + other.taken().size();
  }
  CHECK(sent <= kInASecond);
  line.connect(peer, false);  // where it is known, for a while
  line.run(100);
  line.connect(other);
  (void)peer.taken();
  line.run(1000);
  CHECK(other.taken().empty());
  line.connect(peer);
  line.leg.receiveRtp(peer.packet(), line.nowMs);
  line.connect(other);
  line.run(3000);
  const std::size_t again = other.taken().size();
  CHECK(again > kInASecond - 5);
  CHECK(again <= kInASecond);
}

TEST_CASE("a leg that goes on in another process is not asked again what it was heard with") {
  const Peer peer;
  Line line;
  StreamPosition before{.next = {.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"us"}},
                        .atMs = line.nowMs};
  before.counts.packetsReceived = 9;
  line.leg.takeUp(before, line.nowMs);
  line.connect(peer);
  line.run(4000);
  CHECK(peer.taken().size() > 190);
}

TEST_CASE("in a room, too, the limit is watched while nothing else is to be done") {
  Peer peer;
  Line line;
  line.connect(peer);
  CHECK(line.leg.dueMs() <= line.nowMs + UnheardLimit::kAllowedMs);
  Room room(1, nullptr);
  REQUIRE(room.join(line.leg.session(), line.leg.makeVoice(), nullptr));
  const auto run = [&](double ms) {
    for (const double endMs = line.nowMs + ms; line.nowMs < endMs; line.nowMs += kTickMs) {
      if (line.leg.dueMs() <= line.nowMs) line.leg.tick(line.nowMs);
      room.tick();
    }
    line.outbox.flush();
  };
  run(3000);
  const std::size_t sent = peer.taken().size();
  CHECK(sent > kInASecond - 5);
  CHECK(sent <= kInASecond);
  line.leg.receiveRtp(peer.packet(), line.nowMs);
  run(200);
  CHECK(peer.taken().size() >= 8);
}

TEST_SUITE_END();
