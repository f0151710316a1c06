// Workers that each have their own copy of all rows and add up what they changed after every
// step: the plainest way to train on several machines, against which defaults must be stable.
#pragma once

#include <barrier>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "hemiola/core/vec.h"
#include "hemiola/models/local_parameters.h"
#include "hemiola/models/task.h"

namespace hemiola {

class SummedParameters : public Parameters {
 public:
  struct Common {
    LocalTables& tables;
    std::barrier<> barrier;
    std::mutex mutex;
  };

  SummedParameters(Common& common, const std::vector<TableSpec>& specs)
      : common_(common),
        mine_(specs, false),
        floats_(mine_.all(TableId{0}).stride * specs[0].rows),
        base_(floats_),
        delta_(floats_) {
    vec().copy(base_.data(), common.tables.all(TableId{0}).base, floats_);
    vec().copy(mine_.all(TableId{0}).base, base_.data(), floats_);
  }

  std::optional<Direct> direct(TableId) override { return std::nullopt; }
  void rows(TableId table, std::span<const Key> keys, Access, std::span<float*> out) override {
    for (size_t i = 0; i < keys.size(); ++i) out[i] = mine_.row(table, keys[i]).data();
  }
  void intend(TableId, std::span<const Key>, uint32_t, uint32_t) override {}
  Samples prepare_sample(uint32_t, uint32_t, uint32_t, uint32_t) override { return {}; }
  void sample(Samples, std::span<Key>) override {}
  Latches& latches(TableId table) override { return mine_.latches(table); }

  void step(size_t) override {
    common_.barrier.arrive_and_wait();
    float* all = common_.tables.all(TableId{0}).base;
    float* value = mine_.all(TableId{0}).base;
    {
      std::lock_guard lock(common_.mutex);
      vec().take_delta(value, base_.data(), delta_.data(), floats_);
      vec().add(all, delta_.data(), floats_);
    }
    common_.barrier.arrive_and_wait();
    vec().refresh(value, base_.data(), all, floats_);
    common_.barrier.arrive_and_wait();
  }

  // Worker w trains on block w, w + workers, ... whoever else is at work on the same rows.
  static void train(const Task& task, LocalTables& tables, uint32_t workers, uint32_t epochs) {
    const BlockPlan plan = task.plan(workers);
    const auto specs = task.tables();
    Common common{tables, std::barrier<>(workers), {}};
    std::vector<std::jthread> threads;
    for (uint32_t w = 0; w < workers; ++w) {
      threads.emplace_back([&, w] {
        SummedParameters params(common, specs);
        for (uint32_t e = 0; e < epochs; ++e) {
          for (uint32_t b = w; b < plan.blocks.size(); b += workers) task.train({b, e, {}}, params);
        }
        common.barrier.arrive_and_drop();
      });
    }
  }

 private:
  Common& common_;
  LocalTables mine_;
  size_t floats_;
  std::vector<float> base_, delta_;
};

}  // namespace hemiola
