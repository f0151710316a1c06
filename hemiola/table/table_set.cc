#include "hemiola/table/table_set.h"

#include <algorithm>

#include "hemiola/core/check.h"

namespace hemiola {

TableSet::TableSet(std::vector<TableOptions> tables, Place place)
    : place_(place), refreshed_by_(place.nodes) {
  gate_.bound = StalenessRule::kUnbounded;
  for (TableOptions& options : tables) {
    const StalenessRule rule = options.staleness;
    const bool lax = options.sabotage == Sabotage::bound_off_by_one;
    if (rule.bounded()) gate_.bound = std::min(gate_.bound, rule.bound + (lax ? 1 : 0));
    any_push_ |= rule.push;
    any_async_ |= !rule.bounded();
    tables_.push_back(std::make_unique<Rows>(std::move(options), place_));
    ticks_alone_ &= tables_.back()->direct();
  }
  ticks_alone_ &= place_.workers() == 1 || !gate_.bounded();
}

TableId TableSet::find(std::string_view name) const {
  for (uint32_t t = 0; t < size(); ++t) {
    if (tables_[t]->options().spec.name == name) return TableId{t};
  }
  throw UserError("there is no table `" + std::string(name) + "` in this job");
}

}  // namespace hemiola
