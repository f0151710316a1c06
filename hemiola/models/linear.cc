#include "hemiola/models/linear.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"
#include "hemiola/models/linear_pass.h"

namespace hemiola {
namespace {

constexpr TableId kWeights{0};
// The squared gradients that a weight starts with, so that its first steps, whose gradients are
// large, are not full ones.
constexpr float kFirstSquares = 1;
// Blocks are made of runs of consecutive examples taken from all over the data: the runs are
// read fast, and data that are sorted by label do no harm.
constexpr size_t kRun = 16;

const LinearKernels& kernels_here() {
#if defined(__x86_64__)
  if (simd_here() == Simd::avx512) return kLinearAvx512;
  if (simd_here() == Simd::avx2) return kLinearAvx2;
#endif
  return kLinearBaseline;
}

void check_rows(const char* which, const SparseSpans& data, uint32_t features, bool classes) {
  HEMIOLA_CHECK(data.rows() == 0 || data.offset.size() == data.rows() + 1);
  HEMIOLA_CHECK(data.value.empty() || data.value.size() == data.index.size());
  const auto fail = [&](size_t row, const std::string& what) {
    throw UserError("linear: " + std::string(which) + " example " + std::to_string(row) + what);
  };
  for (size_t r = 0; r < data.rows(); ++r) {
    HEMIOLA_CHECK(data.offset[r] <= data.offset[r + 1] && data.offset[r + 1] <= data.index.size());
    for (uint64_t i = data.offset[r]; i < data.offset[r + 1]; ++i) {
      if (data.index[i] >= features) {
        fail(r, " has feature " + std::to_string(data.index[i]) + ", but there are " +
                    std::to_string(features));
      }
      if (i > data.offset[r] && data.index[i] <= data.index[i - 1]) {
        fail(r, ": its features must ascend");
      }
    }
    if (classes && data.label[r] != 1 && data.label[r] != -1) {
      fail(r, " has the label " + std::to_string(data.label[r]) +
                  "; the logistic loss needs -1 or 1 (model.loss = \"squared\" takes any)");
    }
  }
}

LinearOptions with_defaults(LinearOptions o, size_t rows) {
  if (!(o.rate >= 0)) throw UserError("linear: train.rate must not be negative");
  if (!(o.l1 >= 0)) throw UserError("linear: model.l1 must not be negative");
  if (!(o.decay > 0)) throw UserError("linear: train.decay must be above 0");
  if (o.rate == 0) o.rate = o.optimizer == Optimizer::adagrad ? 0.1f : 0.02f;
  if (!(o.l2 >= 0)) o.l2 = o.loss == LinearLoss::logistic ? 3e-6f : 0;
  // Workers that train on the same weights at the same time overshoot together when a step is long.
  if (o.batch == 0) o.batch = static_cast<uint32_t>(std::clamp<size_t>(rows / 2048, 64, 512));
  if (o.block_examples == 0) {
    o.block_examples = static_cast<uint32_t>(std::clamp<size_t>(rows / 256, 1024, 1 << 20));
  }
  return o;
}

std::vector<float> penalties(const SparseSpans& data, uint32_t features) {
  std::vector<float> penalty(features, 0);
  for (const uint32_t j : data.index) ++penalty[j];
  for (float& p : penalty) p = p > 0 ? static_cast<float>(data.rows()) / p : 0;
  return penalty;
}

}  // namespace

LinearTask::LinearTask(const LinearData& data, const LinearOptions& options)
    : options_(with_defaults(options, data.train.rows())), data_(data), kernels_(kernels_here()) {
  if (data.train.rows() == 0) throw UserError("linear: there are no examples to train on");
  const bool classes = options_.loss == LinearLoss::logistic;
  check_rows("training", data.train, data.features, classes);
  check_rows("test", data.test, data.features, classes);
  for (const SparseSpans* d : {&data_.train, &data_.test}) {
    for (size_t r = 0; r < d->rows(); ++r) {
      longest_ = std::max<size_t>(longest_, d->offset[r + 1] - d->offset[r]);
    }
  }
  const size_t runs = (data.train.rows() + kRun - 1) / kRun;
  blocks_ = static_cast<uint32_t>(
      std::clamp<size_t>(data.train.rows() / options_.block_examples, 1, runs));
  if (options_.l1 > 0 || options_.l2 > 0) penalty_ = penalties(data.train, data.features);
}

std::vector<TableSpec> LinearTask::tables() const {
  TableSpec spec;
  spec.name = "weights";
  spec.rows = data_.features + 1;
  spec.row_length = options_.optimizer == Optimizer::adagrad ? 2 : 1;
  spec.value_columns = 1;
  spec.init.state = kFirstSquares;
  return {spec};
}

BlockPlan LinearTask::plan(uint32_t) const {
  BlockPlan plan;
  const size_t rows = data_.train.rows(), runs = (rows + kRun - 1) / kRun;
  for (uint32_t b = 0; b < blocks_; ++b) {
    size_t examples = (runs - b + blocks_ - 1) / blocks_ * kRun;
    if ((runs - 1) % blocks_ == b) examples -= runs * kRun - rows;
    plan.blocks.push_back({static_cast<uint32_t>(examples)});
  }
  return plan;
}

std::vector<uint32_t> LinearTask::examples_of(uint32_t block, uint32_t epoch) const {
  const size_t rows = data_.train.rows(), runs = (rows + kRun - 1) / kRun;
  std::vector<uint32_t> order;
  for (size_t run = block; run < runs; run += blocks_) order.push_back(static_cast<uint32_t>(run));
  Random random(mix(options_.seed, epoch, block));
  shuffle(order, random);
  std::vector<uint32_t> examples;
  examples.reserve(order.size() * kRun);
  for (const uint32_t run : order) {
    for (size_t e = run * kRun; e < std::min(rows, (run + 1) * kRun); ++e) {
      examples.push_back(static_cast<uint32_t>(e));
    }
  }
  return examples;
}

LinearStep LinearTask::step_for(uint32_t epoch) const {
  return {options_.optimizer == Optimizer::adagrad,
          options_.rate * std::pow(options_.decay, static_cast<float>(epoch)), options_.l1,
          options_.l2};
}

LossSum LinearTask::train(const Work& work, Parameters& params) const {
  const auto [block, epoch, next] = work;
  HEMIOLA_CHECK(block < blocks_);
  const auto examples = examples_of(block, epoch);
  const double sum = train_batches(examples, step_for(epoch), params);
  if (!std::isfinite(sum)) {
    throw UserError("linear: the loss is not a finite number in epoch " +
                    std::to_string(epoch + 1) + ": training diverged; lower train.rate (it is " +
                    std::to_string(options_.rate) + ") or scale the values of the data down");
  }
  return {sum, static_cast<double>(examples.size())};
}

double LinearTask::Loss::value() const { return plain + std::log(factor); }

LinearTask::Loss LinearTask::loss_of(float score, float label) const {
  if (options_.loss == LinearLoss::squared) {
    const double e = static_cast<double>(score) - label;
    return {e * e / 2, 1, score - label};
  }
  const float margin = score * label;
  const float small = std::exp(-std::abs(margin));  // never overflows
  const float wrong = margin > 0 ? small / (1 + small) : 1 / (1 + small);
  return {std::max(0.0f, -margin), 1.0 + small, -label * wrong};
}

template <class Numbers>
double LinearTask::train_batch(std::span<const uint32_t> batch, const LinearPass::Rows& rows,
                               Numbers numbers, Latches& latches, LinearPass& pass) const {
  const size_t ahead = pass.ahead();
  double sum = 0, product = 1;
  for (size_t i = 0; i < batch.size(); ++i) {
    // First what says where the rows are, then the rows.
    if (i + 3 * ahead < batch.size()) __builtin_prefetch(numbers(i + 3 * ahead));
    if (i + ahead < batch.size()) pass.prefetch(batch[i + ahead], numbers(i + ahead), rows);
    const Loss loss = loss_of(pass.score(batch[i], numbers(i), rows), data_.train.label[batch[i]]);
    pass.learn(loss.slope, rows, latches);
    sum += loss.plain;
    product *= loss.factor;
    if (product > 1e200) sum += std::log(std::exchange(product, 1));
  }
  return sum + std::log(product);
}

double LinearTask::train_batches(std::span<const uint32_t> left, const LinearStep& step,
                                 Parameters& params) const {
  const SparseSpans& data = data_.train;
  LinearPass pass(kernels_, step, data, penalty_, longest_);
  Latches& latches = params.latches(kWeights);
  const auto next_batch = [&] {
    const auto batch = left.first(std::min<size_t>(options_.batch, left.size()));
    left = left.subspan(batch.size());
    return batch;
  };
  double sum = 0;
  if (const auto all = params.direct(kWeights)) {
    const LinearPass::Rows rows{{nullptr, all->base, all->stride},
                                all->base + data_.features * all->stride};
    while (!left.empty()) {
      const auto batch = next_batch();
      const auto numbers = [&](size_t i) { return data.index.data() + data.offset[batch[i]]; };
      sum += train_batch(batch, rows, numbers, latches, pass);
      params.step(batch.size());
    }
    return sum;
  }
  LinearFetch fetch(kWeights, Key{data_.features});
  auto batch = next_batch();
  fetch.find(data, batch);
  while (!batch.empty()) {
    fetch.fetch(params, Access::write);
    const auto later = next_batch();
    if (!later.empty()) {
      fetch.find(data, later);
      params.intend(kWeights, fetch.keys(), 1, 2);
    }
    const auto numbers = [&](size_t i) { return fetch.places(i); };
    sum += train_batch(batch, {{fetch.at()}, fetch.bias()}, numbers, latches, pass);
    params.step(batch.size());
    batch = later;
  }
  return sum;
}

}  // namespace hemiola
