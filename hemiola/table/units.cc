#include "hemiola/table/units.h"

namespace hemiola {

void UnitLog::add(Key key, Unit unit, bool gift, bool told) {
  entries_.push_back({key, last_[key.value], unit, gift, told});
  last_[key.value] = static_cast<uint32_t>(end());
}

void UnitLog::move_away(Key key) {
  each(key, [](Entry& entry) { entry.told = true; });
  last_[key.value] = 0;
}

void UnitLog::prune(const std::vector<uint32_t>& low) {
  while (!entries_.empty()) {
    const Entry& entry = entries_.front();
    const bool over =
        entry.gift ? entry.told : is_later(low[entry.unit.origin.value], entry.unit.batch);
    if (!over) return;
    entries_.pop_front();
    ++first_;
  }
}

}  // namespace hemiola
