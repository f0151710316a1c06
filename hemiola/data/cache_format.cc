#include "hemiola/data/cache_format.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "hemiola/core/random.h"
#include "hemiola/data/publish.h"

namespace hemiola {
namespace {

// Changes whenever the bytes of an array change their meaning.
constexpr uint32_t kVersion = 1;
constexpr size_t kAlign = 64;
constexpr size_t kMostArrays = 16;

struct Header {
  char magic[8] = {'h', 'e', 'm', 'i', 'd', 'a', 't', 'a'};
  uint32_t version = kVersion;
  uint32_t arrays = 0;
  CacheStamp stamp;
  uint64_t file_bytes = 0;
  uint64_t checksum = 0;
};
struct Entry {
  uint64_t bytes = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(Header) == 56 && std::is_trivially_copyable_v<Header>);
static_assert(sizeof(Entry) == 16 && std::is_trivially_copyable_v<Entry>);

// Four streams of multiply and rotate, so that memory and not arithmetic sets the pace.
uint64_t checksum(ByteSpan bytes) {
  constexpr uint64_t kFactor = 0x9fb21c651e98df25ULL;
  uint64_t lane[4] = {bytes.size(), 1, 2, 3};
  uint64_t word[4] = {};
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 32; at += 32, left -= 32) {
    std::memcpy(word, at, 32);
    for (int i = 0; i < 4; ++i) lane[i] = std::rotl((lane[i] ^ word[i]) * kFactor, 29);
  }
  std::memset(word, 0, sizeof word);
  if (left > 0) std::memcpy(word, at, left);
  for (int i = 0; i < 4; ++i) lane[i] = mix(lane[i] ^ word[i]);
  return mix(mix(lane[0], lane[1]), lane[2], lane[3]);
}

size_t padded(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// Header and directory in one run of bytes.
std::string make_head(Header header, const std::vector<Entry>& entries) {
  std::string head(sizeof header + entries.size() * sizeof(Entry), '\0');
  if (!entries.empty()) {
    std::memcpy(head.data() + sizeof header, entries.data(), entries.size() * sizeof(Entry));
  }
  header.checksum = 0;
  std::memcpy(head.data(), &header, sizeof header);
  header.checksum = checksum(std::as_bytes(std::span(head)));
  std::memcpy(head.data(), &header, sizeof header);
  return head;
}

}  // namespace

void write_cache_file(const std::string& path, const CacheStamp& stamp,
                      const std::vector<ByteSpan>& arrays) {
  HEMIOLA_CHECK(arrays.size() <= kMostArrays);
  std::vector<Entry> entries;
  Header header;
  header.arrays = static_cast<uint32_t>(arrays.size());
  header.stamp = stamp;
  header.file_bytes = padded(sizeof header + arrays.size() * sizeof(Entry));
  for (const ByteSpan array : arrays) {
    entries.push_back({array.size(), checksum(array)});
    header.file_bytes += padded(array.size());
  }
  const std::string head = make_head(header, entries);
  const char padding[kAlign] = {};
  Publisher file(path);
  file.write(head.data(), head.size());
  file.write(padding, padded(head.size()) - head.size());
  for (const ByteSpan array : arrays) {
    file.write(array.data(), array.size());
    file.write(padding, padded(array.size()) - array.size());
  }
  file.commit();
}

CacheFile::CacheFile(const std::string& path, const CacheStamp& stamp) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      info.st_size >= static_cast<off_t>(sizeof(Header))) {
    size_ = static_cast<size_t>(info.st_size);
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED) data_ = static_cast<const std::byte*>(map);
  }
  ::close(fd);
  open_ = data_ != nullptr && check(stamp);
}

CacheFile::~CacheFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

bool CacheFile::check(const CacheStamp& stamp) {
  Header header;
  std::memcpy(&header, data_, sizeof header);
  if (std::memcmp(header.magic, Header{}.magic, sizeof header.magic) != 0) return false;
  if (header.version != kVersion || header.stamp != stamp) return false;
  if (header.file_bytes != size_ || header.arrays > kMostArrays) return false;
  size_t at = padded(sizeof header + header.arrays * sizeof(Entry));
  if (at > size_) return false;
  std::vector<Entry> entries(header.arrays);
  if (!entries.empty()) {
    std::memcpy(entries.data(), data_ + sizeof header, entries.size() * sizeof(Entry));
  }
  const std::string head = make_head(header, entries);
  if (std::memcmp(head.data(), data_, head.size()) != 0) return false;
  // From here on the sizes are those that were written.
  for (const Entry& entry : entries) {
    const ByteSpan array(data_ + at, entry.bytes);
    if (checksum(array) != entry.checksum) return false;
    arrays_.push_back(array);
    at += padded(entry.bytes);
  }
  return true;
}

}  // namespace hemiola
