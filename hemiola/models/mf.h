// Matrix factorisation: rating = mean + user's bias + item's bias + user's row . item's row.
//
// One table, "factors": first a row for each user, then one for each item. Columns: the factors,
// the bias, and with AdaGrad the sum of squared gradients of the row (mf_simd.h names the paper).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hemiola/models/mf_cut.h"
#include "hemiola/models/mf_fetch.h"
#include "hemiola/models/optimizer.h"
#include "hemiola/models/task.h"

namespace hemiola {

struct MfOptions {
  uint32_t factors = 16;
  bool biases = true;
  Optimizer optimizer = Optimizer::adagrad;
  float rate = 0;            // 0: 0.05 for adagrad, 0.01 for sgd
  float decay = 1;           // the rate is multiplied by it after every epoch
  float l2 = 0.05f;          // penalty of a rating's two rows, for each rating
  float bias_l2 = 0.02f;     // the same of the biases
  float init_scale = 0.03f;  // factors begin within +- this; larger: a faster start, a worse end
  uint32_t batch = 0;        // ratings in a step; 0: a block, or for several workers about a
                             // hundredth of a worker's share, so that stale rows do no harm
  uint32_t groups = 0;       // of users, and of items; 0: chosen for `workers` and the data
  uint32_t workers = 1;      // how many blocks must be trainable side by side; for groups = 0
  uint64_t seed = 1;
};

struct MfData {
  RatingSpans train;  // copied; may go after the constructor
  RatingSpans test;   // borrowed; must outlive the task
  uint32_t users = 0;
  uint32_t items = 0;
};

class MfTask : public Task {
 public:
  // Throws UserError when an id is out of range or a setting cannot be.
  MfTask(const MfData& data, const MfOptions& options);

  std::vector<TableSpec> tables() const override;
  // users, items, factors, biases (0 or 1), mean.
  std::map<std::string, double> facts() const override;
  // The cut is made for MfOptions::workers; the argument changes nothing.
  BlockPlan plan(uint32_t workers) const override;
  // The loss is the squared error. Throws UserError when it is not finite any more.
  LossSum train(const Work& work, Parameters& params) const override;

  uint32_t evaluation_parts() const override;
  size_t metric_sums() const override { return 2; }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  std::vector<Metric> metrics(std::span<const double> sums) const override;

  float mean() const { return mean_; }

 private:
  MfStep step_for(uint32_t epoch) const;
  MfGroup users_of(uint32_t block) const;
  MfGroup items_of(uint32_t block) const;
  double train_direct(uint32_t block, const MfStep& step, Parameters::Direct rows,
                      Parameters& params) const;
  double train_fetched(uint32_t block, const MfStep& step, Parameters& params) const;
  double train_part(std::span<const MfRating> part, const RowPlaces& users, const RowPlaces& items,
                    const MfStep& step, Latches& latches) const;

  MfOptions options_;
  MfCut cut_;
  RatingSpans test_;
  uint32_t users_;
  uint32_t items_;
  float mean_ = 0;
  const MfKernels& kernels_;
};

}  // namespace hemiola
