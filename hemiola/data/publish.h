// A file that appears whole or not at all: written beside its place, synced, then renamed.
#pragma once

#include <cstddef>
#include <string>

namespace hemiola {

class Publisher {
 public:
  // Throws UserError, as do all others, when the disk does not do what is asked; then, and when
  // commit() is not reached, nothing is left behind and an older file stays as it is.
  explicit Publisher(std::string path);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void write(const void* data, size_t size);
  // All was written: it is on the disk and the file is closed, but not yet at its place. A commit
  // that follows needs no room.
  void sync();
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::string path_;
  std::string part_;  // the name until commit
  int fd_ = -1;
  bool there_ = false;  // there is a file of the name part_
};

}  // namespace hemiola
