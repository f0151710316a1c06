// What a task is: its tables, the blocks that its training data are cut into, a pass over one
// block, and a measure of quality. One file per task implements it.
//
// A task holds only data and settings; all that is learnt lives in the tables. So one Task object
// is shared by all workers of a node, and its const methods are called from several threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/core/block_plan.h"
#include "hemiola/core/distribution.h"
#include "hemiola/core/table_spec.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

struct Metric {
  std::string name;  // "rmse", "log_loss", "auc", "accuracy"
  double value = 0;
};

// Sum of the training loss over the examples seen, as they were seen (before each update).
struct LossSum {
  double sum = 0;
  double examples = 0;
};

// A block to train on. `next` is what this worker gets after it, when that is known, so that a
// task can say ahead of time which rows the first steps of it will want.
struct Work {
  uint32_t block = 0;
  uint32_t epoch = 0;  // from 0
  std::optional<uint32_t> next;
};

class Task {
 public:
  virtual ~Task() = default;

  // In order of TableId.
  virtual std::vector<TableSpec> tables() const = 0;

  // Numbers that those who use the tables afterwards must know, by name.
  virtual std::map<std::string, double> facts() const { return {}; }

  // The distributions that train() draws keys from, by Parameters::sample.
  virtual std::vector<SamplerSpec> samplers() const { return {}; }

  // Whether Work::next helps: a worker then holds one block more than it works on.
  virtual bool looks_ahead() const { return false; }

  // How the training data are dealt out; a pure function of data, settings and `workers`.
  virtual BlockPlan plan(uint32_t workers) const = 0;

  // Trains on one block: reads rows, changes them in place, and calls params.step() after every
  // `batch` examples and at the end of the block.
  virtual LossSum train(const Work& work, Parameters& params) const = 0;

  // Evaluation is cut into parts that workers share. A part adds into `sums`, which has
  // metric_sums() entries and starts at zero; sums of all parts, added up, give the metrics.
  virtual uint32_t evaluation_parts() const = 0;
  virtual size_t metric_sums() const = 0;
  virtual void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const = 0;
  virtual std::vector<Metric> metrics(std::span<const double> sums) const = 0;
};

}  // namespace hemiola
