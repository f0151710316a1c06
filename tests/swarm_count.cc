#include "tests/swarm_count.h"

#include <algorithm>
#include <utility>

#include "hemiola/core/random.h"

namespace hemiola::swarm {
namespace {

constexpr uint32_t kBlocks = 48;
constexpr uint32_t kSteps = 4;  // in each
constexpr uint32_t kBatch = 8;  // examples in a step
constexpr uint32_t kRowsOfAStep = 5;
constexpr uint32_t kParts = 4;  // of looking on
constexpr TableId kTable{0};

class CountTask : public Task {
 public:
  CountTask(Ledger* ledger, CountHooks hooks) : ledger_(ledger), hooks_(std::move(hooks)) {}

  std::vector<TableSpec> tables() const override {
    TableSpec spec;
    spec.name = "counts";
    spec.rows = kCountedRows;
    spec.row_length = kCountedLives;
    return {spec};
  }
  BlockPlan plan(uint32_t) const override {
    BlockPlan plan;
    plan.blocks.assign(kBlocks, {.examples = kSteps * kBatch});
    return plan;
  }

  LossSum train(const Work& work, Parameters& params) const override {
    Random random(mix(work.block, work.epoch, hooks_.life));
    for (uint32_t s = 0; s < kSteps; ++s) {
      std::vector<Key> keys;
      for (uint32_t i = 0; i < kRowsOfAStep; ++i) {
        keys.push_back(Key{static_cast<uint32_t>(random.below(kCountedRows))});
      }
      std::vector<float*> rows(keys.size());
      params.rows(kTable, keys, Access::write, rows);
      for (size_t i = 0; i < keys.size() && hooks_.life < kCountedLives; ++i) {
        rows[i][hooks_.life] += 1;
        ledger_->added(hooks_.life, keys[i], hooks_.now());
      }
      params.step(kBatch);
    }
    return {0, kSteps * kBatch};
  }

  uint32_t evaluation_parts() const override { return kParts; }
  size_t metric_sums() const override { return 1; }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override {
    for (uint32_t k = part; k < kCountedRows; k += kParts) {
      const Key key{k};
      float* row = nullptr;
      params.rows(kTable, {&key, 1}, Access::read, {&row, 1});
      hooks_.look(key, row);
      ++sums[0];
    }
  }
  std::vector<Metric> metrics(std::span<const double> sums) const override {
    return {{"rows", sums[0]}};
  }

 private:
  Ledger* ledger_;
  CountHooks hooks_;
};

}  // namespace

std::string Ledger::check(uint32_t life, Key row, float value, Presence presence, Instant safe) {
  ++checks_;
  Cell& c = cell(life, row);
  const auto in = static_cast<int64_t>(value);
  const auto all = static_cast<int64_t>(c.when.size());
  int64_t least = 0;
  if (presence == Presence::here) least = all;
  if (presence == Presence::gone) {
    const auto old = std::lower_bound(c.when.begin(), c.when.end(), safe) - c.when.begin();
    least = std::max<int64_t>(c.seen, old);
  }
  if (static_cast<float>(in) == value && in >= least && in <= all) {
    if (presence == Presence::gone) c.seen = in;
    return "";
  }
  return "row " + std::to_string(row.value) + " holds " + std::to_string(value) +
         " updates of process " + std::to_string(life + 1) + ", which made " + std::to_string(all) +
         ", of which " + std::to_string(least) + " must be in";
}

uint64_t Ledger::additions() const {
  uint64_t sum = 0;
  for (const Cell& c : cells_) sum += c.when.size();
  return sum;
}

std::unique_ptr<Task> count_task(Ledger* ledger, CountHooks hooks) {
  return std::make_unique<CountTask>(ledger, std::move(hooks));
}

}  // namespace hemiola::swarm
