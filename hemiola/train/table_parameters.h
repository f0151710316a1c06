// A model's parameters, held in tables: what a worker's Client gives a Task.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "hemiola/models/parameters.h"
#include "hemiola/table/client.h"
#include "hemiola/train/step_pace.h"

namespace hemiola {

// Thread safety: belongs to one worker.
class TableParameters : public Parameters {
 public:
  // The clock ticks at the end of each step.
  TableParameters(Client& client, WorkerPort& port, const StepCost& cost,
                  std::function<void(size_t)> after_step);

  std::optional<Direct> direct(TableId table) override;
  void rows(TableId table, std::span<const Key> keys, Access access,
            std::span<float*> out) override {
    client_.rows(table, keys, access, out);
  }
  void intend(TableId table, std::span<const Key> keys, uint32_t first, uint32_t last) override {
    client_.intend(table, keys, from_now(first), from_now(last));
  }
  Samples prepare_sample(uint32_t sampler, uint32_t n, uint32_t first, uint32_t last) override {
    return {client_.prepare_sample(sampler, n, from_now(first), from_now(last)).ticket};
  }
  void sample(Samples samples, std::span<Key> keys) override {
    client_.sample({samples.ticket}, keys);
  }
  Latches& latches(TableId table) override { return client_.latches(table); }
  void step(size_t examples) override;

  // How long the steps were stalled so far.
  Duration stalled() const { return pace_.stalled(); }

 private:
  Clock from_now(uint32_t steps) const {
    return client_.clock() + static_cast<int32_t>(std::min<uint32_t>(steps, 1U << 30));
  }

  Client& client_;
  StepPace pace_;
};

}  // namespace hemiola
