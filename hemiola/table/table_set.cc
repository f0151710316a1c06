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

void TableSet::set_refreshed_by(NodeId node, Clock clock) {
  refreshed_by_[node.value].store(clock.value, std::memory_order_release);
  int32_t least = StalenessRule::kUnbounded;
  for (uint32_t n = 0; n < place_.nodes; ++n) {
    if (NodeId{n} == place_.self) continue;
    least = std::min(least, refreshed_by_[n].load(std::memory_order_relaxed));
  }
  published.refreshed.store(least, std::memory_order_release);
}

}  // namespace hemiola
