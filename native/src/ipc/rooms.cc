#include <algorithm>
#include <utility>

#include "ipc/convert.h"
#include "ipc/server.h"

namespace hushpay {

namespace pb = media::v1;

Server::Outcome Server::openRoom(const pb::OpenRoom& command) {
  if (findRoom(command.room()) != nullptr) return {pb::STATUS_ROOM_EXISTS, {}};
  if (rooms_.size() + closingRooms_.size() >= Engine::kMaxRooms)
    return {pb::STATUS_ROOM_FULL, "too many rooms"};
  auto room = std::make_unique<Room>(command.room(), &engine_);
  const Outcome outcome = post({.kind = MediaCommand::Kind::kOpenRoom, .room = room.get()});
  if (outcome.status != pb::STATUS_OK) return outcome;
  rooms_[command.room()].room = std::move(room);
  return {};
}

Server::Outcome Server::joinRoom(const pb::JoinRoom& command) {
  OpenRoom* room = findRoom(command.room());
  if (room == nullptr) return {pb::STATUS_NO_SUCH_ROOM, {}};
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  if (isIn(command.session(), command.room())) return {};
  if (memberships_.contains(command.session())) return {pb::STATUS_IN_ANOTHER_ROOM, {}};
  if (room->members.size() >= Room::kMaxMembers)
    return {pb::STATUS_ROOM_FULL, std::to_string(Room::kMaxMembers) + " members are the most"};
  leg->makeVoice();
  Room::Seats* seats = room->room->makeSeats(room->members.size() + 1);
  Outcome outcome =
      post({.kind = MediaCommand::Kind::kJoin, .leg = leg, .room = room->room.get(), .seats = seats});
  if (outcome.status != pb::STATUS_OK) return outcome;
  room->members.push_back(command.session());
  memberships_[command.session()] = command.room();
  return {};
}

Server::Outcome Server::leaveRoom(const pb::LeaveRoom& command) {
  OpenRoom* room = findRoom(command.room());
  if (room == nullptr) return {pb::STATUS_NO_SUCH_ROOM, {}};
  if (!isIn(command.session(), command.room())) return {pb::STATUS_NOT_A_MEMBER, {}};
  Outcome outcome =
      post({.kind = MediaCommand::Kind::kLeave, .leg = find(command.session()), .room = room->room.get()});
  if (outcome.status == pb::STATUS_OK) forgetMember(command.session());
  return outcome;
}

Server::Outcome Server::hear(const pb::Hear& command) {
  OpenRoom* room = findRoom(command.room());
  if (room == nullptr) return {pb::STATUS_NO_SUCH_ROOM, {}};
  if (!isIn(command.listener(), command.room()) || !isIn(command.speaker(), command.room())) {
    return {pb::STATUS_NOT_A_MEMBER, {}};
  }
  const auto hearing = hearingOf(command);
  const auto source = sourceOf(command.source());
  if (!hearing || !source) return {pb::STATUS_BAD_ARGUMENT, "source, access, mode, gain_db or delay_ms"};
  if (source == Source::kVoice && command.listener() == command.speaker()) {
    return {pb::STATUS_BAD_ARGUMENT, "nobody hears their own voice"};
  }
  if (source == Source::kPrompts && hearing->access == Access::kClamped) {
    return {pb::STATUS_BAD_ARGUMENT, "prompts have no keys to clamp"};
  }
  if (source == Source::kPrompts && hearing->delayMs > 0)
    return {pb::STATUS_BAD_ARGUMENT, "prompts are not delayed"};
  DelayTap* tap = nullptr;
  if (hearing->delayMs > 0) {
    auto& kept = room->taps[{command.listener(), command.speaker()}];
    if (!kept) kept = std::make_unique<DelayTap>();
    tap = kept.get();
  }
  return post({.kind = MediaCommand::Kind::kHear,
               .leg = find(command.listener()),
               .room = room->room.get(),
               .speaker = find(command.speaker()),
               .source = *source,
               .hearing = *hearing,
               .tap = tap});
}

Server::Outcome Server::lookAtRoom(const pb::LookAtRoom& command, pb::Reply& reply) {
  const OpenRoom* room = findRoom(command.room());
  if (room == nullptr) return {pb::STATUS_NO_SUCH_ROOM, {}};
  for (const std::uint32_t session : room->members) {
    copyFigures(session, find(session)->voice()->figures(), *reply.add_voices());
  }
  return {};
}

Server::Outcome Server::followSpeaker(const pb::FollowSpeaker& command) {
  OpenRoom* room = findRoom(command.room());
  if (room == nullptr) return {pb::STATUS_NO_SUCH_ROOM, {}};
  return post({.kind = MediaCommand::Kind::kFollowSpeaker, .room = room->room.get()});
}

Server::Outcome Server::closeRoom(const pb::CloseRoom& command) {
  const auto found = rooms_.find(command.room());
  if (found == rooms_.end()) return {pb::STATUS_NO_SUCH_ROOM, {}};
  Outcome outcome = post({.kind = MediaCommand::Kind::kCloseRoom, .room = found->second.room.get()});
  if (outcome.status != pb::STATUS_OK) return outcome;
  for (const std::uint32_t session : found->second.members) memberships_.erase(session);
  closingRooms_.push_back(std::move(found->second));
  rooms_.erase(found);
  return {};
}

Server::Outcome Server::coverKey(const pb::CoverKey& command) {
  Leg* leg = find(command.session());
  if (leg == nullptr) return {pb::STATUS_NO_SUCH_SESSION, {}};
  if (command.duration_ms() == 0 || command.duration_ms() > kMaxKeyMs) {
    return {pb::STATUS_BAD_ARGUMENT, "duration_ms"};
  }
  return post({.kind = MediaCommand::Kind::kCover, .durationMs = command.duration_ms(), .leg = leg});
}

Server::OpenRoom* Server::findRoom(std::uint32_t room) {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : &found->second;
}

bool Server::isIn(std::uint32_t session, std::uint32_t room) const {
  const auto found = memberships_.find(session);
  return found != memberships_.end() && found->second == room;
}

void Server::forgetMember(std::uint32_t session) {
  const auto found = memberships_.find(session);
  if (found == memberships_.end()) return;
  std::erase(rooms_.at(found->second).members, session);
  memberships_.erase(found);
}

}  // namespace hushpay
