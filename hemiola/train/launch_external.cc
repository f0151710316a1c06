#include "hemiola/train/launch_external.h"

#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "hemiola/core/check.h"
#include "hemiola/net/address.h"
#include "hemiola/net/socket.h"

namespace hemiola {
namespace {

std::string read_secret(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    throw UserError("cannot open the `cluster.secret_file` " + path + ": " +
                    std::generic_category().message(errno));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw UserError("others may read the `cluster.secret_file` " + path + "; run chmod 600 on it");
  }
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  std::string secret = text.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.size() < 16) {
    throw UserError("the secret in " + path + " is shorter than 16 characters; make one with " +
                    "`openssl rand -hex 32`");
  }
  return secret;
}

}  // namespace

NodePlace external_place(const LaunchPlace& launched, const Job& job) {
  NodePlace place;
  place.self = NodeId{launched.rank};
  place.comes_later = launched.later;
  if (launched.rendezvous.empty()) return place;
  const net::Address rendezvous = net::Address::parse(launched.rendezvous);
  const bool local = net::resolve(rendezvous).front().is_local();
  if (!job.cluster.secret_file.empty()) {
    place.secret = read_secret(job.cluster.secret_file);
  } else if (local) {
    place.secret = agreement_text(job);
  } else {
    throw UserError(
        "nodes on several machines need a secret: name a file that all of them can "
        "read as `cluster.secret_file`");
  }
  place.rendezvous = launched.rendezvous;
  const std::string own = local ? "127.0.0.1" : net::own_host_towards(rendezvous.host);
  const std::string everywhere = local ? "127.0.0.1" : own.front() == '[' ? "[::]" : "0.0.0.0";
  const bool first = launched.rank == 0 && !launched.later;
  const uint16_t port = first ? rendezvous.port : uint16_t{0};
  place.listen = "tcp:" + everywhere + ":" + std::to_string(port);
  place.host = first ? rendezvous.host : own;
  return place;
}

}  // namespace hemiola
