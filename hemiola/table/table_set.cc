#include "hemiola/table/table_set.h"

#include <algorithm>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {

TableSet::TableSet(std::vector<TableOptions> tables, Place place, Sampling sampling,
                   uint32_t copies)
    : place_(place),
      sampling_(std::move(sampling)),
      copies_(std::min(copies, place.nodes)),
      refreshed_by_(place.nodes),
      rounds_(place.nodes) {
  if (copies != 1 && copies != 2) {
    throw UserError("tables can be kept in 1 copy or in 2, not in " + std::to_string(copies));
  }
  gate_.bound = StalenessRule::kUnbounded;
  for (TableOptions& options : tables) {
    const StalenessRule rule = options.staleness;
    const bool lax = options.sabotage == Sabotage::bound_off_by_one;
    if (rule.bounded()) gate_.bound = std::min(gate_.bound, rule.bound + (lax ? 1 : 0));
    any_async_ |= !rule.bounded();
    tables_.push_back(std::make_unique<Rows>(std::move(options), place_));
    any_adapts_ |= tables_.back()->adapts();
    any_push_ |= rule.push && !tables_.back()->adapts();
    moves_.push_back(std::make_unique<Moves>());
    ticks_alone_ &= tables_.back()->direct();
  }
  ticks_alone_ &= place_.workers() == 1 || !gate_.bounded();
  for (const Sampling::Source& source : sampling_.sources) check(source);
}

void TableSet::check(const Sampling::Source& source) const {
  if (source.table.value >= size()) {
    throw UserError("sampler `" + source.name + "` draws from table number " +
                    std::to_string(source.table.value) + ", but there are " +
                    std::to_string(size()) + " tables");
  }
  const TableSpec& spec = rows(source.table).options().spec;
  const uint64_t end = uint64_t{source.distribution->first().value} + source.distribution->count();
  if (end > spec.rows) {
    throw UserError("sampler `" + source.name + "` draws keys up to " + std::to_string(end - 1) +
                    " from table `" + spec.name + "`, which has " + std::to_string(spec.rows) +
                    " rows");
  }
  using Kind = SamplingRule::Kind;
  const Kind kind = sampling_.rule.kind;
  const bool by_what_came = kind == Kind::postponed || kind == Kind::local;
  if (by_what_came && rows(source.table).options().staleness.strict &&
      !rows(source.table).direct()) {
    throw UserError("table `" + spec.name +
                    "` is strict: its results are the same each time. Sampling `" +
                    sampling_.rule.name() +
                    "` goes by which rows have come, which is not; use independent or pool");
  }
}

TableId TableSet::find(std::string_view name) const {
  for (uint32_t t = 0; t < size(); ++t) {
    if (tables_[t]->options().spec.name == name) return TableId{t};
  }
  throw UserError("there is no table `" + std::string(name) + "` in this job");
}

}  // namespace hemiola
