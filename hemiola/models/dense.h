// Dense nets over images: softmax regression, nets of full layers, small convolutional nets.
//
// One table per layer (dense_shape.h has its rows): "conv1", "conv2", ..., then "full1", ..., then
// "output". A row is its values, and with momentum or AdaGrad as many floats of state behind them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hemiola/models/dense_batches.h"
#include "hemiola/models/dense_rows.h"
#include "hemiola/models/optimizer.h"
#include "hemiola/models/task.h"

namespace hemiola {

struct DenseOptions {
  std::vector<uint32_t> filters;  // of the convolutions
  std::vector<uint32_t> hidden;   // outputs of the full layers before the last
  Optimizer optimizer = Optimizer::sgd;
  float momentum = 0;  // of sgd
  float rate = 0;      // 0: 0.1 for sgd, 0.02 with momentum, 0.01 for adagrad
  float decay = 1;     // the rate is multiplied by it after every epoch
  float l2 = 0;        // added to the gradient for each unit of a value, biases too
  uint32_t batch = 64;
  DenseBatches::Change change;  // of images, while training
  uint32_t workers = 1;         // how many blocks must be trainable side by side
  uint64_t seed = 1;
};

struct DenseData {
  DenseImages train, test;  // borrowed; must outlive the task
  DenseImageShape shape;
  uint32_t classes = 0;
};

class DenseTask : public Task {
 public:
  // Throws UserError when data or settings cannot be.
  DenseTask(const DenseData& data, const DenseOptions& options);

  std::vector<TableSpec> tables() const override;
  // height, width, channels, classes, convolutions; mean_C and deviation_C of the bytes of channel
  // C, by which they are normalised.
  std::map<std::string, double> facts() const override;
  // The cut is made for DenseOptions::workers; the argument changes nothing.
  BlockPlan plan(uint32_t workers) const override;
  // The loss is the cross-entropy. Throws UserError when it is not finite any more.
  LossSum train(const Work& work, Parameters& params) const override;

  uint32_t evaluation_parts() const override;
  size_t metric_sums() const override { return 3; }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  // accuracy (share of the images whose class had the highest score) and log_loss.
  std::vector<Metric> metrics(std::span<const double> sums) const override;

  const std::vector<DenseLayer>& layers() const { return layers_; }

 private:
  DenseStep step_for(uint32_t epoch) const;

  DenseOptions options_;
  DenseImageShape shape_;
  uint32_t classes_;
  std::vector<DenseLayer> layers_;
  DenseScale scale_;
  DenseBatches train_, test_;
  uint32_t block_;  // examples of a block
};

}  // namespace hemiola
