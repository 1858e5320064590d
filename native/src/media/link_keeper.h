#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "media/engine.h"
#include "media/link.h"
#include "secure/dtls.h"
#include "secure/ice_lite.h"

namespace hushpay {

/// What control says of a leg's link.
struct LinkWish {
  struct Srtp {
    SrtpKey send;
    SrtpKey receive;
    std::optional<SrtpPosition> sendFrom;
    std::optional<SrtpPosition> receiveFrom;
  };
  struct Dtls {
    DtlsFingerprint fingerprint;
    DtlsAssociation::Role role = DtlsAssociation::Role::kPassive;
    bool operator==(const Dtls&) const = default;
  };

  Endpoint rtp{};
  Endpoint rtcp{};
  bool rtcpMux = false;
  bool learns = false;
  Endpoint learnFrom{};
  bool limitsUnheard = false;
  std::optional<Srtp> srtp;  // at most one of srtp and dtls
  std::optional<Dtls> dtls;
  std::optional<IceCredentials> ice;
  std::optional<Endpoint> proven;  // with `ice`: where another worker was sending
};

/// The protected streams of a session as another worker would take them up.
struct StreamState {
  std::uint32_t session;
  LinkWish::Srtp srtp;
};

/// Where a peer of ICE has its media, and when it said so last.
struct ProvenPeer {
  std::uint32_t session;
  Endpoint address;
  double checkedMs;
};

/// The slow side of links: keys, handshakes and ICE of all legs. IPC thread, but for its inbox. A leg's entry
/// is made by the first wish that needs one and goes with forget(), once the media thread has let go of the
/// leg.
class LinkKeeper final : public SetupInbox {
 public:
  explicit LinkKeeper(Engine& engine);
  ~LinkKeeper() override;

  /// @return the link to connect the leg with. What the media thread does not need any more is kept until it
  /// says so.
  Link arrange(Leg& leg, const LinkWish& wish, double nowMs);
  /// The leg is being removed: the media thread hears no more of it.
  void close(std::uint32_t session);
  /// The media thread has let go of the leg.
  void forget(std::uint32_t session);

  /// Readable when takeSetup() has something to do.
  [[nodiscard]] int wakeFd() const noexcept { return wakeFd_; }
  void takeSetup(double nowMs);
  /// Milliseconds until tick() wants to be called; -1: not at all.
  [[nodiscard]] int patienceMs() const noexcept { return handshakes_ > 0 ? kTickMs : -1; }
  /// Repeats unanswered handshakes; does nothing when it is called too early.
  void tick(double nowMs);

  /// Calls `take` with the state of every session whose keys are new or whose streams have moved into another
  /// roll-over or source since the last call; about once a second.
  template <typename Take>
  void eachChangedState(Take take);
  /// Calls `take` with every ProvenPeer that has sent a check since the last call.
  template <typename Take>
  void eachProvenPeer(Take take);
  /// Hands over the failures of handshakes since the last call, as sentences for the log.
  std::vector<std::string> takeProblems();

  [[nodiscard]] const DtlsIdentity& identity() const noexcept { return identity_; }
  DtlsIdentity& identity() noexcept { return identity_; }

  void put(const SetupDatagram& datagram) noexcept override;

 private:
  static constexpr int kTickMs = 100;

  struct Keys {
    SrtpKey sendKey;
    SrtpKey receiveKey;
    std::unique_ptr<SrtpSender> sender;
    std::unique_ptr<SrtpReceiver> receiver;
  };
  struct Entry;

  Entry& entryOf(Leg& leg);
  void useKeys(Entry& entry, const LinkWish::Srtp& srtp);
  void useDtls(Entry& entry, const LinkWish& wish, double nowMs);
  void useIce(Entry& entry, const LinkWish& wish);
  void takeStun(Entry& entry, const SetupDatagram& datagram, double nowMs);
  void conclude(Entry& entry);
  void settle(Entry& entry);
  void relink(const Entry& entry);
  void dropSettledKeys(Entry& entry);
  bool changed(Entry& entry, StreamState& state);

  Engine& engine_;
  DtlsIdentity identity_{};
  SpscQueue<SetupDatagram, 256> inbox_{};
  int wakeFd_;
  int handshakes_ = 0;
  double nextTickMs_ = 0;
  std::unordered_map<std::uint32_t, std::unique_ptr<Entry>> entries_;
  std::vector<std::string> problems_;
};

/// What the keeper knows of one leg.
struct LinkKeeper::Entry final : DtlsSink {
  explicit Entry(Leg& of) : leg(of) {}
  void sendDtls(ByteView datagram) override;

  Leg& leg;
  Link link{};
  std::optional<LinkWish::Srtp> srtp;    // what `link` protects with
  std::optional<LinkWish::Dtls> wanted;  // what `dtls` was made for
  std::unique_ptr<DtlsAssociation> dtls;
  std::unique_ptr<IceLite> ice;
  Endpoint dtlsPeer{};     // of size 0: not known yet
  double checkedMs = 0;    // when link.rtp sent a check that was not told yet; 0 = none
  std::vector<Keys> keys;  // newest last
  bool isClosed = false;
  bool isNew = false;  // keys not told yet
  std::uint32_t toldSendSsrc = 0;
  std::uint32_t toldReceiveSsrc = 0;
  std::uint64_t toldSendRollOver = 0;
  std::uint64_t toldReceiveRollOver = 0;
};

template <typename Take>
void LinkKeeper::eachProvenPeer(Take take) {
  for (auto& [session, entry] : entries_) {
    const double checkedMs = std::exchange(entry->checkedMs, 0);
    if (checkedMs != 0) take(ProvenPeer{session, entry->link.rtp, checkedMs});
  }
}

template <typename Take>
void LinkKeeper::eachChangedState(Take take) {
  for (auto& [session, entry] : entries_) {
    dropSettledKeys(*entry);
    StreamState state{.session = session, .srtp = {}};
    if (changed(*entry, state)) take(state);
  }
}

}  // namespace hushpay
