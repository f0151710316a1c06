#include "hemiola/train/table_parameters.h"

#include <cmath>

namespace hemiola {

TableParameters::TableParameters(Client& client, WorkerPort& port, const StepCost& cost,
                                 std::function<void(size_t)> after_step)
    : client_(client),
      port_(port),
      cost_(cost),
      chance_(mix(cost.seed, port.worker().value)),
      after_step_(std::move(after_step)) {}

std::optional<Parameters::Direct> TableParameters::direct(TableId table) {
  Rows& rows = client_.tables().rows(table);
  if (!rows.direct()) return std::nullopt;
  return Direct{rows.base(), rows.stride()};
}

void TableParameters::step(size_t examples) {
  after_step_(examples);
  if (cost_.ns_per_example > 0) {
    port_.spend(nanoseconds(std::llround(cost_.ns_per_example * static_cast<double>(examples))));
  }
  if (cost_.stall_chance > 0 && chance_.chance(cost_.stall_chance)) {
    const Instant start = port_.now();
    port_.sleep(cost_.stall);
    stalled_ = stalled_ + (port_.now() - start);
  }
  client_.tick();
}

}  // namespace hemiola
