// The worker's two threads at work on real sockets: what a sanitizer of threads is there to see. The legs
// come in pairs that are each other's peer.
#include "ipc/server.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "control.h"

using namespace hushpay;
namespace pb = hushpay::media::v1;

TEST_SUITE_BEGIN("server_test");

namespace {

constexpr std::uint32_t kEventType = 101;

struct LegAt {
  std::uint32_t session;
  std::uint32_t port;
};

LegAt open(Control& control, std::uint32_t session, std::uint32_t resumePort = 0) {
  pb::Command command;
  command.mutable_open_session()->set_session(session);
  command.mutable_open_session()->set_resume_port(resumePort);
  return {session, control.tell(command).local_port()};
}

/// One leg's half of what a pair has agreed on: telephone-events are offered both ways.
pb::Command connection(const LegAt& leg, const LegAt& peer) {
  pb::Command command;
  auto& body = *command.mutable_connect_session();
  body.set_session(leg.session);
  body.set_remote_address("127.0.0.1");
  body.set_remote_port(peer.port);
  body.set_remote_rtcp_port(peer.port + 1);
  body.set_codec(pb::CODEC_PCMU);
  body.set_event_payload_type(kEventType);
  body.set_ptime_ms(20);
  body.set_sending(true);
  body.set_receiving(true);
  return command;
}

void connect(Control& control, const LegAt& one, const LegAt& other) {
  control.tell(connection(one, other));
  control.tell(connection(other, one));
}

/// Keys of no secret: `mark` and its complement.
void protect(Control& control, const LegAt& one, const LegAt& other, char mark) {
  const std::string key(30, mark);
  const std::string otherKey(30, static_cast<char>(~mark));
  for (const auto& [leg, peer] : {std::pair(one, other), std::pair(other, one)}) {
    pb::Command command = connection(leg, peer);
    auto& srtp = *command.mutable_connect_session()->mutable_srtp();
    srtp.set_suite(pb::SRTP_SUITE_AES_CM_128_HMAC_SHA1_80);
    srtp.set_send_key(leg.session == one.session ? key : otherKey);
    srtp.set_receive_key(leg.session == one.session ? otherKey : key);
    control.tell(command);
  }
}

/// Presses a key towards the peer and waits until the worker says that the peer's leg had it.
void press(Control& control, const LegAt& from, const LegAt& to, std::uint32_t key) {
  pb::Command command;
  auto& body = *command.mutable_send_key();
  body.set_session(from.session);
  body.set_key(key);
  body.set_duration_ms(60);
  control.tell(command);
  control.await([&](const pb::Event& event) {
    return event.has_key_down() && event.key_down().session() == to.session && event.key_down().key() == key;
  });
}

pb::SessionStats close(Control& control, const LegAt& leg) {
  pb::Command command;
  command.mutable_close_session()->set_session(leg.session);
  return control.tell(command).stats();
}

pb::Command inRoom(std::uint32_t room, const LegAt& leg) {
  pb::Command command;
  command.mutable_join_room()->set_room(room);
  command.mutable_join_room()->set_session(leg.session);
  return command;
}

pb::Command hearing(std::uint32_t room, const LegAt& listener, const LegAt& speaker, pb::Access access) {
  pb::Command command;
  auto& body = *command.mutable_hear();
  body.set_room(room);
  body.set_listener(listener.session);
  body.set_speaker(speaker.session);
  body.set_source(pb::SOURCE_VOICE);
  body.set_access(access);
  return command;
}

pb::Command about(std::uint32_t room) {
  pb::Command command;
  command.mutable_look_at_room()->set_room(room);
  return command;
}

}  // namespace

TEST_CASE("a key goes from leg to leg, in clear and protected, also after the keys have changed") {
  Control control;
  control.tell(Control::configuration());
  const LegAt one = open(control, 1);
  const LegAt other = open(control, 2);
  connect(control, one, other);
  press(control, one, other, 1);
  protect(control, one, other, 'a');
  press(control, other, one, 2);
  protect(control, one, other, 'b');
  press(control, one, other, 3);
  const pb::SessionStats stats = close(control, other);
  CHECK(stats.packets_received() > 0);
  CHECK(stats.events_received() == 2);
  CHECK(close(control, one).events_received() == 1);
  CHECK(control.end() == 0);
}

TEST_CASE("two legs shake hands over DTLS and a key passes") {
  Control control;
  std::string fingerprint;
  const std::string hex = control.tell(Control::configuration()).dtls_fingerprint();
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    fingerprint += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  const LegAt one = open(control, 1);
  const LegAt other = open(control, 2);
  for (const auto& [leg, peer] : {std::pair(one, other), std::pair(other, one)}) {
    pb::Command command = connection(leg, peer);
    auto& dtls = *command.mutable_connect_session()->mutable_dtls();
    dtls.set_hash("sha-256");
    dtls.set_fingerprint(fingerprint);
    dtls.set_active(leg.session == one.session);
    control.tell(command);
  }
  // Control is told the keys once a second, when both ends have them.
  for (const LegAt& leg : {one, other}) {
    control.await([&](const pb::Event& event) {
      return event.has_stream_state() && event.stream_state().session() == leg.session;
    });
  }
  press(control, one, other, 7);
  close(control, one);
  close(control, other);
}

TEST_CASE("rooms open, change and close while their members talk, come and go") {
  constexpr std::uint32_t kRooms = 3;
  Control control;
  control.tell(Control::configuration());
  for (std::uint32_t round = 0; round < 4; round++) {
    const std::uint32_t first = round * 100;
    for (std::uint32_t room = first + 1; room <= first + kRooms; room++) {
      // Peers outside, legs inside: what a member hears goes to its peer.
      const LegAt caller = open(control, 10 * room);
      const LegAt callerPeer = open(control, 10 * room + 1);
      const LegAt agent = open(control, 10 * room + 2);
      const LegAt agentPeer = open(control, 10 * room + 3);
      connect(control, caller, callerPeer);
      connect(control, agent, agentPeer);
      pb::Command command;
      command.mutable_open_room()->set_room(room);
      control.tell(command);
      control.tell(inRoom(room, caller));
      control.tell(inRoom(room, agent));
      control.tell(hearing(room, agent, caller, pb::ACCESS_OPEN));
      control.tell(hearing(room, caller, agent, pb::ACCESS_OPEN));
      control.tell(hearing(room, agent, caller, pb::ACCESS_CLAMPED));
      press(control, callerPeer, caller, room % 10);
      CHECK(control.tell(about(room)).voices_size() == 2);
      protect(control, agent, agentPeer, static_cast<char>(room));
      press(control, agentPeer, agent, (room + 1) % 10);
      // A member that is closed leaves; a room that is closed lets its member go.
      CHECK(close(control, caller).clamp().event_presses() == 1);
      CHECK(control.tell(about(room)).voices_size() == 1);
      pb::Command closing;
      closing.mutable_close_room()->set_room(room);
      control.tell(closing);
      for (const LegAt& leg : {callerPeer, agent, agentPeer}) close(control, leg);
    }
  }
}

TEST_CASE("a worker takes up the legs of one that ended, on their ports and where their streams were") {
  const int board = memfd_create("board", MFD_CLOEXEC);
  const pb::Command configuration = Control::configuration();
  LegAt one{};
  LegAt other{};
  pb::Command again[2];
  {
    Control control(board);
    control.tell(configuration);
    one = open(control, 1);
    other = open(control, 2);
    protect(control, one, other, 'k');
    press(control, one, other, 4);
    again[0] = connection(one, other);
    again[1] = connection(other, one);
    for (pb::Command& command : again) {
      const std::uint32_t session = command.connect_session().session();
      control.await([&](const pb::Event& event) {
        if (!event.has_stream_state() || event.stream_state().session() != session) return false;
        *command.mutable_connect_session()->mutable_srtp() = event.stream_state().srtp();
        return true;
      });
    }
    CHECK(control.end() == 0);
  }
  Control control(board);
  control.tell(configuration);
  CHECK(open(control, 1, one.port).port == one.port);
  CHECK(open(control, 2, other.port).port == other.port);
  for (const pb::Command& command : again) control.tell(command);
  press(control, one, other, 5);
  close(control, one);
  close(control, other);
  control.end();
  ::close(board);
}

TEST_CASE("commands that cannot be obeyed are answered, and the worker goes on") {
  Control control;
  CHECK(control.ask({}).status() == pb::STATUS_BAD_ARGUMENT);
  pb::Command opening;
  opening.mutable_open_session()->set_session(1);
  CHECK(control.ask(opening).status() == pb::STATUS_NOT_CONFIGURED);
  control.tell(Control::configuration());
  pb::Command closing;
  closing.mutable_close_session()->set_session(9);
  CHECK(control.ask(closing).status() == pb::STATUS_NO_SUCH_SESSION);
  CHECK(control.ask(about(9)).status() == pb::STATUS_NO_SUCH_ROOM);
  const LegAt leg = open(control, 1);
  CHECK(control.ask(opening).status() == pb::STATUS_SESSION_EXISTS);
  CHECK(control.ask(connection(leg, leg)).status() == pb::STATUS_BAD_ADDRESS);
  close(control, leg);
}

TEST_SUITE_END();
