#include "hemiola/data/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace hemiola {
namespace {

constexpr size_t kMostAtOnce = 1 << 30;

class DiskFile final : public FileStore::File {
 public:
  explicit DiskFile(int fd) : fd_(fd) {}
  ~DiskFile() override {
    if (fd_ >= 0) ::close(fd_);
  }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  int write(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), std::min(bytes.size(), kMostAtOnce));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return n < 0 ? errno : ENOSPC;
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return 0;
  }

  int sync() override {
    if (::fsync(fd_) != 0) return errno;
    const int closed = ::close(std::exchange(fd_, -1));
    return closed != 0 && errno != EINTR ? errno : 0;
  }

 private:
  int fd_;
};

class Disk final : public FileStore {
 public:
  int create(const std::string& path, std::unique_ptr<File>& file) const override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return errno;
    file = std::make_unique<DiskFile>(fd);
    return 0;
  }

  int rename(const std::string& from, const std::string& to) const override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
  }

  int remove(const std::string& path) const override {
    return std::remove(path.c_str()) == 0 ? 0 : errno;
  }

  int make_folder(const std::string& path) const override {
    return ::mkdir(path.c_str(), 0777) == 0 ? 0 : errno;
  }

  // Where folders cannot be opened for this, or a file system does not sync them, names are as safe
  // as it makes them.
  int sync_folder(const std::string& path) const override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : errno;
    const int error = ::fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    ::close(fd);
    return error;
  }
};

}  // namespace

const FileStore& disk() {
  static const Disk only;
  return only;
}

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !error;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    names.push_back(at->path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace hemiola
