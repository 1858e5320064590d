#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "legs.h"
#include "rtp/packet.h"

// Telephones that key, for `npm run bench -- desk`: what they cost must not be what is measured.
//   hushpay-phones PORT KEYS KEY_EVERY_MS
// Reads lines: "ADDRESS PORT" is the server of the next telephone, which speaks from then on (noise floor,
// G.711 mu-law, a packet every 20 ms, from an address of its own in 127.16.0.0/12 and PORT); "keys" lets each
// press KEYS keys as telephone-events, payload type 101, one telephone after the other over KEY_EVERY_MS.
// Prints "pressed LEG KEY MS" as the first packet of a key leaves, MS by CLOCK_MONOTONIC, and "done". Ends
// with its input.

using namespace hushpay;
using namespace hushpay::bench;

namespace {

constexpr std::size_t kFrame = 160;
constexpr double kPtimeMs = 20;
constexpr std::uint8_t kEventPayloadType = 101;
constexpr std::uint8_t kKey = 4;
constexpr int kUpdates = 4;  // a key of 80 ms
constexpr int kEnds = 3;     // RFC 4733 section 2.5.1.4
constexpr std::size_t kMostPhones = 4096;

double nowMs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

struct Phone {
  sockaddr_in server{};
  double dueMs = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  bool hasSpoken = false;
  double pressMs = 0;  // when the next key goes down
  int pressed = 0;
  int report = -1;  // of the key that is down; -1: none is
  std::uint32_t keyTimestamp = 0;
};

class Phones {
 public:
  Phones(std::uint16_t port, int keys, double everyMs) : keys_(keys), everyMs_(everyMs) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    // What the server plays is nobody's to hear: it is never read, and dropped where that costs least.
    const int least = 1;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    const sockaddr_in any = endpointOf({htonl(INADDR_ANY)}, port);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) std::exit(71);
    phones_.reserve(kMostPhones);
    std::fill(silence_.begin(), silence_.end(), std::uint8_t{0xff});
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  }

  void run() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    while (!isOver_) {
      if (poll(&input, 1, 1) > 0) read();
      const double now = nowMs();
      for (std::size_t at = 0; at < phones_.size(); at++) {
        for (; phones_[at].dueMs <= now; phones_[at].dueMs += kPtimeMs) speak(at, now);
      }
      if (isKeying_ && std::ranges::all_of(phones_, [this](const Phone& each) { return isDone(each); })) {
        isKeying_ = false;
        std::puts("done");
      }
      std::fflush(stdout);
    }
  }

 private:
  [[nodiscard]] bool isDone(const Phone& phone) const { return phone.pressed == keys_ && phone.report < 0; }

  void read() {
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count == 0) isOver_ = true;
    if (count > 0) input_.append(bytes.data(), static_cast<std::size_t>(count));
    for (std::size_t end = input_.find('\n'); end != std::string::npos; end = input_.find('\n')) {
      take(input_.substr(0, end));
      input_.erase(0, end + 1);
    }
  }

  void take(const std::string& line) {
    const double now = nowMs();
    if (line == "keys") {
      isKeying_ = true;
      const double stepMs = everyMs_ / static_cast<double>(phones_.size());
      for (std::size_t at = 0; at < phones_.size(); at++)
        phones_[at].pressMs = now + static_cast<double>(at) * stepMs;
      return;
    }
    std::array<char, 64> address{};
    unsigned port = 0;
    in_addr server{};
    if (std::sscanf(line.c_str(), "%63s %u", address.data(), &port) != 2) std::exit(65);
    if (inet_pton(AF_INET, address.data(), &server) != 1 || phones_.size() == kMostPhones) std::exit(65);
    // Spread over the 20 ms, as calls are.
    const double offsetMs = static_cast<double>(phones_.size() % 20);
    phones_.push_back(
        {.server = endpointOf(server, static_cast<std::uint16_t>(port)), .dueMs = now + offsetMs});
  }

  void speak(std::size_t at, double now) {
    Phone& phone = phones_[at];
    if (isKeying_ && phone.report < 0 && phone.pressed < keys_ && now >= phone.pressMs) press(at, now);
    if (phone.report >= 0)
      report(at);
    else
      send(at, {.payloadType = 0, .marker = !phone.hasSpoken, .timestamp = phone.timestamp}, silence_);
    phone.hasSpoken = true;
    phone.timestamp += kFrame;
  }

  void press(std::size_t at, double now) {
    Phone& phone = phones_[at];
    phone.report = 0;
    phone.keyTimestamp = phone.timestamp;
    phone.pressed++;
    phone.pressMs += everyMs_;
    std::printf("pressed %zu %d %.3f\n", at, phone.pressed, now);
  }

  /// One report of the key that is down (RFC 4733 section 2.3).
  void report(std::size_t at) {
    Phone& phone = phones_[at];
    const bool isEnd = phone.report >= kUpdates;
    const auto duration = static_cast<unsigned>(std::min(phone.report + 1, kUpdates)) * kFrame;
    const std::array<std::uint8_t, 4> payload{kKey, static_cast<std::uint8_t>(isEnd ? 0x8a : 0x0a),
                                              static_cast<std::uint8_t>(duration >> 8),
                                              static_cast<std::uint8_t>(duration)};
    send(at, {.payloadType = kEventPayloadType, .marker = phone.report == 0, .timestamp = phone.keyTimestamp},
         payload);
    phone.report++;
    if (phone.report == kUpdates + kEnds) phone.report = -1;
  }

  struct Head {
    std::uint8_t payloadType;
    bool marker;
    std::uint32_t timestamp;
  };

  /// From the telephone's own address.
  void send(std::size_t at, const Head& head, ByteView payload) {
    Phone& phone = phones_[at];
    std::array<std::uint8_t, kRtpHeaderSize + kFrame> datagram{};
    writeRtpHeader(datagram, {.payloadType = head.payloadType,
                              .marker = head.marker,
                              .sequence = phone.sequence++,
                              .timestamp = head.timestamp,
                              .ssrc = static_cast<std::uint32_t>(0x10000 + at),
                              .payload = {}});
    std::ranges::copy(payload, datagram.begin() + kRtpHeaderSize);
    iovec vector{.iov_base = datagram.data(), .iov_len = kRtpHeaderSize + payload.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> room{};
    msghdr header{};
    header.msg_name = &phone.server;
    header.msg_namelen = sizeof phone.server;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = room.data();
    header.msg_controllen = room.size();
    cmsghdr* control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst = addressOf(at);
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
    sendmsg(fd_, &header, 0);
  }

  int fd_ = -1;
  int keys_;
  double everyMs_;
  bool isKeying_ = false;
  bool isOver_ = false;
  std::string input_;
  std::vector<Phone> phones_;
  std::array<std::uint8_t, kFrame> silence_{};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  Phones phones(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atoi(argv[2]), std::atof(argv[3]));
  phones.run();
  return 0;
}
