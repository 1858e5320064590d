#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "codec/g711.h"
#include "legs.h"
#include "rtp/packet.h"

// Telephones by the thousand, to load a relay with: each leg sends a packet of G.711 mu-law every 20 ms, and
// what it gets is counted.
//   hushpay-rtp-load LOAD_PORT WARM_S SECONDS SPEECH_FILE PROBES LOOK_US < "ADDRESS PORT" of each leg's
//   server, one a line
// Every LOOK_US microseconds it looks for what it gets: how exact its times are, and what it costs.
// Legs 2n and 2n+1 are a call. Everybody speaks from the file (mu-law, 8000 Hz), each from a place of their
// own. The first PROBES calls do not: their first leg is silent but for a burst a second, and the time until
// the second leg hears it, in the audio itself, is the latency. Prints one JSON object; "measuring" when the
// warm-up is over.

using namespace hushpay;
using namespace hushpay::bench;

namespace {

constexpr std::size_t kFrame = 160;
constexpr std::size_t kSlots = 20;  // a packet every 20 ms, a part of the legs each ms
constexpr std::size_t kBatch = 256;
constexpr long kLeastLookUs = 100;
constexpr int kBurstEvery = 50;       // packets
constexpr std::int16_t kLoud = 2000;  // the burst has begun

double nowMs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Leg {
  sockaddr_in server{};
  std::size_t at = 0;  // in the speech
  std::uint32_t packets = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  double burstMs = 0;  // when the burst that is under way was sent; 0 = none
  double heardMs = 0;  // last arrival
  std::uint16_t heardSequence = 0;
  bool heard = false;
};

struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;  // sequence numbers left out
  std::uint64_t late = 0;  // more than 20 ms behind their turn
  std::vector<float> gapMs;
  std::vector<float> latencyMs;
};

float percentile(std::vector<float>& values, double share) {
  if (values.empty()) return -1;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

class Load {
 public:
  Load(std::uint16_t port, std::size_t probes, long lookUs, std::vector<std::uint8_t> speech,
       std::vector<Leg> legs)
      : probes_(probes), lookUs_(lookUs), speech_(std::move(speech)), legs_(std::move(legs)) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const int size = 64 << 20;
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    const sockaddr_in any = endpointOf({htonl(INADDR_ANY)}, port);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) std::exit(71);
    for (std::size_t n = 0; n < kFrame; n++) {
      const bool high = n / 10 % 2 == 0;  // 400 Hz
      burst_[n] = encodeMuLaw(high ? 8000 : -8000);
    }
  }

  void run(double warmS, double seconds) {
    const double startMs = nowMs();
    const double measureMs = startMs + warmS * 1e3;
    const double endMs = measureMs + seconds * 1e3;
    std::size_t slot = 0;
    for (double dueMs = startMs; dueMs < endMs; dueMs++, slot = (slot + 1) % kSlots) {
      while (nowMs() < dueMs) {
        receive();
        const double leftUs = (dueMs - nowMs()) * 1e3;
        const timespec nap{.tv_sec = 0, .tv_nsec = 1000 * std::min(lookUs_, static_cast<long>(leftUs))};
        if (leftUs > 2.0 * static_cast<double>(kLeastLookUs)) nanosleep(&nap, nullptr);
      }
      if (!measuring_ && dueMs >= measureMs) {
        measuring_ = true;
        std::puts("measuring");
        std::fflush(stdout);
      }
      for (std::size_t leg = slot; leg < legs_.size(); leg += kSlots) queue(leg);
      flush();
    }
    print(seconds);
  }

 private:
  [[nodiscard]] bool isProbe(std::size_t leg) const { return leg / 2 < probes_; }

  void queue(std::size_t index) {
    Leg& leg = legs_[index];
    auto& datagram = out_[queued_];
    writeRtpHeader(datagram, {.payloadType = 0,
                              .marker = leg.packets == 0,
                              .sequence = leg.sequence++,
                              .timestamp = leg.timestamp,
                              .ssrc = static_cast<std::uint32_t>(0x10000 + index),
                              .payload = {}});
    leg.timestamp += kFrame;
    auto* payload = datagram.data() + kRtpHeaderSize;
    if (isProbe(index) && index % 2 == 0) {
      const bool bursts = leg.packets % kBurstEvery == kBurstEvery - 1;
      if (bursts) {
        std::copy(burst_.begin(), burst_.end(), payload);
        leg.burstMs = nowMs();
      } else {
        std::fill_n(payload, kFrame, std::uint8_t{0xff});
      }
    } else if (isProbe(index)) {
      std::fill_n(payload, kFrame, std::uint8_t{0xff});
    } else {
      std::copy_n(speech_.begin() + static_cast<std::ptrdiff_t>(leg.at), kFrame, payload);
      leg.at = (leg.at + kFrame) % (speech_.size() - kFrame);
    }
    leg.packets++;
    address(queued_, index);
    if (measuring_) counts_.sent++;
    if (++queued_ == kBatch) flush();
  }

  /// From the leg's own address, to its server.
  void address(std::size_t at, std::size_t leg) {
    msghdr& header = messages_[at].msg_hdr;
    vectors_[at] = {.iov_base = out_[at].data(), .iov_len = kRtpHeaderSize + kFrame};
    header = {};
    header.msg_name = &legs_[leg].server;
    header.msg_namelen = sizeof(sockaddr_in);
    header.msg_iov = &vectors_[at];
    header.msg_iovlen = 1;
    header.msg_control = controls_[at].data();
    header.msg_controllen = controls_[at].size();
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst = addressOf(leg);
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
  }

  void flush() {
    std::size_t sent = 0;
    while (sent < queued_) {
      const int count = sendmmsg(fd_, messages_.data() + sent, static_cast<unsigned>(queued_ - sent), 0);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    queued_ = 0;
  }

  void receive() {
    for (;;) {
      for (std::size_t i = 0; i < kBatch; i++) {
        inVectors_[i] = {.iov_base = in_[i].data(), .iov_len = in_[i].size()};
        inMessages_[i].msg_hdr = {};
        inMessages_[i].msg_hdr.msg_iov = &inVectors_[i];
        inMessages_[i].msg_hdr.msg_iovlen = 1;
        inMessages_[i].msg_hdr.msg_control = inControls_[i].data();
        inMessages_[i].msg_hdr.msg_controllen = inControls_[i].size();
      }
      const int count = recvmmsg(fd_, inMessages_.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (count <= 0) return;
      const double now = nowMs();
      for (int i = 0; i < count; i++) {
        const auto at = static_cast<std::size_t>(i);
        take(inMessages_[at].msg_hdr, ByteView(in_[at]).first(inMessages_[at].msg_len), now);
      }
      if (count < static_cast<int>(kBatch)) return;
    }
  }

  void take(const msghdr& header, ByteView datagram, double now) {
    const cmsghdr* control = CMSG_FIRSTHDR(&header);
    const auto packet = parseRtp(datagram);
    if (control == nullptr || !packet) return;
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(control), sizeof info);
    const std::size_t index = ntohl(info.ipi_addr.s_addr) - 0x7f100000U;
    if (index >= legs_.size()) return;
    Leg& leg = legs_[index];
    if (measuring_ && leg.heard) {
      counts_.received++;
      const auto step = static_cast<std::int16_t>(packet->sequence - leg.heardSequence);
      if (step > 1) counts_.lost += static_cast<std::uint64_t>(step - 1);
      const double gapMs = now - leg.heardMs;
      counts_.gapMs.push_back(static_cast<float>(gapMs));
      if (gapMs > 40) counts_.late++;
    }
    leg.heard = true;
    leg.heardMs = now;
    leg.heardSequence = packet->sequence;
    if (isProbe(index) && index % 2 == 1) listen(legs_[index - 1], packet->payload, now);
  }

  void listen(Leg& speaker, ByteView payload, double now) {
    if (speaker.burstMs == 0) return;
    for (std::size_t n = 0; n < payload.size(); n++) {
      if (std::abs(decodeMuLaw(payload[n])) < kLoud) continue;
      // The burst began with the first sample of its packet; here it begins n samples later.
      const double latencyMs = now + static_cast<double>(n) / 8 - speaker.burstMs;
      if (measuring_) counts_.latencyMs.push_back(static_cast<float>(latencyMs));
      speaker.burstMs = 0;
      return;
    }
  }

  void print(double seconds) {
    const double expected = static_cast<double>(legs_.size()) * 50 * seconds;
    std::printf(
        "{\"legs\":%zu,\"sent\":%llu,\"received\":%llu,\"expected\":%.0f,\"lost\":%llu,\"late\":%llu,"
        "\"gapP99Ms\":%.2f,\"latencies\":%zu,\"latencyP50Ms\":%.2f,\"latencyP99Ms\":%.2f}\n",
        legs_.size(), static_cast<unsigned long long>(counts_.sent),
        static_cast<unsigned long long>(counts_.received), expected,
        static_cast<unsigned long long>(counts_.lost), static_cast<unsigned long long>(counts_.late),
        static_cast<double>(percentile(counts_.gapMs, 0.99)), counts_.latencyMs.size(),
        static_cast<double>(percentile(counts_.latencyMs, 0.5)),
        static_cast<double>(percentile(counts_.latencyMs, 0.99)));
  }

  using Datagram = std::array<std::uint8_t, kRtpHeaderSize + kFrame>;
  using Control = std::array<char, CMSG_SPACE(sizeof(in_pktinfo))>;

  int fd_ = -1;
  std::size_t probes_;
  long lookUs_;
  std::vector<std::uint8_t> speech_;
  std::vector<Leg> legs_;
  std::array<std::uint8_t, kFrame> burst_{};
  bool measuring_ = false;
  Counts counts_{};
  std::size_t queued_ = 0;
  std::array<Datagram, kBatch> out_{};
  std::array<mmsghdr, kBatch> messages_{};
  std::array<iovec, kBatch> vectors_{};
  alignas(cmsghdr) std::array<Control, kBatch> controls_{};
  std::array<std::array<std::uint8_t, 2048>, kBatch> in_{};
  std::array<mmsghdr, kBatch> inMessages_{};
  std::array<iovec, kBatch> inVectors_{};
  alignas(cmsghdr) std::array<std::array<char, 128>, kBatch> inControls_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 64;
  std::ifstream file(argv[4], std::ios::binary);
  std::vector<std::uint8_t> speech((std::istreambuf_iterator<char>(file)), {});
  if (speech.size() < 100 * kFrame) return 66;
  std::vector<Leg> legs;
  char address[64];
  unsigned port = 0;
  while (std::scanf("%63s %u", address, &port) == 2) {
    in_addr server{};
    if (inet_pton(AF_INET, address, &server) != 1) return 65;
    Leg leg;
    leg.server = endpointOf(server, static_cast<std::uint16_t>(port));
    leg.at = legs.size() * 7919 * kFrame % (speech.size() - 2 * kFrame);
    legs.push_back(leg);
  }
  static Load load(static_cast<std::uint16_t>(std::atoi(argv[1])),
                   static_cast<std::size_t>(std::atoi(argv[5])), std::max(std::atol(argv[6]), kLeastLookUs),
                   std::move(speech), std::move(legs));
  load.run(std::atof(argv[2]), std::atof(argv[3]));
  return 0;
}
