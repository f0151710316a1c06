// Encoding of message bodies: packed little-endian values, every read checked for length.
//
// A Reader never throws and never reads past its end: the first read that does not fit makes it
// fail, all later reads give zeros, and ok() tells. So a decoder reads everything and asks once.
#pragma once

#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "hemiola/core/bytes.h"
#include "hemiola/core/types.h"

namespace hemiola {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

template <class T>
concept Packed = std::is_trivially_copyable_v<T>;

// Writes into a growing buffer; take() gives the message. Large parts of known size are
// reserved with skip() and filled in place.
class Writer {
 public:
  explicit Writer(size_t expected = 64) : block_(expected) {}

  template <Packed T>
  Writer& put(const T& value) {
    std::memcpy(skip(sizeof(T)), &value, sizeof(T));
    return *this;
  }

  template <Packed T>
  Writer& put_all(std::span<const T> values) {
    put(static_cast<uint32_t>(values.size()));
    if (!values.empty()) std::memcpy(skip(values.size_bytes()), values.data(), values.size_bytes());
    return *this;
  }

  Writer& put_text(std::string_view text) { return put_all(std::span(text.data(), text.size())); }

  // Room for `size` bytes, to be filled by the caller before the next call on this Writer.
  std::byte* skip(size_t size) {
    if (used_ + size > block_.size()) grow(used_ + size);
    std::byte* at = block_.data() + used_;
    used_ += size;
    return at;
  }

  size_t size() const { return used_; }

  // Takes back what was written after the first `size` bytes.
  void rewind(size_t size) { used_ = size; }

  // Overwrites a value written earlier, e.g. a count known only at the end.
  template <Packed T>
  void patch(size_t offset, const T& value) {
    std::memcpy(block_.data() + offset, &value, sizeof(T));
  }

  Bytes take() && { return std::move(block_).freeze(used_); }

 private:
  void grow(size_t needed) {
    MutableBytes larger(std::max(needed, 2 * block_.size()));
    std::memcpy(larger.data(), block_.data(), used_);
    block_ = std::move(larger);
  }

  MutableBytes block_;
  size_t used_ = 0;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  explicit Reader(const Bytes& bytes) : bytes_(bytes.span()) {}

  template <Packed T>
  T get() {
    T value{};
    if (const std::byte* at = skip(sizeof(T))) std::memcpy(&value, at, sizeof(T));
    return value;
  }

  // A list as written by put_all. Fails before it allocates when the count cannot fit.
  template <Packed T>
  std::vector<T> get_all() {
    const size_t count = get<uint32_t>();
    const std::byte* at = skip_all<T>(count);
    std::vector<T> values(at ? count : 0);
    if (!values.empty()) std::memcpy(values.data(), at, count * sizeof(T));
    return values;
  }

  std::string get_text() {
    const auto chars = get_all<char>();
    return std::string(chars.begin(), chars.end());
  }

  // The place of the next `size` bytes, or nullptr when they are not there.
  const std::byte* skip(size_t size) {
    if (size > left()) {
      ok_ = false;
      at_ = bytes_.size();
      return nullptr;
    }
    const std::byte* at = bytes_.data() + at_;
    at_ += size;
    return at;
  }

  // As skip(), for `count` values of T; may be unaligned.
  template <class T>
  const std::byte* skip_all(size_t count) {
    return count > left() / sizeof(T) ? skip(left() + 1) : skip(count * sizeof(T));
  }

  size_t left() const { return bytes_.size() - at_; }
  bool ok() const { return ok_; }
  // Everything was read and nothing is left over.
  bool finished() const { return ok_ && left() == 0; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace hemiola
