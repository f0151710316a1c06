#include "hemiola/table/backup_shelf.h"

#include "hemiola/core/vec.h"

namespace hemiola {

BackupShelf::BackupShelf(const TableSet& tables) {
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = tables.rows(TableId{t});
    const uint32_t keys = rows.partition().rows();
    Shelf& shelf = shelves_.emplace_back();
    shelf.length = rows.row_length();
    shelf.stride = rows.stride();
    shelf.slots = Arena<uint32_t>(keys);
    shelf.rows = Arena<float>(keys * shelf.stride);
    shelf.moves = Arena<uint32_t>(keys);
  }
}

bool BackupShelf::put(TableId table, const RowVersion& head, std::span<const UnitRecord> units,
                      const float* row) {
  Shelf& shelf = shelves_[table.value];
  if (head.key.value >= shelf.slots.size()) return false;
  uint32_t& slot = shelf.slots[head.key.value];
  if (slot == 0 || slot == kGone) {
    ++shelf.held;
    if (shelf.free.empty()) {
      slot = ++shelf.made;
    } else {
      slot = shelf.free.back();
      shelf.free.pop_back();
    }
  }
  shelf.moves[slot - 1] = head.moves;
  vec().copy(shelf.rows.data() + size_t{slot - 1} * shelf.stride, row, shelf.length);
  if (units.empty()) {
    if (!shelf.units.empty()) shelf.units.erase(head.key.value);
  } else {
    shelf.units[head.key.value].assign(units.begin(), units.end());
  }
  return true;
}

BackupShelf::Found BackupShelf::find(TableId table, Key key) const {
  const Shelf& shelf = shelves_[table.value];
  const uint32_t slot = shelf.slots[key.value];
  if (slot == 0 || slot == kGone) return {};
  Found found{shelf.moves[slot - 1], {}, shelf.rows.data() + size_t{slot - 1} * shelf.stride};
  const auto units = shelf.units.find(key.value);
  if (units != shelf.units.end()) found.units = units->second;
  return found;
}

// A newer version may have come back since.
bool BackupShelf::gone(TableId table, const GoneRecord& record) {
  Shelf& shelf = shelves_[table.value];
  if (record.key.value >= shelf.slots.size()) return false;
  uint32_t& slot = shelf.slots[record.key.value];
  if (slot != 0 && slot != kGone) {
    if (shelf.moves[slot - 1] >= record.moves) return true;
    shelf.free.push_back(slot);
    shelf.units.erase(record.key.value);
    --shelf.held;
  }
  slot = kGone;
  return true;
}

}  // namespace hemiola
