// Which updates are in which rows: what makes updates exactly-once when an owner dies.
//
// A unit is one batch's update of one row. Its origin keeps the batch until it need not be sent
// again (table/journal.h), and whoever has the row knows the units in it that their origins may
// still keep. So when a row has been taken from a dead node's backup, and origins send again what
// they kept, each unit is added to it just once.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/core/types.h"

namespace hemiola {

// Is a later than b, where numbers go on from 0 when 32 bits are full?
constexpr bool is_later(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) > 0; }

struct Unit {
  NodeId origin;
  uint32_t batch = 0;  // the origin's number, or, of a gift, how often the row had moved by then

  friend constexpr bool operator==(Unit, Unit) = default;
};

// The units in the rows of one table that a node owns, in the order in which they came in.
// Costs 4 bytes per key that ever had one, and 24 per unit until its origin has dropped it.
class UnitLog {
 public:
  struct Entry {
    Key key;
    uint32_t before = 0;  // place + 1 of the key's previous entry
    Unit unit;
    bool gift = false;  // no update: the node that gave the row away, and remembers it
    bool told = false;  // the origin has been told that it is safe, or somebody else will tell
  };

  explicit UnitLog(uint32_t keys) : last_(keys) {}

  void add(Key key, Unit unit, bool gift = false, bool told = false);

  // Calls f(entry) for the units in the row, the latest first.
  template <class F>
  void each(Key key, F&& f) {
    uint32_t next = last_[key.value];
    for (size_t at = place(next); at < entries_.size(); at = place(next)) {
      Entry& entry = entries_[at];
      if (entry.key != key) return;
      f(entry);
      next = entry.before;
    }
  }

  // The row goes away, and who has it now will tell.
  void move_away(Key key);

  // The places of entries: [first(), end()) are here.
  uint64_t first() const { return first_; }
  uint64_t end() const { return first_ + entries_.size(); }
  size_t size() const { return entries_.size(); }
  Entry& at(uint64_t place) { return entries_[place - first_]; }

  // Forgets the entries, from the first on, that no origin keeps any more. low: by origin, the
  // number below which it has dropped all.
  void prune(const std::vector<uint32_t>& low);

 private:
  size_t place(uint32_t next) const {
    return next == 0 ? SIZE_MAX : static_cast<uint32_t>(next - 1 - static_cast<uint32_t>(first_));
  }

  std::deque<Entry> entries_;
  uint64_t first_ = 0;    // place of the first of them
  Arena<uint32_t> last_;  // by key: place + 1 of its last entry, in 32 bits
};

}  // namespace hemiola
