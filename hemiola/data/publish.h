// A file that appears whole or not at all: written beside its place, synced, then renamed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "hemiola/data/file_store.h"

namespace hemiola {

class Publisher {
 public:
  // Throws UserError, as do all others, when the disk does not do what is asked; then, and when
  // commit() is not reached, nothing is left behind and an older file stays as it is.
  explicit Publisher(std::string path, const FileStore& store = disk());
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void write(const void* data, size_t size);
  // All was written: it is on the disk and the file is closed, but not yet at its place. A commit
  // that follows needs no room.
  void sync();
  void commit();

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  const FileStore& store_;
  std::string path_;
  std::string part_;  // the name until commit
  std::unique_ptr<FileStore::File> file_;
  bool there_ = false;  // there is a file of the name part_
};

// The folder that the path is in.
std::string folder_of(const std::string& path);

}  // namespace hemiola
