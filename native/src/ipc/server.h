#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ipc/channel.h"
#include "media.pb.h"
#include "media/engine.h"
#include "media/link_keeper.h"
#include "media/port_pool.h"

namespace hushpay {

/// Serves control's commands (media.proto) until the channel closes or a signal ends the process. All of it
/// runs on the IPC thread: commands are checked here, converted, and posted to the media thread; its events
/// are converted and written back.
class Server {
 public:
  /// @param channelFd  the inherited socket
  explicit Server(int channelFd);
  ~Server();

  /// @return exit code: 0 after end of file, SIGTERM or SIGINT; 1 if the channel carried something that is no
  /// command
  int run();

 private:
  using Status = media::v1::Status;
  struct Outcome {
    Status status = media::v1::STATUS_OK;
    std::string detail;
  };
  struct Closing {
    std::unique_ptr<Leg> leg;
    std::uint32_t replyTo;
  };

  void handle(const media::v1::Command& command);
  Outcome configure(const media::v1::Configure& command);
  Outcome loadClip(const media::v1::LoadClip& command, media::v1::Reply& reply);
  Outcome open(const media::v1::OpenSession& command, media::v1::Reply& reply);
  Outcome connect(const media::v1::ConnectSession& command);
  Outcome play(const media::v1::PlayClip& command);
  Outcome stopPlay(const media::v1::StopPlay& command);
  Outcome sendKey(const media::v1::SendKey& command);
  Outcome close(std::uint32_t session, std::uint32_t replyTo);
  Outcome post(const MediaCommand& command);

  void forwardEvents();
  void finishClosing();
  void sendStats();
  void tellLinks();
  Leg* find(std::uint32_t session);

  Channel channel_;
  std::optional<Endpoint> bindTo_;
  std::optional<PortPool> ports_;
  std::uint32_t mediaTimeoutMs_ = 0;
  std::unordered_map<std::uint32_t, std::vector<std::int16_t>> clips_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Leg>> legs_;
  std::vector<Closing> closing_;
  int signalFd_ = -1;
  int timerFd_ = -1;
  LinkKeeper links_{engine_};
  Engine engine_;  // last, so that its thread has ended before what it works on goes
};

}  // namespace hushpay
