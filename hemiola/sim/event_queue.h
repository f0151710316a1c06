// The heap of what is to happen: what is due first comes out first, and what is due at the same
// instant comes out in an order drawn from the seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hemiola::sim {

// 16 bytes, so the four children of a node in the heap share a cache line.
struct Due {
  int64_t when = 0;    // nanoseconds
  uint64_t order = 0;  // among those due at once: chance above, the slot of the event below

  Due() = default;
  Due(int64_t when_ns, uint32_t tie, uint32_t slot)
      : when(when_ns), order(uint64_t{tie} << 32 | slot) {}

  uint32_t slot() const { return static_cast<uint32_t>(order); }
  bool before(const Due& other) const {
    return when < other.when || (when == other.when && order < other.order);
  }
};

// Invariant: no element is before its parent; the parent of i is (i - 1) / 4.
class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  const Due& top() const { return heap_.front(); }

  void push(Due due) {
    size_t i = heap_.size();
    heap_.push_back(due);
    while (i > 0) {
      const size_t parent = (i - 1) / kWidth;
      if (!due.before(heap_[parent])) break;
      heap_[i] = heap_[parent];
      i = parent;
    }
    heap_[i] = due;
  }

  // REQUIRES: !empty().
  Due pop() {
    const Due first = heap_.front();
    const Due last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static constexpr size_t kWidth = 4;

  void sink(Due due) {
    const size_t size = heap_.size();
    size_t i = 0;
    for (;;) {
      const size_t first = i * kWidth + 1;
      if (first >= size) break;
      const size_t end = first + kWidth < size ? first + kWidth : size;
      size_t least = first;
      for (size_t child = first + 1; child < end; ++child) {
        if (heap_[child].before(heap_[least])) least = child;
      }
      if (!heap_[least].before(due)) break;
      heap_[i] = heap_[least];
      i = least;
    }
    heap_[i] = due;
  }

  std::vector<Due> heap_;
};

}  // namespace hemiola::sim
