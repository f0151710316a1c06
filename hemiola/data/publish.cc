#include "hemiola/data/publish.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

Publisher::Publisher(std::string path, const FileStore& store)
    : store_(store), path_(std::move(path)) {
  // Another process, or one that died, may hold a name.
  for (int attempt = 0; !file_; ++attempt) {
    part_ = path_ + ".part" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    const int error = store_.create(part_, file_);
    if (error != 0 && (error != EEXIST || attempt == 1000)) fail("create", error);
  }
  there_ = true;
}

Publisher::~Publisher() {
  file_.reset();
  // One that cannot be removed is known by its name for what it is.
  if (there_) [[maybe_unused]]
    const int ignored = store_.remove(part_);
}

void Publisher::write(const void* data, size_t size) {
  const int error = file_->write({static_cast<const std::byte*>(data), size});
  if (error != 0) fail("write", error);
}

void Publisher::sync() {
  if (!file_) return;
  const int error = std::exchange(file_, nullptr)->sync();
  if (error != 0) fail("write", error);
}

void Publisher::commit() {
  HEMIOLA_CHECK(there_);
  sync();
  if (const int error = store_.rename(part_, path_); error != 0) fail("publish", error);
  there_ = false;
  // The new name survives a crash only when the folder is synced too.
  if (const int error = store_.sync_folder(folder_of(path_)); error != 0) fail("publish", error);
}

void Publisher::fail(const char* what, int error) const {
  throw UserError(std::string("cannot ") + what + " " + path_ + ": " + error_text(error));
}

}  // namespace hemiola
