#include "secure/dtls.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "secure/srtp.h"

using namespace hushpay;

TEST_SUITE_BEGIN("dtls_test");

namespace {

using Role = DtlsAssociation::Role;
using State = DtlsAssociation::State;

DtlsFingerprint fingerprintOf(const DtlsIdentity& identity) {
  DtlsFingerprint fingerprint{.hash = DtlsFingerprint::Hash::kSha256, .size = identity.fingerprint().size()};
  std::ranges::copy(identity.fingerprint(), fingerprint.digest.begin());
  return fingerprint;
}

struct Wire final : DtlsSink {
  std::deque<std::vector<std::uint8_t>> sent;
  void sendDtls(ByteView datagram) override { sent.emplace_back(datagram.begin(), datagram.end()); }
};

/// Both ends of a handshake.
struct Pair {
  DtlsIdentity ours;
  DtlsIdentity theirs;
  Wire fromClient;
  Wire fromServer;
  double nowMs = 1000;
  DtlsAssociation client;
  DtlsAssociation server;
  Endpoint clientAddress = *Endpoint::parse("192.0.2.1", 1000);
  Endpoint serverAddress = *Endpoint::parse("192.0.2.2", 2000);
  int datagrams = 0;

  explicit Pair(bool cookies, bool wrongFingerprint = false)
      : client(ours, Role::kActive, fingerprintOf(wrongFingerprint ? ours : theirs), false, fromClient,
               nowMs),
        server(theirs, Role::kPassive, fingerprintOf(ours), cookies, fromServer, nowMs) {
    client.start();
  }

  /// @param loses  decides about each datagram
  template <typename Loses>
  void run(Loses loses) {
    while (!fromClient.sent.empty() || !fromServer.sent.empty()) {
      pass(fromClient, server, clientAddress, loses);
      pass(fromServer, client, serverAddress, loses);
    }
  }
  void run() {
    run([] { return false; });
  }

  template <typename Loses>
  void pass(Wire& from, DtlsAssociation& to, const Endpoint& source, Loses loses) {
    while (!from.sent.empty()) {
      const std::vector<std::uint8_t> datagram = std::move(from.sent.front());
      from.sent.pop_front();
      datagrams++;
      CHECK(datagram.size() <= 1500);
      if (!loses()) to.receive(datagram, source, nowMs);
    }
  }
};

}  // namespace

TEST_CASE("agrees on keys that fit, with cookies and without") {
  for (const bool cookies : {false, true}) {
    Pair pair(cookies);
    pair.run();
    REQUIRE(pair.client.state() == State::kDone);
    REQUIRE(pair.server.state() == State::kDone);
    CHECK(pair.client.keys().send == pair.server.keys().receive);
    CHECK(pair.client.keys().receive == pair.server.keys().send);
    CHECK_FALSE(pair.client.keys().send == pair.client.keys().receive);
    CHECK(pair.client.keys().send.suite == SrtpSuite::kAeadAes128Gcm);
  }
}

TEST_CASE("a certificate the session description does not vouch for fails the association") {
  Pair pair(false, true);
  pair.run();
  CHECK(pair.client.state() == State::kFailed);
  CHECK(std::string(pair.client.problem()).find("certificate") != std::string::npos);
}

TEST_CASE("gets through a line that loses every third datagram") {
  Pair pair(true);
  std::mt19937 random(3);
  const auto isDone = [&] {
    return pair.client.state() == State::kDone && pair.server.state() == State::kDone;
  };
  const auto giveUpAt = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!isDone() && std::chrono::steady_clock::now() < giveUpAt) {
    pair.run([&] { return random() % 3 == 0; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // OpenSSL's timers go by the wall clock
    pair.client.tick(pair.nowMs);
    pair.server.tick(pair.nowMs);
  }
  CHECK(pair.client.state() == State::kDone);
  CHECK(pair.server.state() == State::kDone);
}

TEST_CASE("gives up in the end") {
  Pair pair(false);
  pair.client.tick(pair.nowMs + DtlsAssociation::kPatienceMs + 1);
  CHECK(pair.client.state() == State::kFailed);
}

TEST_CASE("without its cookie a hello costs one small answer and no handshake") {
  Pair pair(true);
  const std::vector<std::uint8_t> hello = pair.fromClient.sent.front();
  for (int i = 0; i < 40; i++) {
    pair.server.receive(hello, pair.clientAddress.withPort(static_cast<std::uint16_t>(3000 + i)), pair.nowMs);
  }
  CHECK(pair.server.state() == State::kHandshaking);
  for (const auto& answer : pair.fromServer.sent) CHECK(answer.size() < hello.size());
}

TEST_CASE("a flood of hellos is cut to the allowance") {
  Pair pair(true);
  const std::vector<std::uint8_t> hello = pair.fromClient.sent.front();
  for (int i = 0; i < 1000; i++) pair.server.receive(hello, pair.clientAddress, pair.nowMs);
  CHECK(pair.fromServer.sent.size() <= 50);
}

TEST_CASE("nonsense does not end a handshake that goes on") {
  std::mt19937 random(20261122);
  Pair pair(false);
  for (int i = 0; i < 30; i++) {
    std::vector<std::uint8_t> nonsense(1 + random() % 200);
    for (auto& byte : nonsense) byte = static_cast<std::uint8_t>(random());
    nonsense[0] = static_cast<std::uint8_t>(20 + random() % 44);
    pair.server.receive(nonsense, pair.clientAddress, pair.nowMs);
    pair.client.receive(nonsense, pair.serverAddress, pair.nowMs);
  }
  pair.run();
  CHECK(pair.client.state() == State::kDone);
  CHECK(pair.server.state() == State::kDone);
}

TEST_CASE("a worker goes on as the one before it, and nothing else is taken for that") {
  const DtlsIdentity before;
  DtlsIdentity after;
  DtlsIdentity::Saved saved = before.save();
  CHECK_FALSE(after.fingerprint() == before.fingerprint());
  const auto own = after.fingerprint();
  CHECK_FALSE(after.adopt({}, {}));
  CHECK_FALSE(after.adopt(saved.certificate, saved.key));
  CHECK_FALSE(after.adopt(DtlsIdentity().save().key, saved.certificate));
  CHECK(after.fingerprint() == own);
  REQUIRE(after.adopt(saved.key, saved.certificate));
  CHECK(after.fingerprint() == before.fingerprint());
  CHECK(after.save().key == saved.key);
}

TEST_CASE("a handshake under the identity of the worker before it is who the peer expects") {
  Pair pair(true);
  DtlsIdentity next;
  const DtlsIdentity::Saved saved = pair.theirs.save();
  REQUIRE(next.adopt(saved.key, saved.certificate));
  Wire wire;
  DtlsAssociation server(next, Role::kPassive, fingerprintOf(pair.ours), false, wire, pair.nowMs);
  while (!pair.fromClient.sent.empty() || !wire.sent.empty()) {
    pair.pass(pair.fromClient, server, pair.clientAddress, [] { return false; });
    pair.pass(wire, pair.client, pair.serverAddress, [] { return false; });
  }
  CHECK(pair.client.state() == State::kDone);
  CHECK(server.state() == State::kDone);
}

TEST_SUITE_END();
