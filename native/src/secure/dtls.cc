#include "secure/dtls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>

namespace hushpay {
namespace {

constexpr long kMtu = 1200;
constexpr int kCertificateDays = 365;
constexpr double kAllowance = 50;         // datagrams at once: a handshake has about 10 with a few sent again
constexpr double kAllowancePerMs = 0.02;  // and then 20 a second
constexpr unsigned kFirstTimeoutUs = 250'000;
constexpr unsigned kLongestTimeoutUs = 4'000'000;
constexpr long kMaxPeerCertificate = 16 * 1024;
constexpr char kProfiles[] =
    "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";
constexpr char kExporterLabel[] = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2

template <typename T, void (*kFree)(T*)>
struct Freeing {
  void operator()(T* thing) const noexcept { kFree(thing); }
};
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509, X509_free>>;

void require(bool isSo, const char* what) {
  if (!isSo) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

Certificate selfSigned(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  require(certificate != nullptr, "no certificate");
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 3600);  // clocks of peers may be behind
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), kCertificateDays, 0, nullptr);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("hushpay"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  require(X509_set_pubkey(certificate.get(), key) == 1, "no public key");
  require(X509_sign(certificate.get(), key, EVP_sha256()) != 0, "no signature");
  return certificate;
}

const EVP_MD* digestOf(DtlsFingerprint::Hash hash) noexcept {
  switch (hash) {
    case DtlsFingerprint::Hash::kSha256:
      return EVP_sha256();
    case DtlsFingerprint::Hash::kSha384:
      return EVP_sha384();
    case DtlsFingerprint::Hash::kSha512:
      return EVP_sha512();
  }
  return EVP_sha256();
}

bool suiteOf(unsigned long profile, SrtpSuite& suite) noexcept {
  switch (profile) {
    case SRTP_AES128_CM_SHA1_80:
      suite = SrtpSuite::kAesCm128Sha1_80;
      return true;
    case SRTP_AES128_CM_SHA1_32:
      suite = SrtpSuite::kAesCm128Sha1_32;
      return true;
    case SRTP_AEAD_AES_128_GCM:
      suite = SrtpSuite::kAeadAes128Gcm;
      return true;
    case SRTP_AEAD_AES_256_GCM:
      suite = SrtpSuite::kAeadAes256Gcm;
      return true;
    default:
      return false;
  }
}

}  // namespace

/// What OpenSSL calls: a BIO that knows datagrams, cookies, timers.
struct DtlsCallbacks {
  static DtlsAssociation& of(BIO* bio) { return *static_cast<DtlsAssociation*>(BIO_get_data(bio)); }
  static DtlsAssociation& of(SSL* ssl) { return *static_cast<DtlsAssociation*>(SSL_get_app_data(ssl)); }

  static int write(BIO* bio, const char* data, int size) {
    of(bio).sink_.sendDtls({reinterpret_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)});
    return size;
  }

  static int read(BIO* bio, char* into, int size) {
    ByteView& incoming = of(bio).incoming_;
    BIO_clear_retry_flags(bio);
    if (incoming.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const std::size_t taken = std::min(incoming.size(), static_cast<std::size_t>(size));
    std::copy_n(incoming.begin(), taken, into);
    incoming = {};  // a datagram is read whole or lost
    return static_cast<int>(taken);
  }

  static long control(BIO* bio, int command, long, void*) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_DGRAM_QUERY_MTU:
      case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return kMtu;
      case BIO_CTRL_PENDING:
        return static_cast<long>(of(bio).incoming_.size());
      default:
        return 0;
    }
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
      require(made != nullptr, "no BIO");
      BIO_meth_set_write(made, write);
      BIO_meth_set_read(made, read);
      BIO_meth_set_ctrl(made, control);
      BIO_meth_set_create(made, create);
      return made;
    }();
    return kMethod;
  }

  static int makeCookie(SSL* ssl, unsigned char* cookie, unsigned int* size) {
    const auto made = of(ssl).identity_.cookieFor(of(ssl).source_);
    std::ranges::copy(made, cookie);
    *size = made.size();
    return 1;
  }

  static int checkCookie(SSL* ssl, const unsigned char* cookie, unsigned int size) {
    const auto made = of(ssl).identity_.cookieFor(of(ssl).source_);
    return size == made.size() && CRYPTO_memcmp(cookie, made.data(), size) == 0 ? 1 : 0;
  }

  /// Any certificate gets through the handshake; its fingerprint is what counts (RFC 5763 section 5).
  static int takeCertificate(int, X509_STORE_CTX*) { return 1; }

  static unsigned int timeout(SSL*, unsigned int lastUs) {
    return lastUs == 0 ? kFirstTimeoutUs : std::min(2 * lastUs, kLongestTimeoutUs);
  }
};

DtlsIdentity::DtlsIdentity() : context_(SSL_CTX_new(DTLS_method())) {
  require(context_ != nullptr, "no DTLS");
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "no key");
  const Certificate certificate = selfSigned(key.get());
  require(RAND_bytes(cookieSecret_.data(), static_cast<int>(cookieSecret_.size())) == 1, "no random numbers");
  require(use(*key, *certificate), "no certificate");
  require(SSL_CTX_set_min_proto_version(context_, DTLS1_2_VERSION) == 1, "no DTLS 1.2");
  require(SSL_CTX_set_cipher_list(context_, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES") == 1, "no ciphers");
  require(SSL_CTX_set_tlsext_use_srtp(context_, kProfiles) == 0, "no SRTP profiles");
  SSL_CTX_set_options(
      context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context_, kMaxPeerCertificate);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     DtlsCallbacks::takeCertificate);
  SSL_CTX_set_cookie_generate_cb(context_, DtlsCallbacks::makeCookie);
  SSL_CTX_set_cookie_verify_cb(context_, DtlsCallbacks::checkCookie);
}

DtlsIdentity::~DtlsIdentity() { SSL_CTX_free(context_); }

bool DtlsIdentity::use(evp_pkey_st& key, x509_st& certificate) {
  unsigned int size = 0;
  return X509_check_private_key(&certificate, &key) == 1 &&
         SSL_CTX_use_certificate(context_, &certificate) == 1 &&
         SSL_CTX_use_PrivateKey(context_, &key) == 1 &&
         X509_digest(&certificate, EVP_sha256(), fingerprint_.data(), &size) == 1;
}

DtlsIdentity::Saved DtlsIdentity::save() const {
  Saved saved;
  EVP_PKEY* key = SSL_CTX_get0_privatekey(context_);
  X509* certificate = SSL_CTX_get0_certificate(context_);
  saved.key.resize(static_cast<std::size_t>(std::max(0, i2d_PrivateKey(key, nullptr))));
  saved.certificate.resize(static_cast<std::size_t>(std::max(0, i2d_X509(certificate, nullptr))));
  unsigned char* into = saved.key.data();
  i2d_PrivateKey(key, &into);
  into = saved.certificate.data();
  i2d_X509(certificate, &into);
  return saved;
}

bool DtlsIdentity::adopt(ByteView key, ByteView certificate) {
  const unsigned char* from = key.data();
  const Key theirs(d2i_AutoPrivateKey(nullptr, &from, static_cast<long>(key.size())));
  from = certificate.data();
  const Certificate shown(d2i_X509(nullptr, &from, static_cast<long>(certificate.size())));
  const bool isFit = theirs != nullptr && shown != nullptr && use(*theirs, *shown);
  ERR_clear_error();
  return isFit;
}

std::array<std::uint8_t, 20> DtlsIdentity::cookieFor(const Endpoint& source) const {
  std::array<std::uint8_t, 20> cookie{};
  HMAC(EVP_sha1(), cookieSecret_.data(), static_cast<int>(cookieSecret_.size()),
       reinterpret_cast<const unsigned char*>(source.raw()), source.size, cookie.data(), nullptr);
  return cookie;
}

DtlsAssociation::DtlsAssociation(const DtlsIdentity& identity, Role role, const DtlsFingerprint& expected,
                                 bool cookies, DtlsSink& sink, double nowMs)
    : identity_(identity),
      role_(role),
      expected_(expected),
      sink_(sink),
      ssl_(SSL_new(identity.context())),
      beganMs_(nowMs),
      allowance_(kAllowance),
      allowedMs_(nowMs) {
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(DtlsCallbacks::method());
  require(bio != nullptr, "no memory for a handshake");
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  DTLS_set_link_mtu(ssl_, kMtu);
  DTLS_set_timer_cb(ssl_, DtlsCallbacks::timeout);
  if (role == Role::kActive) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
    if (cookies) SSL_set_options(ssl_, SSL_OP_COOKIE_EXCHANGE);
  }
}

DtlsAssociation::~DtlsAssociation() { SSL_free(ssl_); }

void DtlsAssociation::start() {
  if (started_ || role_ != Role::kActive) return;
  started_ = true;
  advance();
}

void DtlsAssociation::receive(ByteView datagram, const Endpoint& source, double nowMs) {
  if (state_ == State::kFailed || (role_ == Role::kActive && !started_)) return;
  allowance_ = std::min(kAllowance, allowance_ + (nowMs - allowedMs_) * kAllowancePerMs);
  allowedMs_ = nowMs;
  if (allowance_ < 1) return;
  allowance_ -= 1;
  incoming_ = datagram;
  source_ = source;
  if (state_ == State::kHandshaking) {
    started_ = true;
    advance();
  } else {
    // Nothing is said after the handshake but its last flight, if ours was lost; OpenSSL answers that by
    // itself.
    std::array<std::uint8_t, 64> nothing;
    ERR_clear_error();
    (void)SSL_read(ssl_, nothing.data(), static_cast<int>(nothing.size()));
  }
  incoming_ = {};
}

void DtlsAssociation::tick(double nowMs) {
  if (state_ != State::kHandshaking) return;
  if (nowMs - beganMs_ > kPatienceMs) return fail("the handshake was not finished in time");
  if (!started_) return;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_) < 0) fail("the peer does not answer");
}

void DtlsAssociation::advance() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return finish();
  const int error = SSL_get_error(ssl_, result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail("the handshake failed");
}

void DtlsAssociation::finish() {
  if (!isExpected()) return fail("the certificate is not the one of the session description");
  if (!exportKeys()) return fail("no SRTP profile in common");
  state_ = State::kDone;
}

void DtlsAssociation::fail(const char* problem) noexcept {
  state_ = State::kFailed;
  problem_ = problem;
}

bool DtlsAssociation::isExpected() const {
  const Certificate certificate(SSL_get1_peer_certificate(ssl_));
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  return certificate != nullptr &&
         X509_digest(certificate.get(), digestOf(expected_.hash), digest.data(), &size) == 1 &&
         size == expected_.size && CRYPTO_memcmp(digest.data(), expected_.digest.data(), size) == 0;
}

/// Client's key, server's key, client's salt, server's salt (RFC 5764 section 4.2).
bool DtlsAssociation::exportKeys() {
  const SRTP_PROTECTION_PROFILE* profile = SSL_get_selected_srtp_profile(ssl_);
  SrtpSuite suite{};
  if (profile == nullptr || !suiteOf(profile->id, suite)) return false;
  const auto [keySize, saltSize, rtpTag, rtcpTag, isAead] = shapeOf(suite);
  std::array<std::uint8_t, 2 * SrtpKey::kMaxSize> material{};
  const std::size_t size = 2 * (keySize + saltSize);
  if (SSL_export_keying_material(ssl_, material.data(), size, kExporterLabel, sizeof kExporterLabel - 1,
                                 nullptr, 0, 0) != 1)
    return false;
  const bool isClient = role_ == Role::kActive;
  for (const bool ours : {true, false}) {
    SrtpKey& key = ours ? keys_.send : keys_.receive;
    const std::size_t which = ours == isClient ? 0 : 1;
    key.suite = suite;
    std::copy_n(material.begin() + static_cast<std::ptrdiff_t>(which * keySize), keySize, key.bytes.begin());
    std::copy_n(material.begin() + static_cast<std::ptrdiff_t>(2 * keySize + which * saltSize), saltSize,
                key.bytes.begin() + static_cast<std::ptrdiff_t>(keySize));
  }
  explicit_bzero(material.data(), material.size());
  return true;
}

}  // namespace hushpay
