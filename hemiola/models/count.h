// Counts its examples: a model whose result is known, so that a cluster can be tried for what it
// loses. Each example adds 1 to a row of its own and to one of kHot rows that all share.
//
// Floats hold whole numbers up to 2^24 exactly. What a worker had done of a block when its node
// died is counted twice when the block is done again; nothing may be missing.
#pragma once

#include "hemiola/models/task.h"

namespace hemiola {

struct CountOptions {
  uint32_t examples = 100'000;
  uint32_t epochs = 1;  // after which each example was counted so often
  uint32_t batch = 64;
  uint32_t block = 1000;  // examples
};

class CountTask final : public Task {
 public:
  static constexpr TableId kOwn{0}, kShared{1};
  static constexpr uint32_t kHot = 64;

  // Throws UserError: more examples than can be counted exactly.
  explicit CountTask(const CountOptions& options);

  std::vector<TableSpec> tables() const override;
  BlockPlan plan(uint32_t workers) const override;
  LossSum train(const Work& work, Parameters& params) const override;

  // What is missing of epochs x examples, and what is more, in either table.
  uint32_t evaluation_parts() const override { return kParts; }
  size_t metric_sums() const override { return 2; }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  std::vector<Metric> metrics(std::span<const double> sums) const override;

 private:
  static constexpr uint32_t kParts = 16;

  void compare(TableId table, std::span<const Key> keys, Parameters& params,
               std::span<double> sums) const;
  double expected(TableId table, Key key) const;

  CountOptions options_;
};

}  // namespace hemiola
