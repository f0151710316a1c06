// Buffers that move through the system without being copied.
//
// A Bytes is an immutable run of bytes that several messages may share; slicing keeps the
// whole alive. Bytes are made by filling a MutableBytes once and freezing it.
// Thread safety: a Bytes may be read from any thread; a MutableBytes has one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace hemiola {

class Bytes {
 public:
  Bytes() = default;
  Bytes(std::shared_ptr<const std::byte[]> block, size_t offset, size_t size)
      : block_(std::move(block)), data_(block_.get() + offset), size_(size) {}

  static Bytes copy_of(std::span<const std::byte> from);
  static Bytes copy_of(std::string_view text) { return copy_of(std::as_bytes(std::span(text))); }

  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::byte> span() const { return {data_, size_}; }

  // REQUIRES: offset + size <= this->size().
  Bytes slice(size_t offset, size_t size) const {
    Bytes part = *this;
    part.data_ += offset;
    part.size_ = size;
    return part;
  }

 private:
  std::shared_ptr<const std::byte[]> block_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Uninitialised memory to be filled once.
class MutableBytes {
 public:
  explicit MutableBytes(size_t size)
      : MutableBytes(std::make_shared_for_overwrite<std::byte[]>(size), size) {}
  // The first `size` bytes of a block that nobody else reads or writes.
  MutableBytes(std::shared_ptr<std::byte[]> block, size_t size)
      : block_(std::move(block)), size_(size) {}

  std::byte* data() { return block_.get(); }
  size_t size() const { return size_; }
  std::span<std::byte> span() { return {block_.get(), size_}; }

  // Ends the filling; the first `used` bytes become the message.
  Bytes freeze(size_t used) && { return Bytes(std::move(block_), 0, used); }
  Bytes freeze() && { return Bytes(std::move(block_), 0, size_); }

 private:
  std::shared_ptr<std::byte[]> block_;
  size_t size_;
};

inline Bytes Bytes::copy_of(std::span<const std::byte> from) {
  MutableBytes block(from.size());
  if (!from.empty()) std::memcpy(block.data(), from.data(), from.size());
  return std::move(block).freeze();
}

}  // namespace hemiola
