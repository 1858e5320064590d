#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ipc/channel.h"
#include "ipc/server.h"
#include "media.pb.h"

namespace hushpay {

/// A worker in this process, with its two threads, and control at the other end of its channel. Waits without
/// a limit: a worker that says nothing is a test that does not end, and ctest's time-out says which.
class Control {
 public:
  /// @param boardFd  -1: a board of its own
  explicit Control(int boardFd = -1) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    ours_ = ends[0];
    theirs_ = ends[1];
    channel_.emplace(ours_);
    worker_ = std::thread([this, boardFd] { exitCode_ = Server(theirs_, boardFd).run(); });
  }
  ~Control() { end(); }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Sends the command and takes events until its reply is there.
  media::v1::Reply ask(media::v1::Command command) {
    command.set_id(++lastId_);
    channel_->write(command);
    media::v1::Reply reply;
    takeUntil([&](const media::v1::Event& event) {
      if (!event.has_reply() || event.reply().id() != lastId_) return false;
      reply = event.reply();
      return true;
    });
    return reply;
  }

  /// The same, of a command that must be obeyed.
  media::v1::Reply tell(const media::v1::Command& command) {
    media::v1::Reply reply = ask(command);
    REQUIRE_MESSAGE(reply.status() == media::v1::STATUS_OK, reply.detail());
    return reply;
  }

  /// Looks through what has come and then takes what comes, until `isIt` has seen what it wants.
  void await(const std::function<bool(const media::v1::Event&)>& isIt) {
    for (const media::v1::Event& event : events_)
      if (isIt(event)) return;
    takeUntil(isIt);
  }

  /// Hangs up. @return the worker's exit code
  int end() {
    if (!worker_.joinable()) return exitCode_;
    shutdown(ours_, SHUT_RDWR);
    worker_.join();
    close(ours_);
    close(theirs_);
    return exitCode_;
  }

  /// A range of its own for each worker; what is taken of it is passed over.
  static media::v1::Command configuration() {
    std::random_device random;
    media::v1::Command command;
    auto& body = *command.mutable_configure();
    body.set_bind_address("127.0.0.1");
    body.set_port_min(2 * (5000 + random() % 24'000));
    body.set_port_max(body.port_min() + 199);
    body.set_max_busy(1);
    return command;
  }

 private:
  void takeUntil(const std::function<bool(const media::v1::Event&)>& isIt) {
    bool isThere = false;
    while (!isThere) {
      REQUIRE(channel_->flush());
      pollfd wait{ours_, static_cast<short>(POLLIN | (channel_->hasBacklog() ? POLLOUT : 0)), 0};
      REQUIRE(poll(&wait, 1, -1) >= 0);
      const Channel::Read state = channel_->read();
      REQUIRE(channel_->eachMessage([&](ByteView bytes) {
        media::v1::Event& event = events_.emplace_back();
        if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
        isThere = isThere || isIt(event);
        return true;
      }));
      REQUIRE((isThere || state == Channel::Read::kOpen));
    }
  }

  int ours_ = -1;
  int theirs_ = -1;
  std::optional<Channel> channel_;
  std::thread worker_;
  int exitCode_ = -1;
  std::uint32_t lastId_ = 0;
  std::vector<media::v1::Event> events_;
};

}  // namespace hushpay
