// Linear models on sparse examples: logistic regression, and least squares (with L1: the Lasso).
//
// One table, "weights": a row for each feature, and one for the bias at the end. Columns: the
// weight, and with AdaGrad the sum of its squared gradients.
// What is minimised: mean loss + l1 |w| + l2 / 2 |w|^2, the bias left out of the penalties. A
// sparse example pays the penalties of its own features only, times examples / those that have
// the feature, so that over an epoch every weight pays its share.
#pragma once

#include <vector>

#include "hemiola/models/linear_fetch.h"
#include "hemiola/models/linear_pass.h"
#include "hemiola/models/optimizer.h"
#include "hemiola/models/task.h"

namespace hemiola {

enum class LinearLoss : uint8_t {
  logistic,  // log(1 + exp(-label * score)); labels are -1 and +1
  squared    // (score - label)^2 / 2
};

struct LinearOptions {
  LinearLoss loss = LinearLoss::logistic;
  Optimizer optimizer = Optimizer::adagrad;
  float rate = 0;   // 0: 0.1 for adagrad, 0.02 for sgd
  float decay = 1;  // the rate is multiplied by it after every epoch
  float l1 = 0;
  float l2 = -1;                // below 0: 3e-6 for the logistic loss, 0 for the squared one
  uint32_t batch = 0;           // examples in a step; 0: 64 to 512, by the number of examples
  uint32_t block_examples = 0;  // 0: chosen from the number of examples
  uint64_t seed = 1;
};

struct LinearData {
  SparseSpans train;  // both borrowed; must outlive the task
  SparseSpans test;
  uint32_t features = 0;
};

class LinearTask : public Task {
 public:
  // Throws UserError when the data do not fit the settings.
  LinearTask(const LinearData& data, const LinearOptions& options);

  std::vector<TableSpec> tables() const override;
  // The same for any number of workers.
  BlockPlan plan(uint32_t workers) const override;
  // Throws UserError when the loss is not finite any more.
  LossSum train(const Work& work, Parameters& params) const override;

  // logistic: log_loss, auc (when both classes occur), accuracy; squared: rmse. With l1 also
  // nonzeros: the weights that are not 0.
  uint32_t evaluation_parts() const override;
  size_t metric_sums() const override;
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  std::vector<Metric> metrics(std::span<const double> sums) const override;

  // What is minimised, on the training data.
  double objective(Parameters& params) const;

 private:
  // Of one example: plain + log(factor), so that many cost one logarithm.
  struct Loss {
    double plain = 0;
    double factor = 1;  // 1 .. 2
    float slope = 0;    // the derivative by the score
    double value() const;
  };
  Loss loss_of(float score, float label) const;
  LinearStep step_for(uint32_t epoch) const;
  std::vector<uint32_t> examples_of(uint32_t block, uint32_t epoch) const;
  double train_batches(std::span<const uint32_t> examples, const LinearStep& step,
                       Parameters& params) const;
  template <class Numbers>
  double train_batch(std::span<const uint32_t> batch, const LinearPass::Rows& rows, Numbers numbers,
                     Latches& latches, LinearPass& pass) const;
  template <class Use>
  void for_scores(const SparseSpans& data, size_t begin, size_t end, Parameters& params,
                  Use use) const;
  template <class Use>
  void for_weights(size_t begin, size_t end, Parameters& params, Use use) const;

  LinearOptions options_;
  LinearData data_;
  uint32_t blocks_;
  const LinearKernels& kernels_;
  size_t longest_ = 0;          // entries of the longest example
  std::vector<float> penalty_;  // by feature: examples / those that have it; empty: not needed
};

}  // namespace hemiola
