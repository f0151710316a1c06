#include "hemiola/core/arena.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace hemiola {
namespace {

// Below this a mapping of its own costs more than it saves.
constexpr size_t kMapFrom = size_t{1} << 20;
constexpr size_t kHugePage = size_t{2} << 20;

size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

ArenaBytes::ArenaBytes(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  if (bytes < kMapFrom) {
    data_ = std::aligned_alloc(64, rounded(bytes));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(data_, 0, bytes);
    return;
  }
  data_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
  if (data_ == MAP_FAILED) {
    data_ = nullptr;
    throw std::bad_alloc();
  }
  if (bytes >= 8 * kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);
}

ArenaBytes::~ArenaBytes() {
  if (data_ == nullptr) return;
  if (bytes_ < kMapFrom) {
    std::free(data_);
  } else {
    munmap(data_, bytes_);
  }
}

}  // namespace hemiola
