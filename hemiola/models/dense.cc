#include "hemiola/models/dense.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/models/dense_net.h"

namespace hemiola {
namespace {

constexpr uint32_t kTestImagesInPart = 1000, kTestBatch = 100;

void check_labels(const char* what, const DenseImages& images, const DenseData& data) {
  HEMIOLA_CHECK(images.pixels.size() == images.size() * data.shape.values());
  for (size_t i = 0; i < images.size(); ++i) {
    if (images.labels[i] >= data.classes) {
      throw UserError("dense: label " + std::to_string(images.labels[i]) + " of " + what +
                      " image " + std::to_string(i) + " is out of range: there are " +
                      std::to_string(data.classes) + " classes");
    }
  }
}

const DenseData& checked(const DenseData& data, const DenseOptions& o) {
  if (data.train.size() == 0) throw UserError("dense: there are no images to train on");
  check_labels("training", data.train, data);
  check_labels("test", data.test, data);
  if (o.batch == 0 || o.batch > 65'536) {
    throw UserError("dense: train.batch must be between 1 and 65536, not " +
                    std::to_string(o.batch));
  }
  if (!(o.rate >= 0) || !(o.decay > 0) || !(o.l2 >= 0)) {
    throw UserError(
        "dense: train.rate and model.l2 must not be negative, and train.decay must be above 0");
  }
  if (!(o.momentum >= 0 && o.momentum < 1)) {
    throw UserError("dense: train.momentum must be at least 0 and below 1, not " +
                    std::to_string(o.momentum));
  }
  return data;
}

DenseOptions with_defaults(DenseOptions o) {
  if (o.rate == 0) {
    o.rate = o.optimizer == Optimizer::adagrad ? 0.01f : o.momentum > 0 ? 0.02f : 0.1f;
  }
  return o;
}

// Whole batches, and about 16 blocks for each worker.
uint32_t block_for(size_t examples, const DenseOptions& o) {
  const size_t wanted = examples / 16 / std::max(1U, o.workers);
  return static_cast<uint32_t>(std::max<size_t>(1, wanted / o.batch) * o.batch);
}

}  // namespace

DenseTask::DenseTask(const DenseData& data, const DenseOptions& options)
    : options_(with_defaults(options)),
      shape_(data.shape),
      classes_(checked(data, options).classes),
      layers_(dense_layers(data.shape, options.filters, options.hidden, data.classes)),
      scale_(DenseScale::of(data.train.pixels, data.shape.channels)),
      train_(data.train, data.shape, scale_),
      test_(data.test, data.shape, scale_),
      block_(block_for(data.train.size(), options)) {}

std::vector<TableSpec> DenseTask::tables() const {
  std::vector<TableSpec> specs;
  const bool has_state = step_for(0).kind != DenseStep::Kind::sgd;
  uint32_t convs = 0, fulls = 0;
  for (const DenseLayer& layer : layers_) {
    TableSpec spec;
    const bool last = specs.size() + 1 == layers_.size();
    if (layer.kind == DenseLayer::Kind::conv) {
      spec.name = "conv" + std::to_string(++convs);
    } else {
      spec.name = last ? "output" : "full" + std::to_string(++fulls);
    }
    spec.rows = layer.rows();
    spec.value_columns = layer.outputs;
    spec.row_length = layer.outputs * (has_state ? 2 : 1);
    // He, Zhang, Ren, Sun: Delving Deep into Rectifiers, ICCV 2015, section 2.2; uniform instead of
    // normal. The last layer has no rectifier and begins smaller.
    const float limit = std::sqrt((layer.relu ? 6.f : 1.f) / static_cast<float>(layer.inputs()));
    spec.init.kind = Initialiser::Kind::uniform;
    spec.init.a = -limit;
    spec.init.b = limit;
    spec.init.seed = mix(options_.seed, specs.size());
    specs.push_back(spec);
  }
  return specs;
}

std::map<std::string, double> DenseTask::facts() const {
  std::map<std::string, double> facts = {
      {"height", shape_.height},
      {"width", shape_.width},
      {"channels", shape_.channels},
      {"classes", classes_},
      {"convolutions", static_cast<double>(options_.filters.size())}};
  for (size_t c = 0; c < scale_.mean.size(); ++c) {
    facts["mean_" + std::to_string(c)] = scale_.mean[c];
    facts["deviation_" + std::to_string(c)] = scale_.deviation[c];
  }
  return facts;
}

BlockPlan DenseTask::plan(uint32_t) const {
  BlockPlan plan;
  for (size_t begin = 0; begin < train_.size(); begin += block_) {
    plan.blocks.push_back({static_cast<uint32_t>(std::min<size_t>(block_, train_.size() - begin))});
  }
  return plan;
}

DenseStep DenseTask::step_for(uint32_t epoch) const {
  DenseStep step;
  if (options_.optimizer == Optimizer::adagrad) {
    step.kind = DenseStep::Kind::adagrad;
  } else if (options_.momentum > 0) {
    step.kind = DenseStep::Kind::momentum;
  }
  step.rate = options_.rate * std::pow(options_.decay, static_cast<float>(epoch));
  step.momentum = options_.momentum;
  step.l2 = options_.l2;
  return step;
}

LossSum DenseTask::train(const Work& work, Parameters& params) const {
  const size_t begin = size_t{work.block} * block_;
  HEMIOLA_CHECK(begin < train_.size());
  const size_t end = std::min<size_t>(begin + block_, train_.size());
  const DenseStep step = step_for(work.epoch);
  DenseNet net(layers_, dense_kernels(), std::min<size_t>(options_.batch, end - begin));
  DenseRows rows(layers_, params);
  rows.intend(static_cast<uint32_t>((end - begin + options_.batch - 1) / options_.batch));
  const bool in_place = rows.plain() && step.kind == DenseStep::Kind::sgd && step.l2 == 0;
  std::vector<uint8_t> batch(options_.batch);
  std::vector<bool> moved(layers_.size(), false);
  double loss = 0;
  for (size_t at = begin; at < end; at += options_.batch) {
    const size_t n = std::min<size_t>(options_.batch, end - at);
    const auto labels = std::span(batch).first(n);
    train_.fill_shuffled(options_.seed, work.epoch, at, options_.change, labels, net.input());
    const auto weights = rows.fetch(Access::write);
    net.forward(weights, n);
    loss += in_place ? net.backward_in_place(weights, labels, step.rate, moved).loss
                     : net.backward(weights, labels).loss;
    for (size_t l = 0; l < layers_.size(); ++l) {
      if (!moved[l]) rows.update(l, net.gradient(l), dense_kernels(), step);
    }
    params.step(n);
  }
  if (!std::isfinite(loss)) {
    throw UserError(
        "dense: the loss is not a finite number in epoch " + std::to_string(work.epoch + 1) +
        ": training diverged; lower train.rate (it is " + std::to_string(options_.rate) + ")");
  }
  return {loss, static_cast<double>(end - begin)};
}

uint32_t DenseTask::evaluation_parts() const {
  return static_cast<uint32_t>(
      std::max<size_t>(1, (test_.size() + kTestImagesInPart - 1) / kTestImagesInPart));
}

void DenseTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  const size_t begin = std::min<size_t>(size_t{part} * kTestImagesInPart, test_.size());
  const size_t end = std::min<size_t>(begin + kTestImagesInPart, test_.size());
  if (begin == end) return;
  DenseNet net(layers_, dense_kernels(), kTestBatch);
  DenseRows rows(layers_, params);
  const auto weights = rows.fetch(Access::read);
  std::vector<uint8_t> batch(kTestBatch);
  for (size_t at = begin; at < end; at += kTestBatch) {
    const auto labels = std::span(batch).first(std::min<size_t>(kTestBatch, end - at));
    test_.fill(at, labels, net.input());
    net.forward(weights, labels.size());
    const DenseNet::Outcome found = net.outcome(labels);
    sums[0] += found.right;
    sums[1] += found.loss;
    sums[2] += static_cast<double>(labels.size());
  }
}

std::vector<Metric> DenseTask::metrics(std::span<const double> sums) const {
  if (sums[2] == 0) return {};
  return {{"accuracy", sums[0] / sums[2]}, {"log_loss", sums[1] / sums[2]}};
}

}  // namespace hemiola
