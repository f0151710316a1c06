// How good a linear model is; the other half of LinearTask.
#include <algorithm>
#include <cmath>

#include "hemiola/models/linear.h"
#include "hemiola/models/score_histogram.h"

namespace hemiola {
namespace {

constexpr TableId kWeights{0};
constexpr size_t kExamplesInPart = 8192;
constexpr size_t kAtOnce = 1024;  // examples or weights whose rows are fetched together

// Where the sums of an evaluation are.
enum Sum : size_t { kExamples, kLossSum, kRight, kNonzeros, kHistogram };

}  // namespace

// Calls use(example, score) for examples begin .. end - 1.
template <class Use>
void LinearTask::for_scores(const SparseSpans& data, size_t begin, size_t end, Parameters& params,
                            Use use) const {
  LinearStep reading;  // as if without optimiser state, which is not needed here
  LinearPass pass(kernels_, reading, data, {}, longest_);
  const auto direct = params.direct(kWeights);
  LinearFetch fetch(kWeights, Key{data_.features});
  std::vector<uint32_t> batch;
  for (; begin < end; begin += batch.size()) {
    batch.clear();
    for (size_t e = begin; e < std::min(end, begin + kAtOnce); ++e) {
      batch.push_back(static_cast<uint32_t>(e));
    }
    LinearPass::Rows rows;
    if (direct) {
      rows = {{nullptr, direct->base, direct->stride},
              direct->base + data_.features * direct->stride};
    } else {
      fetch.find(data, batch);
      fetch.fetch(params, Access::read);
      rows = {{fetch.at()}, fetch.bias()};
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      const uint32_t* numbers =
          direct ? data.index.data() + data.offset[batch[i]] : fetch.places(i);
      use(batch[i], pass.score(batch[i], numbers, rows));
    }
  }
}

// Calls use(weight) for the weights of features begin .. end - 1.
template <class Use>
void LinearTask::for_weights(size_t begin, size_t end, Parameters& params, Use use) const {
  std::vector<Key> keys;
  std::vector<float*> rows;
  for (; begin < end; begin += keys.size()) {
    keys.clear();
    for (size_t j = begin; j < std::min(end, begin + kAtOnce); ++j) {
      keys.push_back(Key{static_cast<uint32_t>(j)});
    }
    rows.resize(keys.size());
    params.rows(kWeights, keys, Access::read, rows);
    for (const float* row : rows) use(*row);
  }
}

uint32_t LinearTask::evaluation_parts() const {
  return static_cast<uint32_t>(
      std::max<size_t>(1, (data_.test.rows() + kExamplesInPart - 1) / kExamplesInPart));
}

size_t LinearTask::metric_sums() const {
  return kHistogram + (options_.loss == LinearLoss::logistic ? ScoreHistogram::kSums : 0);
}

void LinearTask::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  const size_t begin = std::min(part * kExamplesInPart, data_.test.rows());
  const size_t end = std::min(begin + kExamplesInPart, data_.test.rows());
  for_scores(data_.test, begin, end, params, [&](uint32_t example, float score) {
    const float label = data_.test.label[example];
    sums[kLossSum] += loss_of(score, label).value();
    if (options_.loss != LinearLoss::logistic) return;
    sums[kRight] += (score > 0) == (label > 0);
    ScoreHistogram::add(sums.subspan(kHistogram), score, label > 0);
  });
  sums[kExamples] += static_cast<double>(end - begin);
  if (options_.l1 > 0) {
    const size_t share = data_.features / evaluation_parts() + 1;
    for_weights(std::min<size_t>(part * share, data_.features),
                std::min<size_t>((part + 1) * share, data_.features), params,
                [&](float weight) { sums[kNonzeros] += weight != 0; });
  }
}

std::vector<Metric> LinearTask::metrics(std::span<const double> sums) const {
  std::vector<Metric> metrics;
  const double n = sums[kExamples];
  if (n > 0 && options_.loss == LinearLoss::logistic) {
    metrics.push_back({"log_loss", sums[kLossSum] / n});
    const double auc = ScoreHistogram::auc(sums.subspan(kHistogram));
    if (auc >= 0) metrics.push_back({"auc", auc});
    metrics.push_back({"accuracy", sums[kRight] / n});
  } else if (n > 0) {
    metrics.push_back({"rmse", std::sqrt(2 * sums[kLossSum] / n)});
  }
  if (options_.l1 > 0) metrics.push_back({"nonzeros", sums[kNonzeros]});
  return metrics;
}

double LinearTask::objective(Parameters& params) const {
  double loss = 0, penalty = 0;
  for_scores(data_.train, 0, data_.train.rows(), params, [&](uint32_t example, float score) {
    loss += loss_of(score, data_.train.label[example]).value();
  });
  for_weights(0, data_.features, params,
              [&](double w) { penalty += options_.l1 * std::abs(w) + options_.l2 / 2 * w * w; });
  return loss / static_cast<double>(data_.train.rows()) + penalty;
}

}  // namespace hemiola
