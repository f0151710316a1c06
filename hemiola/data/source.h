// A file as a stream of bytes, unpacked on the way. Packing is recognised by the file's first
// bytes, never by its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace hemiola {

enum class Packing : uint8_t { none, gzip, zstd, bzip2 };

// Of a file that begins with `head` (four bytes are enough).
Packing packing_of(std::string_view head);

// Thread safety: one thread at a time.
class Source {
 public:
  virtual ~Source() = default;

  // Fills `into` with up to `room` bytes and says how many; 0 means the end of the file.
  // Throws UserError naming the file when it cannot be read, is damaged, or is cut off.
  // REQUIRES: room > 0.
  virtual size_t read(char* into, size_t room) = 0;
};

// Throws UserError when the file is missing, a directory, not readable, or packed in a way that
// is not known here. Several packed streams one after the other count as one file.
std::unique_ptr<Source> open_source(const std::string& path);

}  // namespace hemiola
