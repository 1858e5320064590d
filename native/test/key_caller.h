#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "media/session.h"
#include "rtp/packet.h"
#include "tone_maker.h"

namespace hushpay {

/// A caller whose keys come by telephone-event, by tone or by both, over a network that may hold up, lose and
/// repeat packets, into a session. Times in ms of the caller's clock, which began at kStartMs of ours.
class KeyCaller : public PacketSink, public EventSink {
 public:
  static constexpr std::uint8_t kEventType = 101;
  static constexpr double kStartMs = 5000;
  static constexpr int kFrameMs = 20;

  struct Press {
    std::uint8_t key = 5;
    double atMs = 0;
    double lengthMs = 100;
  };
  struct Packet {
    std::uint8_t type;
    bool marker;
    std::uint32_t timestamp;
    std::vector<std::uint8_t> payload;
    double sentMs;
    std::uint32_t ssrc;
    std::uint16_t sequence;
    double delayMs = 5;
    int copies = 1;  // 0 = lost
  };

  std::vector<Packet> packets;
  std::vector<MediaEvent> events;
  std::uint32_t clockHz = 8000;  // of the events
  std::uint8_t eventType = kEventType;
  bool beside = true;  // audio goes on while an event is sent

  KeyCaller() : pcm_(8 * 20 * 500) { session_.connect(settings, kStartMs); }

  void tone(const Press& press) {
    ToneMaker maker;
    maker.tone({.key = press.key, .durationMs = press.lengthMs});
    std::ranges::copy(maker.pcm, pcm_.begin() + static_cast<std::ptrdiff_t>(press.atMs * 8));
  }

  /// @param ends  how many end packets
  void event(const Press& press, int ends = 3, bool marker = true) {
    reports_.push_back({.press = press, .ends = ends, .marker = marker});
  }

  /// Makes the packets: audio and reports of every frame, in the order they are sent.
  void record(double lengthMs) {
    for (int frame = 0; frame * kFrameMs < lengthMs; frame++) {
      const double atMs = frame * kFrameMs;
      const bool isEvent = addReports(atMs);
      if (!isEvent || beside) addAudio(atMs);
    }
  }

  /// Changes packets by hand before they are sent.
  void each(const std::function<void(Packet&)>& change) { std::ranges::for_each(packets, change); }

  /// What is sent between two times arrives at the second one, in order.
  void holdUp(double fromMs, double untilMs) {
    for (Packet& packet : packets) {
      if (packet.sentMs >= fromMs && packet.sentMs < untilMs)
        packet.delayMs = std::max(packet.delayMs, untilMs - packet.sentMs);
    }
  }

  /// Sends all of it, then waits. The session sees arrivals when it looks, every tick.
  /// @param at  called before each tick, with the caller's time
  void play(const std::function<void(double)>& at = {}) {
    std::vector<const Packet*> queue;
    for (const Packet& packet : packets) {
      for (int i = 0; i < packet.copies; i++) queue.push_back(&packet);
    }
    const auto arrival = [](const Packet* packet) { return packet->sentMs + kFrameMs + packet->delayMs; };
    std::ranges::stable_sort(queue, {}, arrival);
    std::size_t next = 0;
    const double lastMs = queue.empty() ? 0 : arrival(queue.back());
    for (double nowMs = 0; nowMs < lastMs + 400; nowMs += Session::kTickMs) {
      if (at) at(nowMs);
      for (; next < queue.size() && arrival(queue[next]) <= nowMs; next++) deliver(*queue[next], nowMs);
      session_.tick(kStartMs + nowMs);
    }
  }

  /// Keys in the order they were reported, each press once: the second carrier says the first one's onset.
  [[nodiscard]] std::string keys() const {
    std::string keys;
    for (const MediaEvent& event : downs()) {
      if (!isSecond(event)) keys.append(std::to_string(event.key)).append(" ");
    }
    return keys;
  }

  [[nodiscard]] std::vector<MediaEvent> downs() const {
    std::vector<MediaEvent> downs;
    std::ranges::copy_if(events, std::back_inserter(downs),
                         [](const MediaEvent& event) { return event.kind == MediaEvent::Kind::kKeyDown; });
    return downs;
  }

  [[nodiscard]] Session& session() { return session_; }

  StreamSettings settings{.codec = Codec::kPcmu,
                          .payloadType = 0,
                          .eventPayloadType = kEventType,
                          .ptimeMs = 20,
                          .sending = false,
                          .receiving = true};

  void sendRtp(ByteView) noexcept override {}
  void sendRtcp(ByteView) noexcept override {}
  void emit(const MediaEvent& event) noexcept override { events.push_back(event); }

 private:
  struct Report {
    Press press;
    int ends;
    bool marker;
    int sent = 0;
  };

  void add(std::uint8_t type, bool marker, std::uint32_t timestamp, std::vector<std::uint8_t> payload,
           double sentMs) {
    packets.push_back({.type = type,
                       .marker = marker,
                       .timestamp = timestamp,
                       .payload = std::move(payload),
                       .sentMs = sentMs,
                       .ssrc = 77,
                       .sequence = static_cast<std::uint16_t>(kFirstSequence + packets.size())});
  }

  void addAudio(double atMs) {
    std::vector<std::uint8_t> payload(8 * kFrameMs);
    encode(Codec::kPcmu, std::span(pcm_).subspan(static_cast<std::size_t>(atMs) * 8, payload.size()),
           payload);
    add(0, false, kFirstTs + static_cast<std::uint32_t>(atMs * 8), payload, atMs);
  }

  bool addReports(double atMs) {
    bool isAny = false;
    for (Report& report : reports_) {
      const Press& press = report.press;
      const int updates = static_cast<int>(press.lengthMs / kFrameMs);
      if (atMs < press.atMs || report.sent >= updates + report.ends) continue;
      const bool isEnd = report.sent >= updates;
      const auto ms = static_cast<std::uint32_t>(isEnd ? press.lengthMs : (report.sent + 1) * kFrameMs);
      const std::uint32_t durationTs = ms * (clockHz / 1000);
      const auto timestamp = kFirstTs + static_cast<std::uint32_t>(press.atMs * (clockHz / 1000));
      add(eventType, report.marker && report.sent == 0, timestamp,
          {press.key, static_cast<std::uint8_t>(isEnd ? 0x8a : 10),
           static_cast<std::uint8_t>(durationTs >> 8), static_cast<std::uint8_t>(durationTs)},
          atMs);
      report.sent++;
      isAny = true;
    }
    return isAny;
  }

  void deliver(const Packet& packet, double nowMs) {
    std::vector<std::uint8_t> datagram(kRtpHeaderSize);
    writeRtpHeader(datagram, {.payloadType = packet.type,
                              .marker = packet.marker,
                              .sequence = packet.sequence,
                              .timestamp = packet.timestamp,
                              .ssrc = packet.ssrc,
                              .payload = {}});
    datagram.insert(datagram.end(), packet.payload.begin(), packet.payload.end());
    session_.receiveRtp(datagram, kStartMs + nowMs);
  }

  [[nodiscard]] bool isSecond(const MediaEvent& event) const {
    for (const MediaEvent& other : downs()) {
      if (other.carrier == event.carrier || other.key != event.key || other.onsetMs != event.onsetMs)
        continue;
      return orderOf(other) < orderOf(event);
    }
    return false;
  }
  [[nodiscard]] std::size_t orderOf(const MediaEvent& event) const {
    const auto all = downs();
    return static_cast<std::size_t>(std::ranges::find_if(all,
                                                         [&](const MediaEvent& each) {
                                                           return each.carrier == event.carrier &&
                                                                  each.press == event.press;
                                                         }) -
                                    all.begin());
  }

  static constexpr std::uint32_t kFirstTs = 0xfffff000;
  static constexpr std::size_t kFirstSequence = 65'500;

  std::vector<std::int16_t> pcm_;
  std::vector<Report> reports_;
  Session session_{9, {.ssrc = 1, .timestamp = 0, .sequence = 0, .cname = {"name"}}, 0, *this, *this};
};

}  // namespace hushpay
