#include "media/tape.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "rtp/packet.h"

namespace hushpay {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t kHeaderSize = 44;
constexpr std::int64_t kFrameSize = Tape::kChannels * sizeof(std::int16_t);  // a sample of each channel
constexpr std::uint32_t kRateHz = 8000;
constexpr double kHeaderEveryMs = 1000;
constexpr std::int64_t kMostWaiting = 30 * kRateHz;  // a longer gap is left out of memory
constexpr std::int64_t kMostFrames = (INT64_C(0xffffffff) - kHeaderSize) / kFrameSize;  // 37 hours

std::int64_t samplesOf(double ms) { return static_cast<std::int64_t>(ms) * kSamplesPerMs; }

std::array<std::uint8_t, kHeaderSize> headerOf(std::int64_t frames) {
  std::array<std::uint8_t, kHeaderSize> header{};
  const auto text = [&](std::size_t at, const char* tag) { std::copy_n(tag, 4, header.begin() + at); };
  const auto u32 = [&](std::size_t at, std::uint32_t value) { memcpy(header.data() + at, &value, 4); };
  const auto u16 = [&](std::size_t at, std::uint16_t value) { memcpy(header.data() + at, &value, 2); };
  const auto size = static_cast<std::uint32_t>(std::min(frames, kMostFrames) * kFrameSize);
  text(0, "RIFF");
  u32(4, size + static_cast<std::uint32_t>(kHeaderSize) - 8);
  text(8, "WAVE");
  text(12, "fmt ");
  u32(16, 16);
  u16(20, 1);  // PCM
  u16(22, Tape::kChannels);
  u32(24, kRateHz);
  u32(28, kRateHz * static_cast<std::uint32_t>(kFrameSize));
  u16(32, static_cast<std::uint16_t>(kFrameSize));
  u16(34, 16);
  text(36, "data");
  u32(40, size);
  return header;
}

/// @return 0 or the errno
int writeAt(int fd, const void* bytes, std::size_t size, std::int64_t at) {
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  while (size > 0) {
    const ssize_t count = pwrite(fd, from, size, at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    from += count;
    at += count;
    size -= static_cast<std::size_t>(count);
  }
  return 0;
}

}  // namespace

void TapeTrack::put(ByteView datagram, double nowMs) noexcept {
  const auto rtp = parseRtp(datagram);
  if (!rtp) return;
  Packet packet{.madeMs = nowMs, .timestamp = rtp->timestamp};
  packet.count = static_cast<std::uint32_t>(std::min(rtp->payload.size() / 2, kMaxSamples));
  for (std::size_t i = 0; i < packet.count; i++)
    packet.samples[i] = static_cast<std::int16_t>(readU16(rtp->payload, 2 * i));
  if (!packets_.push(packet)) dropped_.fetch_add(packet.count, std::memory_order_relaxed);
  explicit_bzero(packet.samples.data(), sizeof packet.samples);
}

Tape::Tape(std::uint32_t id, std::string path, double beganMs)
    : id_(id), path_(std::move(path)), beganMs_(beganMs) {}

Tape::~Tape() {
  if (fd_ >= 0) close(fd_);
  explicit_bzero(waiting_.data(), waiting_.size() * sizeof(std::int16_t));
}

/// Opens the file; an earlier process may have written a part of it.
void Tape::takeUp() {
  fd_ = open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (fd_ < 0) return note(errno);
  struct stat found {};
  if (fstat(fd_, &found) == 0)
    written_ = std::max<std::int64_t>((found.st_size - kHeaderSize) / kFrameSize, written_);
  end_ = std::max(end_, written_);
}

void Tape::note(int error) {
  const std::string now = error == 0 ? "" : strerror(error);
  hasChanged_ = hasChanged_ || now != problem_;
  problem_ = now;
}

bool Tape::write(double nowMs) {
  if (fd_ < 0) takeUp();
  takePackets();
  flush(std::min(end_, samplesOf(nowMs - beganMs_ - kSettleMs)));
  if (fd_ >= 0 && nowMs - headerMs_ >= kHeaderEveryMs) {
    writeHeader();
    headerMs_ = nowMs;
  }
  return std::exchange(hasChanged_, false);
}

bool Tape::finish() {
  if (fd_ < 0) takeUp();
  takePackets();
  flush(end_);
  end_ = std::max(end_, samplesOf(leftMs_.load(std::memory_order_relaxed) - beganMs_));
  if (fd_ >= 0) {
    writeHeader();
    // What could not be written has its time all the same; a hole needs no room.
    (void)ftruncate(fd_, kHeaderSize + end_ * kFrameSize);
    close(std::exchange(fd_, -1));
  }
  return std::exchange(hasChanged_, false);
}

void Tape::takePackets() {
  for (std::size_t channel = 0; channel < kChannels; channel++) {
    TapeTrack::Packet packet;
    while (tracks_[channel].take(packet)) lay(channel, packet);
    explicit_bzero(static_cast<void*>(&packet), sizeof packet);
  }
}

void Tape::lay(std::size_t channel, const TapeTrack::Packet& packet) {
  const std::int64_t from = clocks_[channel].place(packet.madeMs - beganMs_, packet.timestamp, packet.count);
  const std::int64_t to = from + packet.count;
  if (waiting_.empty() && from - written_ > kMostWaiting) written_ = from;
  const auto places = static_cast<std::size_t>(std::max(to - written_, std::int64_t{0})) * kChannels;
  if (places > waiting_.size()) waiting_.resize(places);
  for (std::int64_t at = std::max({from, written_, ends_[channel]}); at < to; at++) {
    waiting_[static_cast<std::size_t>(at - written_) * kChannels + channel] =
        packet.samples[static_cast<std::size_t>(at - from)];
  }
  ends_[channel] = std::max(ends_[channel], to);
  lost_ += static_cast<std::uint64_t>(std::clamp(written_ - from, std::int64_t{0}, to - from));
  end_ = std::max(end_, to);
}

/// What cannot be written is lost: the next has its own place.
void Tape::flush(std::int64_t upTo) {
  const auto frames = std::min(upTo - written_, static_cast<std::int64_t>(waiting_.size() / kChannels));
  if (frames <= 0) return;
  const auto samples = static_cast<std::size_t>(frames) * kChannels;
  int error = fd_ < 0 ? EBADF : 0;
  if (fd_ >= 0) {
    error =
        writeAt(fd_, waiting_.data(), samples * sizeof(std::int16_t), kHeaderSize + written_ * kFrameSize);
    note(error);
  }
  if (error != 0) lost_ += static_cast<std::uint64_t>(frames);
  written_ += frames;
  explicit_bzero(waiting_.data(), samples * sizeof(std::int16_t));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(samples));
}

void Tape::writeHeader() {
  const auto header = headerOf(end_);
  if (const int error = writeAt(fd_, header.data(), header.size(), 0); error != 0) note(error);
}

TapeFigures Tape::figures() const noexcept {
  const std::uint64_t dropped = std::max(tracks_[0].droppedSamples(), tracks_[1].droppedSamples());
  return {.durationMs = static_cast<std::uint64_t>(end_) / kSamplesPerMs,
          .lostMs = (lost_ + dropped) / kSamplesPerMs};
}

}  // namespace hushpay
