// The backups of another node's rows: values, and the units in them. Nobody reads them while that
// node lives.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/table/survival_messages.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

// Costs 4 bytes per key, and a row and 8 bytes per row that was ever changed.
class BackupShelf {
 public:
  explicit BackupShelf(const TableSet& tables);

  // False: there is no such row.
  bool put(TableId table, const RowVersion& head, std::span<const UnitRecord> units,
           const float* row);
  bool gone(TableId table, const GoneRecord& record);

  struct Found {
    uint32_t moves = 0;
    std::span<const UnitRecord> units;
    const float* row = nullptr;  // nullptr: there is none
  };
  Found find(TableId table, Key key) const;
  // The row went to another owner, who died as well.
  bool went_away(TableId table, Key key) const {
    return shelves_[table.value].slots[key.value] == kGone;
  }
  uint32_t held(TableId table) const { return shelves_[table.value].held; }

 private:
  static constexpr uint32_t kGone = UINT32_MAX;

  struct Shelf {
    uint32_t length = 0;
    size_t stride = 0;
    Arena<uint32_t> slots;  // by key: slot + 1, kGone, or 0: its owner has not changed it
    Arena<float> rows;      // by slot
    Arena<uint32_t> moves;
    std::unordered_map<uint32_t, std::vector<UnitRecord>> units;  // by key, where there are any
    std::vector<uint32_t> free;
    uint32_t made = 0;
    uint32_t held = 0;
  };
  std::vector<Shelf> shelves_;
};

}  // namespace hemiola
