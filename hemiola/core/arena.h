// A large array of zeros whose pages cost memory only once they are touched.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace hemiola {

// Owns `bytes` zeroed bytes, aligned to 64; never moves them.
class ArenaBytes {
 public:
  ArenaBytes() = default;
  explicit ArenaBytes(size_t bytes);
  ~ArenaBytes();
  ArenaBytes(ArenaBytes&& o) noexcept
      : data_(std::exchange(o.data_, nullptr)), bytes_(std::exchange(o.bytes_, 0)) {}
  ArenaBytes& operator=(ArenaBytes&& o) noexcept {
    std::swap(data_, o.data_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

// The same as `count` values of T, for which all-zero bytes are a valid value.
template <class T>
class Arena {
 public:
  Arena() = default;
  explicit Arena(size_t count) : bytes_(count * sizeof(T)), count_(count) {
    static_assert(alignof(T) <= 64 && std::is_trivially_destructible_v<T>);
  }

  T* data() const { return static_cast<T*>(bytes_.data()); }
  size_t size() const { return count_; }
  T& operator[](size_t i) const { return data()[i]; }

 private:
  ArenaBytes bytes_;
  size_t count_ = 0;
};

}  // namespace hemiola
