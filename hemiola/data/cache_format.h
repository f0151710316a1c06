// The packed binary file of the cache.
//
//   Header            magic "hemidata", version, number of arrays, stamp, size of the whole
//                     file, checksum of header and directory (taken with this field 0)
//   Entry x arrays    bytes and checksum of each array
//   arrays            each begins at a multiple of 64 bytes
//
// All little-endian. The checksums are meant against torn and rotten files, not against malice.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hemiola/core/check.h"

namespace hemiola {

// What the file was made from; a file with another stamp is stale.
struct CacheStamp {
  uint64_t source_bytes = 0;
  int64_t source_changed_ns = 0;
  uint64_t key = 0;  // of path, kind and options

  bool operator==(const CacheStamp&) const = default;
};

using ByteSpan = std::span<const std::byte>;

// The file appears whole or not at all. Throws UserError when it cannot be written.
void write_cache_file(const std::string& path, const CacheStamp& stamp,
                      const std::vector<ByteSpan>& arrays);

// A cache file, mapped and checked as a whole before anything is taken from it.
class CacheFile {
 public:
  // Not open when there is no file, or it is torn, stale or of another version.
  CacheFile(const std::string& path, const CacheStamp& stamp);
  ~CacheFile();
  CacheFile(const CacheFile&) = delete;
  CacheFile& operator=(const CacheFile&) = delete;

  bool open() const { return open_; }

  // The arrays come in the order in which they were written. REQUIRES: open, and an array left.
  template <class T>
  std::vector<T> take() {
    HEMIOLA_CHECK(open_ && next_ < arrays_.size() && arrays_[next_].size() % sizeof(T) == 0);
    const ByteSpan array = arrays_[next_++];
    const T* begin = reinterpret_cast<const T*>(array.data());
    return std::vector<T>(begin, begin + array.size() / sizeof(T));
  }

 private:
  bool check(const CacheStamp& stamp);

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  bool open_ = false;
  std::vector<ByteSpan> arrays_;
  size_t next_ = 0;
};

}  // namespace hemiola
