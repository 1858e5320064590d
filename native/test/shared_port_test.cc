#include "media/shared_port.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "control.h"
#include "rtp/packet.h"

using namespace hushpay;
namespace pb = hushpay::media::v1;

TEST_SUITE_BEGIN("shared_port_test");

namespace {

constexpr std::uint32_t kEventType = 101;

/// A telephone of one call, with a socket of its own.
struct Caller {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Endpoint address = *Endpoint::parse("127.0.0.1", 0);
  std::uint16_t sequence = 0;

  Caller() {
    REQUIRE(bind(fd, address.raw(), address.size) == 0);
    REQUIRE(getsockname(fd, address.raw(), &address.size) == 0);
  }
  ~Caller() { close(fd); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// A report of a key that is down, of one press.
  void press(std::uint32_t port, std::uint8_t key) {
    std::array<std::uint8_t, kRtpHeaderSize + 4> datagram{};
    writeRtpHeader(datagram, {.payloadType = kEventType,
                              .marker = sequence == 0,
                              .sequence = sequence,
                              .timestamp = 160,
                              .ssrc = 7,
                              .payload = {}});
    sequence++;
    datagram[kRtpHeaderSize] = key;
    datagram[kRtpHeaderSize + 3] = static_cast<std::uint8_t>(160 * sequence % 256);
    const Endpoint to = *Endpoint::parse("127.0.0.1", static_cast<std::uint16_t>(port));
    REQUIRE(sendto(fd, datagram.data(), datagram.size(), 0, to.raw(), to.size) > 0);
  }
};

pb::Reply open(Control& control, std::uint32_t session, std::uint32_t resumePort = 0) {
  pb::Command command;
  command.mutable_open_session()->set_session(session);
  command.mutable_open_session()->set_shares_port(true);
  command.mutable_open_session()->set_resume_port(resumePort);
  return control.ask(command);
}

pb::Command connection(std::uint32_t session, const Caller& caller) {
  pb::Command command;
  auto& body = *command.mutable_connect_session();
  body.set_session(session);
  body.set_remote_address("127.0.0.1");
  body.set_remote_port(caller.address.port());
  body.set_remote_rtcp_port(caller.address.port());
  body.set_codec(pb::CODEC_PCMU);
  body.set_event_payload_type(kEventType);
  body.set_ptime_ms(20);
  body.set_sending(true);
  body.set_receiving(true);
  return command;
}

void awaitKey(Control& control, std::uint32_t session, std::uint32_t key) {
  control.await([&](const pb::Event& event) {
    const bool isKey = event.has_key_down() && event.key_down().key() == key;
    if (isKey) CHECK(event.key_down().session() == session);
    return isKey;
  });
}

pb::Reply closeSession(Control& control, std::uint32_t session) {
  pb::Command command;
  command.mutable_close_session()->set_session(session);
  return control.ask(command);
}

/// What a caller is sent comes from the port it was told, whoever else is on it.
std::uint16_t sourceOf(const Caller& caller) {
  std::array<std::uint8_t, 1500> datagram{};
  Endpoint from;
  from.size = sizeof from.storage;
  REQUIRE(recvfrom(caller.fd, datagram.data(), datagram.size(), 0, from.raw(), &from.size) > 0);
  return from.port();
}

}  // namespace

TEST_CASE("legs of one port are told apart by where their packets come from") {
  Control control;
  control.tell(Control::configuration());
  std::array<Caller, 3> callers;
  const std::uint32_t port = open(control, 1).local_port();
  CHECK(open(control, 2).local_port() == port);
  control.tell(connection(1, callers[0]));
  control.tell(connection(2, callers[1]));
  callers[2].press(port, 9);  // a stranger
  for (int report = 0; report < 3; report++) callers[0].press(port, 4);
  for (int report = 0; report < 3; report++) callers[1].press(port, 5);
  awaitKey(control, 1, 4);
  awaitKey(control, 2, 5);
  CHECK(sourceOf(callers[0]) == port);
  CHECK(sourceOf(callers[1]) == port);
  const pb::SessionStats first = closeSession(control, 1).stats();
  const pb::SessionStats second = closeSession(control, 2).stats();
  CHECK(first.packets_received() == 3);
  CHECK(second.packets_received() == 3);
  CHECK(first.packets_foreign() + second.packets_foreign() == 0);
}

TEST_CASE("an address belongs to one leg of a port, until that is closed or has moved") {
  Control control;
  control.tell(Control::configuration());
  std::array<Caller, 2> callers;
  const std::uint32_t port = open(control, 1).local_port();
  CHECK(open(control, 2).local_port() == port);
  control.tell(connection(1, callers[0]));
  CHECK(control.ask(connection(2, callers[0])).status() == pb::STATUS_ADDRESS_TAKEN);
  control.tell(connection(1, callers[1]));
  control.tell(connection(2, callers[0]));
  callers[0].press(port, 6);
  awaitKey(control, 2, 6);
  CHECK(control.ask(connection(1, callers[0])).status() == pb::STATUS_ADDRESS_TAKEN);
  closeSession(control, 2);
  control.tell(connection(1, callers[0]));
  callers[0].press(port, 7);
  awaitKey(control, 1, 7);
}

TEST_CASE("what cannot be told apart by its address may not share a port") {
  Control control;
  control.tell(Control::configuration());
  const Caller caller;
  open(control, 1);
  pb::Command command = connection(1, caller);
  command.mutable_connect_session()->set_learn_source(true);
  CHECK(control.ask(command).status() == pb::STATUS_BAD_ARGUMENT);
}

TEST_CASE("a full port is followed by another, and has a place again when a leg has gone") {
  Control control;
  control.tell(Control::configuration());
  std::vector<std::uint32_t> ports;
  constexpr std::uint32_t kMost = SharedPort::kMostLegs;
  for (std::uint32_t session = 1; session <= kMost + 1; session++)
    ports.push_back(open(control, session).local_port());
  CHECK(ports[kMost - 1] == ports[0]);
  CHECK(ports[kMost] != ports[0]);
  closeSession(control, kMost + 1);
  closeSession(control, 1);
  CHECK(open(control, kMost + 3).local_port() == ports[0]);
}

TEST_CASE("sessions of a worker that has gone find their port again, and each other on it") {
  const std::uint32_t port = [] {
    Control control;
    control.tell(Control::configuration());
    return open(control, 1).local_port();
  }();
  pb::Command configuration = Control::configuration();
  configuration.mutable_configure()->set_port_min(port);
  configuration.mutable_configure()->set_port_max(port + 1);
  Control control;
  control.tell(configuration);
  CHECK(open(control, 1, port).local_port() == port);
  CHECK(open(control, 2, port).local_port() == port);
  std::array<Caller, 2> callers;
  control.tell(connection(1, callers[0]));
  control.tell(connection(2, callers[1]));
  callers[1].press(port, 3);
  awaitKey(control, 2, 3);
}

TEST_SUITE_END();
