// The rows of one table on one node: the single structure that workers and the loop share.
//
// Who may do what:
// - `owned` rows stand side by side and never move. Any thread may read a row or change it;
//   changes take the row's latch when the table is exact and more than one thread writes.
// - A copy has a value, which readers read and workers change, and a base, which is what its
//   owner knows of it, our sent batches included: value - base is what is still to be sent.
//   Only the loop thread touches a base, and only it makes, refreshes and drops copies.
// - A worker finds a copy with find() and may use the pointer until its next tick. The loop
//   therefore first unlinks a copy, and frees its slot only after every worker that could have
//   found it has ticked (Copies::unlink, Copies::release).
// - Reading a row while another thread changes it may mix old and new floats; no scheme promises
//   more. The vec kernels that touch rows are exempt from the thread sanitizer for this reason.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/core/latches.h"
#include "hemiola/table/options.h"
#include "hemiola/table/partition.h"

namespace hemiola {

// Copies of rows, shared by the workers of a node, or one worker's own under strict BSP.
// Costs 4 bytes per key, and 8 bytes and two rows per copy held.
class Copies {
  static constexpr uint32_t kOwned = uint32_t{1} << 31;
  static constexpr uint32_t kUnlinked = uint32_t{1} << 30;
  static constexpr uint32_t kKept = uint32_t{1} << 29;
  static constexpr uint32_t kSlot = kKept - 1;

 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kMostRows = (uint32_t{1} << 29) - 1;

  Copies(uint32_t keys, uint32_t row_length, bool counts_use);

  // Any thread. The slot of the key's row, or kNone.
  uint32_t find(Key key) const { return look(key).slot; }
  // The row that is found is no copy: this node owns it. Only where rows may move.
  bool owns(Key key) const {
    return (slots_[key.value].load(std::memory_order_acquire) & kOwned) != 0;
  }
  // All in one look. kept: a copy that its owner keeps fresh.
  struct Found {
    uint32_t slot = kNone;
    bool owned = false;
    bool kept = false;
  };
  Found look(Key key) const {
    const uint32_t entry = slots_[key.value].load(std::memory_order_acquire);
    if ((entry & kUnlinked) != 0) return {};
    return {(entry & kSlot) - 1, (entry & kOwned) != 0, (entry & kKept) != 0};
  }
  // For loops that look up many: what is found in a register need not be loaded again.
  static bool is_owned(uint32_t entry) { return (entry & kOwned) != 0; }
  static bool lasts(uint32_t entry) { return (entry & (kOwned | kKept)) != 0; }
  struct View {
    const std::atomic<uint32_t>* slots;
    float* rows;
    size_t stride;
    uint32_t entry(Key key) const { return slots[key.value].load(std::memory_order_acquire); }
    float* row(uint32_t entry) const { return rows + ((entry & kSlot) - 1) * stride; }
  };
  View view() const { return {slots_.data(), rows_.data(), stride_}; }
  // The row is owned or kept. Where many are asked for: the bits stay in the nearest cache.
  bool lasts(Key key) const {
    const uint64_t word = lasting_[key.value / 64].load(std::memory_order_acquire);
    return (word >> (key.value % 64) & 1) != 0;
  }
  float* value(uint32_t slot) const { return rows_.data() + size_t{slot} * stride_; }
  // The copy holds every update of clocks below its tag.
  Clock tag(uint32_t slot) const { return Clock{notes_[slot].tag.load(std::memory_order_acquire)}; }
  // The owner that keeps the copy fresh, so that it is as complete as that owner's last round;
  // kNobody: the tag alone counts.
  static constexpr NodeId kNobody{UINT32_MAX};
  NodeId source(uint32_t slot) const {
    return NodeId{notes_[slot].source.load(std::memory_order_acquire) - 1};
  }
  // For loops over many keys, called at each place: brings the slots of keys further on and the
  // rows of nearer ones into the cache.
  static constexpr size_t kAhead = 8;
  void prefetch(std::span<const Key> keys, size_t at) const {
    if (at + 2 * kAhead < keys.size()) {
      __builtin_prefetch(&slots_[keys[at + 2 * kAhead].value]);
    }
    if (at + kAhead >= keys.size()) return;
    const uint32_t slot = slots_[keys[at + kAhead].value].load(std::memory_order_relaxed);
    if (slot == 0) return;
    __builtin_prefetch(value((slot & kSlot) - 1));
    __builtin_prefetch(&notes_[(slot & kSlot) - 1]);
  }
  void touch(uint32_t slot) const {
    if (counts_use_) used_[slot].store(1, std::memory_order_relaxed);
  }

  // Loop thread only.
  float* base(uint32_t slot) const { return bases_.data() + size_t{slot} * stride_; }
  // find(), or the copy that was unlinked but not yet released.
  uint32_t find_unlinked(Key key) const;
  // A slot for a key that has none (or relinks its unlinked one); its rows are zeros if new.
  // It is found by workers after publish().
  uint32_t make(Key key);
  void publish(Key key, uint32_t slot, Clock tag, NodeId source = kNobody);
  // The row is this node's own from now on; what its base says is forgotten.
  void publish_owned(Key key, uint32_t slot);
  // The number of the unlinking; release() does nothing when the key was asked for since.
  uint32_t unlink(Key key);
  void release(Key key, uint32_t unlinking);
  bool is_unlinked(Key key, uint32_t unlinking) const {
    const uint32_t entry = slots_[key.value].load(std::memory_order_relaxed);
    return (entry & kUnlinked) != 0 && unlinking_of_[(entry & kSlot) - 1] == unlinking;
  }
  uint32_t held() const { return held_; }
  // Goes round the slots and gives up to `count` keys whose copies were not used since last time.
  std::vector<Key> unused(uint32_t count);

 private:
  // The loop alone writes.
  void set_lasting(Key key, bool lasts) {
    auto& word = lasting_[key.value / 64];
    const uint64_t bit = uint64_t{1} << (key.value % 64);
    const uint64_t was = word.load(std::memory_order_relaxed);
    word.store(lasts ? was | bit : was & ~bit, std::memory_order_release);
  }

  uint32_t stride_;
  bool counts_use_;
  struct Note {
    std::atomic<int32_t> tag;
    std::atomic<uint32_t> source;  // node + 1
  };

  Arena<std::atomic<uint32_t>> slots_;    // per key: slot + 1, perhaps with one of the above; or 0
  Arena<std::atomic<uint64_t>> lasting_;  // a bit per key: owned or kept
  Arena<float> rows_;                     // per slot: the value
  Arena<float> bases_;                    // per slot, used by copies only
  Arena<Note> notes_;                     // per slot
  Arena<std::atomic<uint8_t>> used_;      // per slot, when use is counted
  Arena<Key> keys_;                       // per slot, when use is counted
  Arena<uint32_t> unlinking_of_;          // per slot: the number of its last unlinking
  uint32_t unlinkings_ = 0;
  std::vector<uint32_t> free_;
  uint32_t slots_made_ = 0;
  uint32_t held_ = 0;
  uint32_t hand_ = 0;
};

class Rows {
 public:
  // Fills the owned rows with their initial values.
  Rows(TableOptions options, const Place& place);

  const TableOptions& options() const { return options_; }
  const Partition& partition() const { return partition_; }
  uint32_t row_length() const { return options_.spec.row_length; }
  // How updates of rows travel, packed or not, and rows that are read.
  const RowForm& update_form(bool packed) const { return packed ? update_form_ : float_form_; }
  const RowForm& read_form() const { return read_form_; }
  uint32_t stride() const { return stride_; }

  // Where rows may move this changes at any time; else it is a function of the key.
  bool owns(Key key) const {
    return adapts_ ? views_[0]->owns(key) : partition_.owner(key) == self_;
  }
  // The placement is not static and there are other nodes: rows are kept by table/keeper.
  bool adapts() const { return adapts_; }
  // The slots of such a table, of rows owned and of copies alike.
  Copies& shelf() const { return *views_[0]; }
  float* owned(uint32_t index) const { return owned_.data() + size_t{index} * stride_; }
  float* base() const { return owned_.data(); }

  // Every row is here and no copies are needed: kernels may index base() themselves.
  bool direct() const { return direct_; }
  // Copies are kept of rows that are not here.
  bool keeps_copies() const { return !views_.empty(); }

  // The copies that a local worker reads; strict tables have a set for each worker.
  Copies& copies(WorkerId worker) const {
    return *views_[options_.staleness.strict ? worker.value - first_worker_.value : 0];
  }
  uint32_t views() const { return static_cast<uint32_t>(views_.size()); }
  Copies& view(uint32_t index) const { return *views_[index]; }

  Latches& latches() const { return *latches_; }

  // Calls f(key) for the rows of which the workers of this node share copies. Loop thread only.
  template <class F>
  void for_each_copy(F&& f) const {
    for (uint32_t k = 0; keeps_copies() && k < partition_.rows(); ++k) {
      const bool here = view(0).find_unlinked(Key{k}) != Copies::kNone;
      if (here && !view(0).owns(Key{k})) f(Key{k});
    }
  }

  // Calls f(key, row) for the rows that this node owns. REQUIRES: nothing moves meanwhile.
  template <class F>
  void for_each_owned(F&& f) const {
    for (uint32_t k = 0; adapts_ && k < partition_.rows(); ++k) {
      const Copies::Found found = shelf().look(Key{k});
      if (found.owned) f(Key{k}, static_cast<const float*>(shelf().value(found.slot)));
    }
    const uint32_t fixed = adapts_ ? 0 : partition_.owned_by(self_);
    for (uint32_t i = 0; i < fixed; ++i) {
      f(partition_.key(self_, i), static_cast<const float*>(owned(i)));
    }
  }

 private:
  TableOptions options_;
  NodeId self_;
  WorkerId first_worker_;
  Partition partition_;
  RowForm float_form_, update_form_, read_form_;
  uint32_t stride_;
  bool direct_;
  bool adapts_;
  Arena<float> owned_;
  std::vector<std::unique_ptr<Copies>> views_;
  std::unique_ptr<Latches> latches_;
};

}  // namespace hemiola
