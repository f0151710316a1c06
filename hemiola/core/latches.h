// Striped latches for rows that several threads change.
//
// A row belongs to the stripe of its address, so there is no latch in the row and none per row:
// the stripes stay in cache. A Latches that is not needed (one writer, or a lock-free table)
// costs one predictable branch.
// Rule: hold at most one LatchGuard at a time in a thread; a guard over two rows takes both in
// order. Never block or call out while holding one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace hemiola {

class Latches {
 public:
  explicit Latches(bool needed) {
    if (needed) stripes_ = std::make_unique<std::array<Stripe, kStripes>>();
  }

  bool needed() const { return stripes_ != nullptr; }

 private:
  friend class LatchGuard;
  static constexpr size_t kStripes = 256;

  struct alignas(64) Stripe {
    std::atomic<uint32_t> held{0};
  };

  // Rows are at least 4 bytes and mostly 64-byte multiples: fold the address before masking.
  static size_t stripe_of(const float* row) {
    const auto a = reinterpret_cast<uintptr_t>(row) >> 2;
    return (a ^ (a >> 4) ^ (a >> 14)) & (kStripes - 1);
  }

  void lock(size_t stripe);
  void unlock(size_t stripe) { (*stripes_)[stripe].held.store(0, std::memory_order_release); }

  std::unique_ptr<std::array<Stripe, kStripes>> stripes_;
};

class LatchGuard {
 public:
  LatchGuard(Latches& latches, const float* row) : latches_(latches) {
    if (!latches_.needed()) return;
    first_ = second_ = Latches::stripe_of(row);
    latches_.lock(first_);
  }

  LatchGuard(Latches& latches, const float* row, const float* other) : latches_(latches) {
    if (!latches_.needed()) return;
    first_ = Latches::stripe_of(row);
    second_ = Latches::stripe_of(other);
    if (second_ < first_) std::swap(first_, second_);
    latches_.lock(first_);
    if (second_ != first_) latches_.lock(second_);
  }

  ~LatchGuard() {
    if (!latches_.needed()) return;
    if (second_ != first_) latches_.unlock(second_);
    latches_.unlock(first_);
  }

  LatchGuard(const LatchGuard&) = delete;
  LatchGuard& operator=(const LatchGuard&) = delete;

 private:
  Latches& latches_;
  size_t first_ = 0;
  size_t second_ = 0;
};

}  // namespace hemiola
