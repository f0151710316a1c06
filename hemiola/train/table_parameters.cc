#include "hemiola/train/table_parameters.h"

namespace hemiola {

TableParameters::TableParameters(Client& client, WorkerPort& port, const StepCost& cost,
                                 std::function<void(size_t)> after_step)
    : client_(client), pace_(port, cost, std::move(after_step)) {}

std::optional<Parameters::Direct> TableParameters::direct(TableId table) {
  Rows& rows = client_.tables().rows(table);
  if (!rows.direct()) return std::nullopt;
  return Direct{rows.base(), rows.stride()};
}

void TableParameters::step(size_t examples) {
  pace_.step(examples);
  client_.tick();
}

}  // namespace hemiola
