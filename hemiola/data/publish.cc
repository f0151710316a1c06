#include "hemiola/data/publish.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {

Publisher::Publisher(std::string path) : path_(std::move(path)) {
  // Another process, or one that died, may hold a name.
  for (int attempt = 0; fd_ < 0; ++attempt) {
    part_ = path_ + ".part" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    fd_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && (errno != EEXIST || attempt == 1000)) fail("create");
  }
  there_ = true;
}

Publisher::~Publisher() {
  if (fd_ >= 0) ::close(fd_);
  if (there_) ::unlink(part_.c_str());
}

void Publisher::write(const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd_, at, std::min<size_t>(size, 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("write");
    at += n;
    size -= static_cast<size_t>(n);
  }
}

void Publisher::sync() {
  if (fd_ < 0) return;
  if (::fsync(fd_) != 0) fail("write");
  const int closed = ::close(std::exchange(fd_, -1));
  if (closed != 0 && errno != EINTR) fail("write");
}

void Publisher::commit() {
  HEMIOLA_CHECK(there_);
  sync();
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail("publish");
  there_ = false;
  // The new name survives a crash only when the folder is synced too; where a file system
  // refuses that, the file is still whole.
  const std::string folder = std::filesystem::path(path_).parent_path();
  const int f = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (f < 0) return;
  ::fsync(f);
  ::close(f);
}

void Publisher::fail(const char* what) const {
  throw UserError(std::string("cannot ") + what + " " + path_ + ": " +
                  std::generic_category().message(errno));
}

}  // namespace hemiola
