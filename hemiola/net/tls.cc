#include "hemiola/net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola::net {

// The two ends of a TlsSession as OpenSSL sees them.
struct TlsPipe {
  static int write(BIO* bio, const char* data, int size) {
    auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const auto* from = reinterpret_cast<const std::byte*>(data);
    session.out_.insert(session.out_.end(), from, from + size);
    return size;
  }

  static int read(BIO* bio, char* data, int size) {
    auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    const size_t here = session.in_end_ - session.in_begin_;
    if (here == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t part = std::min(here, static_cast<size_t>(size));
    std::memcpy(data, session.in_.data() + session.in_begin_, part);
    session.in_begin_ += part;
    return static_cast<int>(part);
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

  using Method = std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)>;
  static Method make() {
    Method method(BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "hemiola"),
                  &BIO_meth_free);
    BIO_meth_set_write(method.get(), write);
    BIO_meth_set_read(method.get(), read);
    BIO_meth_set_ctrl(method.get(), control);
    return method;
  }

  static const BIO_METHOD* method() {
    static const Method made = make();
    return made.get();
  }

  // The pre-shared key of the connection, in the form that OpenSSL keeps sessions in.
  static SSL_SESSION* session_of(SSL* ssl) {
    const auto& session = *static_cast<TlsSession*>(SSL_get_app_data(ssl));
    const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
    SSL_SESSION* made = SSL_SESSION_new();
    if (!made) return nullptr;
    const bool fine =
        SSL_SESSION_set1_master_key(made, session.key_.data(), session.key_.size()) == 1 &&
        SSL_SESSION_set_cipher(made, SSL_CIPHER_find(ssl, aes_128_gcm_sha256)) == 1 &&
        SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION) == 1;
    if (fine) return made;
    SSL_SESSION_free(made);
    return nullptr;
  }

  static int client_key(SSL* ssl, const EVP_MD*, const unsigned char** id, size_t* id_size,
                        SSL_SESSION** session) {
    static constexpr unsigned char kName[] = "hemiola";
    *session = session_of(ssl);
    *id = kName;
    *id_size = sizeof(kName) - 1;
    return *session != nullptr;
  }

  static int server_key(SSL* ssl, const unsigned char*, size_t, SSL_SESSION** session) {
    *session = session_of(ssl);
    return *session != nullptr;
  }
};

namespace {

std::string openssl_text() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  return reason ? reason : "unknown reason";
}

void use_files(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.cert.empty() || settings.key.empty() || settings.ca.empty()) {
    throw UserError("encryption with certificates needs all of cert, key and ca");
  }
  const auto must = [](int result, const std::string& what) {
    if (result != 1) throw UserError("cannot use " + what + ": " + openssl_text());
  };
  must(SSL_CTX_use_certificate_chain_file(context, settings.cert.c_str()),
       "the certificate " + settings.cert);
  must(SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM),
       "the key " + settings.key);
  must(SSL_CTX_check_private_key(context), "the key " + settings.key + " with its certificate");
  must(SSL_CTX_load_verify_locations(context, settings.ca.c_str(), nullptr),
       "the authority " + settings.ca);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

}  // namespace

TlsContext::TlsContext(const TlsSettings& settings)
    : context_(SSL_CTX_new(TLS_method()), &SSL_CTX_free) {
  HEMIOLA_CHECK(context_ != nullptr);
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  if (settings.cert.empty() && settings.key.empty() && settings.ca.empty()) {
    SSL_CTX_set_psk_use_session_callback(context, TlsPipe::client_key);
    SSL_CTX_set_psk_find_session_callback(context, TlsPipe::server_key);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  } else {
    use_files(context, settings);
  }
}

TlsSession::TlsSession(const TlsContext& context, bool client, const SessionKey& key)
    : ssl_(SSL_new(context.context_.get())), key_(key), in_(kBufferBytes) {
  HEMIOLA_CHECK(ssl_ != nullptr);
  BIO* bio = BIO_new(TlsPipe::method());
  HEMIOLA_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  client ? SSL_set_connect_state(ssl_) : SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

std::span<std::byte> TlsSession::incoming_space() {
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  return std::span(in_).subspan(in_end_);
}

void TlsSession::sent(size_t bytes) {
  out_begin_ += bytes;
  if (out_begin_ < out_.size()) return;
  out_.clear();
  out_begin_ = 0;
}

TlsSession::Status TlsSession::judge(int result, const char* doing) {
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Status::blocked;
  if (error != SSL_ERROR_ZERO_RETURN) {
    error_ = std::string("encryption failed while ") + doing + ": " + openssl_text();
  }
  return Status::broken;
}

TlsSession::Status TlsSession::shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return judge(result, "agreeing on keys");
  ready_ = true;
  return Status::done;
}

TlsSession::Status TlsSession::write(std::span<const std::byte> plain, size_t& taken) {
  taken = 0;
  while (taken < plain.size()) {
    if (outgoing().size() >= kBufferBytes) return Status::blocked;
    ERR_clear_error();
    size_t part = 0;
    const int result = SSL_write_ex(ssl_, plain.data() + taken, plain.size() - taken, &part);
    if (result != 1) return judge(result, "sending");
    taken += part;
  }
  return Status::done;
}

TlsSession::Status TlsSession::read(std::span<std::byte> plain, size_t& given) {
  given = 0;
  while (given < plain.size()) {
    ERR_clear_error();
    size_t part = 0;
    const int result = SSL_read_ex(ssl_, plain.data() + given, plain.size() - given, &part);
    if (result != 1) return judge(result, "receiving");
    given += part;
  }
  return Status::done;
}

}  // namespace hemiola::net
