#include "hemiola/models/dense_net.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// log(sum of exp(score)) and, with `shares`, the softmax.
double log_sum(std::span<const float> scores, float* shares) {
  const float most = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (size_t c = 0; c < scores.size(); ++c) {
    const float e = std::exp(scores[c] - most);
    sum += e;
    if (shares) shares[c] = e;
  }
  if (shares) {
    for (size_t c = 0; c < scores.size(); ++c) shares[c] /= sum;
  }
  return most + static_cast<double>(std::log(sum));
}

void count(std::span<const float> scores, uint8_t label, double log_sum, DenseNet::Outcome& out) {
  HEMIOLA_CHECK(label < scores.size());
  out.loss += log_sum - static_cast<double>(scores[label]);
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  if (best == label) out.right += 1;
}

}  // namespace

DenseNet::DenseNet(const std::vector<DenseLayer>& layers, const DenseKernels& kernels,
                   size_t batch) {
  for (const DenseLayer& layer : layers) {
    works_.push_back(make_dense_work(layer, kernels, batch));
    planes_.emplace_back(layer.in, around_of(layer), batch);
  }
  planes_.emplace_back(layers.back().out(), 0, batch);
}

void DenseNet::forward(std::span<const RowPlaces> weights, size_t n) {
  for (size_t l = 0; l < works_.size(); ++l) {
    works_[l]->forward(weights[l], planes_[l], planes_[l + 1], n);
  }
}

DenseNet::Outcome DenseNet::outcome(std::span<const uint8_t> labels) const {
  Outcome out;
  for (size_t i = 0; i < labels.size(); ++i) {
    count(scores(i), labels[i], log_sum(scores(i), nullptr), out);
  }
  return out;
}

DenseNet::Outcome DenseNet::begin_backward(std::span<const uint8_t> labels) {
  if (d_.empty()) {
    const size_t batch = planes_.back().capacity();
    for (size_t l = 1; l < planes_.size(); ++l) {
      d_.emplace_back(batch * planes_[l].shape().values());
    }
  }
  Outcome out;
  for (size_t i = 0; i < labels.size(); ++i) {
    float* d = d_.back().data() + i * scores(i).size();
    count(scores(i), labels[i], log_sum(scores(i), d), out);
    d[labels[i]] -= 1;
  }
  return out;
}

DenseNet::Outcome DenseNet::backward(std::span<const RowPlaces> weights,
                                     std::span<const uint8_t> labels) {
  const Outcome out = begin_backward(labels);
  const float scale = 1 / static_cast<float>(labels.size());
  for (size_t l = works_.size(); l-- > 0;) {
    works_[l]->backward(weights[l], planes_[l], planes_[l + 1], d_[l].data(),
                        l > 0 ? d_[l - 1].data() : nullptr, labels.size(), scale);
  }
  return out;
}

DenseNet::Outcome DenseNet::backward_in_place(std::span<const RowPlaces> weights,
                                              std::span<const uint8_t> labels, float rate,
                                              std::vector<bool>& moved) {
  const Outcome out = begin_backward(labels);
  const float scale = 1 / static_cast<float>(labels.size());
  moved.assign(works_.size(), true);
  for (size_t l = works_.size(); l-- > 0;) {
    float* d_in = l > 0 ? d_[l - 1].data() : nullptr;
    if (works_[l]->backward_in_place(weights[l], planes_[l], planes_[l + 1], d_[l].data(), d_in,
                                     labels.size(), -rate * scale)) {
      continue;
    }
    moved[l] = false;
    works_[l]->backward(weights[l], planes_[l], planes_[l + 1], d_[l].data(), d_in, labels.size(),
                        scale);
  }
  return out;
}

}  // namespace hemiola
