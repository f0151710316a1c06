#include "hemiola/net/tls.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

using Status = TlsSession::Status;

SessionKey key(uint8_t fill) {
  SessionKey key;
  key.fill(fill);
  return key;
}

void carry(TlsSession& from, TlsSession& to) {
  while (!from.outgoing().empty()) {
    const auto space = to.incoming_space();
    const size_t n = std::min(space.size(), from.outgoing().size());
    if (n == 0) return;
    std::memcpy(space.data(), from.outgoing().data(), n);
    from.sent(n);
    to.received(n);
  }
}

bool agree(TlsSession& a, TlsSession& b) {
  for (int i = 0; i < 10 && !(a.ready() && b.ready()); ++i) {
    if (!a.ready() && a.shake() == Status::broken) return false;
    carry(a, b);
    if (!b.ready() && b.shake() == Status::broken) return false;
    carry(b, a);
  }
  return a.ready() && b.ready();
}

std::string pass(TlsSession& from, TlsSession& to, const std::string& text, std::string* cipher) {
  std::string out;
  for (size_t done = 0; done < text.size();) {
    size_t taken = 0;
    from.write(std::as_bytes(std::span(text)).subspan(done), taken);
    done += taken;
    const auto wire = from.outgoing();
    if (cipher) cipher->append(reinterpret_cast<const char*>(wire.data()), wire.size());
    while (!from.outgoing().empty()) {
      carry(from, to);
      std::vector<std::byte> into(10'000);
      for (size_t given = 1; given > 0;) {
        to.read(into, given);
        out.append(reinterpret_cast<const char*>(into.data()), given);
      }
    }
  }
  return out;
}

TEST(Tls, With_the_same_key_text_passes_and_cannot_be_seen_on_the_way) {
  const TlsContext context({});
  TlsSession a(context, true, key(1)), b(context, false, key(1));
  ASSERT_TRUE(agree(a, b));
  std::string cipher;
  const std::string text(300'000, 'x');
  EXPECT_EQ(pass(a, b, text, &cipher), text);
  EXPECT_EQ(pass(b, a, "and back", nullptr), "and back");
  EXPECT_EQ(cipher.find("xxxxxxxx"), std::string::npos);
}

TEST(Tls, With_different_keys_there_is_no_agreement) {
  const TlsContext context({});
  TlsSession a(context, true, key(1)), b(context, false, key(2));
  EXPECT_FALSE(agree(a, b));
  EXPECT_NE((a.error() + b.error()).find("encryption failed"), std::string::npos);
}

TEST(Tls, Certificates_work_only_with_the_same_authority) {
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs openssl";
  const std::string dir = "/tmp/hemiola-tls-" + std::to_string(::getpid());
  std::filesystem::create_directory(dir);
  const auto make = [&](const std::string& name) {
    const std::string at = dir + "/" + name;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
        "-nodes -days 1 -subj /CN=" +
        name + " -keyout " + at + ".key -out " + at + ".pem >/dev/null 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0);
    return TlsSettings{TlsSettings::Use::always, at + ".pem", at + ".key", at + ".pem"};
  };
  const TlsSettings good = make("good"), bad = make("bad");
  const TlsContext context(good), stranger(bad);
  {
    TlsSession a(context, true, key(1)), b(context, false, key(1));
    ASSERT_TRUE(agree(a, b));
    EXPECT_EQ(pass(a, b, "hello", nullptr), "hello");
    TlsSession c(stranger, true, key(1)), d(context, false, key(1));
    EXPECT_FALSE(agree(c, d));
  }
  std::filesystem::remove_all(dir);
}

TEST(Tls, Files_that_cannot_be_used_are_named) {
  const auto refusal = [](TlsSettings settings) -> std::string {
    try {
      TlsContext context(settings);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({.cert = "a"}), "encryption with certificates needs all of cert, key and ca");
  EXPECT_NE(refusal({.cert = "/no.pem", .key = "/no.key", .ca = "/no.ca"}).find("/no.pem"),
            std::string::npos);
}

}  // namespace
}  // namespace hemiola::net
