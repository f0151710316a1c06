// The disk, as far as files are written that must survive a crash: a narrow seam, so that tests can
// let each of its calls fail, or be the last (faulty_disk_for_test.h).
//
// What is promised after a crash is what POSIX promises: the bytes of a file that was synced, and
// the names of a folder that was synced.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace hemiola {

// Functions return 0, or the errno of what went wrong.
class FileStore {
 public:
  class File {
   public:
    virtual ~File() = default;  // closes
    // All of it, or an error.
    [[nodiscard]] virtual int write(std::span<const std::byte> bytes) = 0;
    // The bytes are on the disk, and the file is closed.
    [[nodiscard]] virtual int sync() = 0;
  };

  virtual ~FileStore() = default;

  // A new file; EEXIST: there is one.
  [[nodiscard]] virtual int create(const std::string& path, std::unique_ptr<File>& file) const = 0;
  // Takes the place of what is at `to`.
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) const = 0;
  // A file, or a folder that is empty.
  [[nodiscard]] virtual int remove(const std::string& path) const = 0;
  // Its parents must be there; EEXIST: it is there.
  [[nodiscard]] virtual int make_folder(const std::string& path) const = 0;
  [[nodiscard]] virtual int sync_folder(const std::string& path) const = 0;
};

// The real one.
const FileStore& disk();

// Of reading nothing can be lost: the names in a folder, sorted; none when it is not there.
std::vector<std::string> names_in(const std::string& folder);
// What cannot be looked at is not there.
bool is_there(const std::string& path);

std::string error_text(int error);

}  // namespace hemiola
