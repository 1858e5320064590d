#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/channel.h"
#include "media.pb.h"
#include "media/engine.h"
#include "media/link_keeper.h"
#include "media/port_pool.h"
#include "media/shared_port.h"
#include "media/tape_deck.h"

namespace hushpay {

/// Serves control's commands (media.proto) until the channel closes or a signal ends the process. All of it
/// runs on the IPC thread: commands are checked here, converted, and posted to the media thread; its events
/// are converted and written back.
class Server {
 public:
  /// @param channelFd  the inherited socket
  /// @param boardFd    the inherited board, -1 if there is none
  Server(int channelFd, int boardFd);
  ~Server();

  /// @return exit code: 0 after end of file, SIGTERM or SIGINT; 1 if the channel carried something that is no
  /// command
  int run();

 private:
  static constexpr std::uint32_t kMaxKeyMs = 8'000;

  using Status = media::v1::Status;
  struct Outcome {
    Status status = media::v1::STATUS_OK;
    std::string detail;
  };
  struct Place {
    SocketPair sockets;  // none if they are shared
    SharedPort* shared;
    BoardSlot& slot;
    bool isTakenUp;

    [[nodiscard]] std::uint16_t port() const noexcept {
      return shared != nullptr ? shared->sockets().port() : sockets.port();
    }
  };
  struct Closing {
    std::unique_ptr<Leg> leg;
    std::uint32_t replyTo;
  };
  /// A room and, as this thread knows it, who is in it.
  struct OpenRoom {
    std::unique_ptr<Room> room;
    std::vector<std::uint32_t> members;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<DelayTap>>
        taps;  // by listener, speaker
  };

  void handle(const media::v1::Command& command);
  Outcome configure(const media::v1::Configure& command, media::v1::Reply& reply);
  void showIdentity(const media::v1::Configure& command, media::v1::Reply& reply);
  Outcome loadClip(const media::v1::LoadClip& command, media::v1::Reply& reply);
  Outcome open(const media::v1::OpenSession& command, media::v1::Reply& reply);
  std::optional<Place> placeOf(const media::v1::OpenSession& command);
  Outcome openTape(const media::v1::OpenSession& command);
  SharedPort* sharedPort(std::uint16_t port);
  void leavePort(const Leg& leg);
  Outcome connect(const media::v1::ConnectSession& command);
  Outcome play(const media::v1::PlayClip& command);
  Outcome stopPlay(const media::v1::StopPlay& command);
  Outcome sendKey(const media::v1::SendKey& command);
  Outcome close(std::uint32_t session, std::uint32_t replyTo);
  // Rooms (rooms.cc)
  Outcome openRoom(const media::v1::OpenRoom& command);
  Outcome joinRoom(const media::v1::JoinRoom& command);
  Outcome leaveRoom(const media::v1::LeaveRoom& command);
  Outcome hear(const media::v1::Hear& command);
  Outcome lookAtRoom(const media::v1::LookAtRoom& command, media::v1::Reply& reply);
  Outcome closeRoom(const media::v1::CloseRoom& command);
  Outcome followSpeaker(const media::v1::FollowSpeaker& command);
  Outcome coverKey(const media::v1::CoverKey& command);
  OpenRoom* findRoom(std::uint32_t room);
  [[nodiscard]] bool isIn(std::uint32_t session, std::uint32_t room) const;
  void forgetMember(std::uint32_t session);

  Outcome post(const MediaCommand& command);

  void forwardEvents();
  void finishClosing();
  void sendStats();
  void tellLinks();
  void tellTapes();
  Leg* find(std::uint32_t session);

  Channel channel_;
  std::optional<Endpoint> bindTo_;
  std::optional<PortPool> ports_;
  std::uint32_t mediaTimeoutMs_ = 0;
  double maxBusy_ = 1;
  TapeDeck tapes_;
  std::unordered_map<std::uint32_t, std::vector<std::int16_t>> clips_;
  std::vector<std::unique_ptr<SharedPort>> sharedPorts_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Leg>> legs_;
  std::unordered_map<std::uint32_t, OpenRoom> rooms_;
  std::unordered_map<std::uint32_t, std::uint32_t> memberships_;  // room by session
  std::vector<Closing> closing_;
  std::vector<OpenRoom> closingRooms_;
  int signalFd_ = -1;
  int timerFd_ = -1;
  Board board_;
  LinkKeeper links_{engine_};
  Engine engine_;  // last, so that its thread has ended before what it works on goes
};

}  // namespace hushpay
