#include "targets.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/channel.h"
#include "ipc/convert.h"
#include "ipc/link_wish.h"
#include "media.pb.h"
#include "media/session.h"
#include "media/wav.h"
#include "rtp/event_receiver.h"
#include "rtp/packet.h"
#include "rtp/redundancy.h"
#include "rtp/rtcp.h"
#include "secure/demux.h"
#include "secure/dtls.h"
#include "secure/ice_lite.h"
#include "secure/srtp.h"

namespace hushpay {
namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

bool isWithin(ByteView part, ByteView whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

std::uint32_t sumOf(ByteView bytes) {
  std::uint32_t sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  return sum;
}

void check(const KeyEdges& edges) {
  for (const KeyEdge& edge : edges) must(edge.key <= 15 && std::isfinite(edge.onsetMs));
}

struct Nowhere final : PacketSink, EventSink {
  void sendRtp(ByteView) noexcept override {}
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent& event) noexcept override {
    must(event.key <= 15 && std::isfinite(event.onsetMs) && event.session == 1);
  }
};

void check(const media::v1::ConnectSession& command) {
  (void)codecOf(command.codec());
  (void)wishesOf(command.opus());
  LinkWish wish;
  std::string detail;
  const media::v1::Status status = readLinkWish(command, *Endpoint::parse("192.0.2.1", 4000), wish, detail);
  if (status != media::v1::STATUS_OK) return must(!detail.empty());
  must(!(wish.srtp && wish.dtls) && (wish.ice || (wish.rtp.isHost() && wish.rtp.family() == AF_INET)));
  must(!wish.srtp || !(wish.srtp->send == wish.srtp->receive));
}

void check(const media::v1::Hear& command) {
  (void)sourceOf(command.source());
  if (const auto hearing = hearingOf(command)) must(hearing->gain >= 0.00099F && hearing->gain <= 10.01F);
}

}  // namespace

void fuzzRtp(ByteView input) {
  const auto packet = parseRtp(input);
  if (!packet) return;
  must(isWithin(packet->payload, input) && packet->payloadType < 128);
  (void)sumOf(packet->payload);
}

void fuzzRtcp(ByteView input) {
  for (const std::uint32_t ssrc : {0u, 1u, 77u}) {
    const auto incoming = parseRtcp(input, ssrc);
    if (!incoming || !incoming->aboutUs) continue;
    must(incoming->aboutUs->ssrc == ssrc);
    if (const auto tripMs = roundTripMs(*incoming->aboutUs, 1ULL << 40)) must(*tripMs >= 0);
  }
}

/// Reports of 4 bytes each, a step of the clock and of the timestamp between them.
void fuzzEvent(ByteView input) {
  constexpr std::size_t kStep = 4;
  EventReceiver receiver;
  StreamClock clock;
  double nowMs = 1000;
  std::uint32_t timestamp = 0;
  while (input.size() > kStep) {
    const std::uint8_t control = input[0];
    nowMs += input[1] * 4;
    timestamp += readU16(input, 2) * (control & 2 ? 160u : 0u);
    const std::size_t size = std::min<std::size_t>(control >> 4, input.size() - kStep);
    const EventPacket packet{.timestamp = timestamp,
                             .marker = (control & 1) != 0,
                             .payload = input.subspan(kStep, size),
                             .redundant = (control & 4) != 0};
    if ((control & 8) != 0) clock.note(timestamp, nowMs);
    KeyEdges edges;
    receiver.receive(packet, &clock, nowMs, edges);
    receiver.tick(nowMs, nowMs, edges);
    check(edges);
    if (control == 0xff) receiver.restart(nowMs);
    if (control == 0xfe) receiver.setClockRate(input[1] % 2 == 0 ? 8000 : 48'000, nowMs);
    (void)receiver.covers(timestamp, 160);
    input = input.subspan(kStep + size);
  }
}

void fuzzRedundant(ByteView input) {
  const auto packet = parseRedundant(input, 5);
  if (!packet) return;
  std::size_t size = packet->primary().payload.size();
  must(isWithin(packet->primary().payload, input));
  for (const RedundantBlock& copy : packet->copies()) {
    must(isWithin(copy.payload, input) && copy.payloadType < 128);
    size += copy.payload.size();
  }
  must(size < input.size());
}

void fuzzWav(ByteView input) {
  const WavResult result = parseWav(input);
  if (const auto* samples = std::get_if<std::vector<std::int16_t>>(&result))
    must(!samples->empty() && samples->size() * 2 < input.size());
  else
    must(!std::get<std::string>(result).empty());
}

void fuzzSession(ByteView input) {
  Nowhere nowhere;
  const StreamSeed seed{.ssrc = 1, .timestamp = 2, .sequence = 3, .cname = {"name"}};
  const auto session = std::make_unique<Session>(1, seed, 1000, nowhere, nowhere);
  StreamSettings settings{.eventPayloadType = 101, .sending = true, .receiving = true};
  settings.redundantPayloadType = 121;
  settings.noisePayloadType = 96;
  static constexpr std::array<std::pair<Codec, std::uint8_t>, 4> kTurns = {
      {{Codec::kPcmu, 0}, {Codec::kPcma, 8}, {Codec::kG722, 9}, {Codec::kOpus, 111}}};
  std::size_t turn = 0;
  double nowMs = 1000;
  for (const auto& [codec, type] : kTurns) session->prepare(codec);
  session->connect(settings, nowMs);
  while (input.size() > 2) {
    const std::uint8_t control = input[0];
    const std::size_t size = std::min<std::size_t>(input[1], input.size() - 2);
    const ByteView datagram = input.subspan(2, size);
    if ((control & 0x80) != 0) {
      session->receiveRtcp(datagram, nowMs);
    } else {
      session->receiveRtp(datagram, nowMs);
    }
    if (control == 0x7f) {
      std::tie(settings.codec, settings.payloadType) = kTurns[++turn % kTurns.size()];
      settings.eventPayloadType ^= 1;
      session->connect(settings, nowMs);
    }
    for (int tick = control & 7; tick > 0; tick--) session->tick(nowMs += Session::kTickMs);
    (void)session->eventCovers(control * 100u, 160);
    input = input.subspan(2 + size);
  }
  session->close(nowMs);
}

void fuzzSrtp(ByteView input) {
  if (input.empty()) return;
  SrtpKey key;
  key.suite = static_cast<SrtpSuite>(input[0] & 3);
  for (std::size_t i = 0; i < SrtpKey::sizeOf(key.suite); i++) key.bytes[i] = static_cast<std::uint8_t>(i);
  const bool isRtcp = (input[0] & 4) != 0;
  const ByteView datagram = input.subspan(1);
  SrtpReceiver receiver(key);
  std::vector<std::uint8_t> plain(datagram.size());
  std::size_t size = 0;
  const auto open = [&] {
    return isRtcp ? receiver.unprotectRtcp(datagram, plain, size)
                  : receiver.unprotectRtp(datagram, plain, size);
  };
  if (open() == Unprotected::kOk) {
    must(size < datagram.size());
    must(open() == Unprotected::kReplayed);
  }
  SrtpSender sender(key);
  std::vector<std::uint8_t> buffer(datagram.begin(), datagram.end());
  buffer.resize(datagram.size() + kMaxSrtpTrailer);
  const std::size_t sealed =
      isRtcp ? sender.protectRtcp(buffer, datagram.size()) : sender.protectRtp(buffer, datagram.size());
  if (sealed == 0) return;
  SrtpReceiver peer(key);
  plain.resize(sealed);
  const ByteView packet = ByteView(buffer).first(sealed);
  must((isRtcp ? peer.unprotectRtcp(packet, plain, size) : peer.unprotectRtp(packet, plain, size)) ==
       Unprotected::kOk);
  must(size == datagram.size() && std::ranges::equal(ByteView(plain).first(size), datagram));
}

void fuzzStun(ByteView input) {
  IceLite agent({.localUser = "evtj", .localPassword = "VOkJxbRl1RmTxUk/WvJxBt", .remoteUser = "h6vY"});
  const Endpoint source = *Endpoint::parse("192.0.2.1", 32853);
  std::vector<std::uint8_t> reply(kMaxStunSize);
  (void)kindOf(input);
  const IceLite::Outcome outcome = agent.receive(input, source, reply);
  must(outcome.replySize <= reply.size() && outcome.proved == agent.isProven(source));
  must(!outcome.nominated || outcome.proved);
}

void fuzzDtls(ByteView input) {
  struct Void final : DtlsSink {
    void sendDtls(ByteView datagram) override { must(datagram.size() <= 1500); }
  } nowhere;
  static const DtlsIdentity kIdentity;
  const Endpoint source = *Endpoint::parse("192.0.2.1", 4000);
  const DtlsFingerprint nobody{.hash = DtlsFingerprint::Hash::kSha256, .size = 32};
  DtlsAssociation active(kIdentity, DtlsAssociation::Role::kActive, nobody, false, nowhere, 0);
  DtlsAssociation passive(kIdentity, DtlsAssociation::Role::kPassive, nobody, false, nowhere, 0);
  active.start();
  while (input.size() > 3) {
    const std::size_t size = std::min<std::size_t>(readU16(input, 1) % 1500, input.size() - 3);
    ((input[0] & 1) != 0 ? active : passive).receive(input.subspan(3, size), source, 0);
    input = input.subspan(3 + size);
  }
  must(active.state() != DtlsAssociation::State::kDone && passive.state() != DtlsAssociation::State::kDone);
}

void fuzzCommand(ByteView input) {
  std::array<int, 2> ends{};
  must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const ssize_t sent = send(ends[1], input.data(), input.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  must(sent == static_cast<ssize_t>(input.size()));
  close(ends[1]);
  Channel channel(ends[0]);
  media::v1::Command command;
  Channel::Read state = Channel::Read::kOpen;
  bool isSound = true;
  while (isSound && state == Channel::Read::kOpen) {
    state = channel.read();
    isSound = channel.eachMessage([&](ByteView bytes) {
      must(bytes.size() <= Channel::kMaxMessage);
      if (!command.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
      if (command.has_connect_session()) check(command.connect_session());
      if (command.has_hear()) check(command.hear());
      forgetKey(command);
      must(command.send_key().key() == 0 && command.play_clip().clip() == 0);
      return true;
    });
  }
  close(ends[0]);
}

}  // namespace hushpay
