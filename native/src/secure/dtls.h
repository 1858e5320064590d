#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "media/endpoint.h"
#include "rtp/bytes.h"
#include "secure/srtp_key.h"

struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace hushpay {

/// The certificate the SDP of the peer vouches for (RFC 8122).
struct DtlsFingerprint {
  enum class Hash : std::uint8_t { kSha256, kSha384, kSha512 };

  Hash hash = Hash::kSha256;
  std::size_t size = 0;
  std::array<std::uint8_t, 64> digest{};
  bool operator==(const DtlsFingerprint&) const = default;
};

/// Who this worker is in DTLS: a key and a self-signed certificate made when it starts, or those of the
/// worker before it. Never written anywhere. IPC thread.
class DtlsIdentity {
 public:
  DtlsIdentity();
  ~DtlsIdentity();
  DtlsIdentity(const DtlsIdentity&) = delete;
  DtlsIdentity& operator=(const DtlsIdentity&) = delete;

  /// Private key and certificate, DER. Whoever has them wipes the key.
  struct Saved {
    std::vector<std::uint8_t> key;
    std::vector<std::uint8_t> certificate;
  };
  [[nodiscard]] Saved save() const;
  /// Goes on as another worker; before the first association.
  /// @return false if they do not fit together: it stays who it is
  bool adopt(ByteView key, ByteView certificate);

  /// SHA-256 of the certificate.
  [[nodiscard]] const std::array<std::uint8_t, 32>& fingerprint() const noexcept { return fingerprint_; }
  [[nodiscard]] ssl_ctx_st* context() const noexcept { return context_; }
  /// The cookie a source has to send back before a handshake is begun for it (RFC 6347 section 4.2.1).
  [[nodiscard]] std::array<std::uint8_t, 20> cookieFor(const Endpoint& source) const;

 private:
  bool use(evp_pkey_st& key, x509_st& certificate);

  ssl_ctx_st* context_;
  std::array<std::uint8_t, 32> fingerprint_{};
  std::array<std::uint8_t, 32> cookieSecret_{};
};

/// Where the datagrams of a handshake go.
class DtlsSink {
 public:
  virtual ~DtlsSink() = default;
  virtual void sendDtls(ByteView datagram) = 0;
};

/// One DTLS-SRTP handshake (RFC 5764), and the association it leaves. IPC thread.
///
///     kHandshaking ──> kDone     keys() are those of the streams
///           └────────> kFailed   problem() says why; the association is dead
class DtlsAssociation {
 public:
  enum class State : std::uint8_t { kHandshaking, kDone, kFailed };
  enum class Role : std::uint8_t { kActive, kPassive };

  /// @param cookies  passive: make the source prove that it gets what we send, unless ICE has done so
  DtlsAssociation(const DtlsIdentity& identity, Role role, const DtlsFingerprint& expected, bool cookies,
                  DtlsSink& sink, double nowMs);
  ~DtlsAssociation();
  DtlsAssociation(const DtlsAssociation&) = delete;
  DtlsAssociation& operator=(const DtlsAssociation&) = delete;

  /// Active: says hello, once. Passive: does nothing.
  void start();
  /// Takes a datagram whose source has been checked. More than the allowance is dropped.
  void receive(ByteView datagram, const Endpoint& source, double nowMs);
  /// Sends again what was not answered; gives up after kPatienceMs.
  void tick(double nowMs);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const char* problem() const noexcept { return problem_; }
  struct Keys {
    SrtpKey send;
    SrtpKey receive;
  };
  /// Of kDone.
  [[nodiscard]] const Keys& keys() const noexcept { return keys_; }

  static constexpr double kPatienceMs = 30'000;

 private:
  friend struct DtlsCallbacks;

  void advance();
  void finish();
  void fail(const char* problem) noexcept;
  bool isExpected() const;
  bool exportKeys();

  const DtlsIdentity& identity_;
  const Role role_;
  const DtlsFingerprint expected_;
  DtlsSink& sink_;
  ssl_st* ssl_;
  State state_ = State::kHandshaking;
  const char* problem_ = "";
  bool started_ = false;
  ByteView incoming_{};  // the one datagram that is being read
  Endpoint source_{};
  double beganMs_;
  double allowance_;  // datagrams that may come now
  double allowedMs_;
  Keys keys_{};
};

}  // namespace hushpay
