#include "hemiola/core/distribution.h"

#include <cmath>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {

Distribution::Distribution(const SamplerSpec& spec)
    : first_(spec.first.value), count_(spec.count), weights_(spec.weights) {
  if (count_ == 0) throw UserError("sampler `" + spec.name + "` has no keys to draw from");
  if (!weights_) return;
  if (weights_->size() != count_) {
    throw UserError("sampler `" + spec.name + "` has " + std::to_string(weights_->size()) +
                    " weights for " + std::to_string(count_) + " keys");
  }
  for (const float w : *weights_) {
    if (!(w >= 0) || !std::isfinite(w)) {
      throw UserError("sampler `" + spec.name + "` has a weight that is negative or no number");
    }
    total_ += w;
  }
  if (total_ <= 0) throw UserError("sampler `" + spec.name + "` has no weight above zero");
  slots_.resize(count_);
  std::vector<double> share(count_);
  std::vector<uint32_t> small, large;
  for (uint32_t i = 0; i < count_; ++i) {
    share[i] = (*weights_)[i] / total_ * count_;
    (share[i] < 1 ? small : large).push_back(i);
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t poor = small.back(), rich = large.back();
    small.pop_back();
    slots_[poor] = {static_cast<uint32_t>(share[poor] * 0x1.0p32), rich};
    share[rich] -= 1 - share[poor];
    if (share[rich] >= 1) continue;
    large.pop_back();
    small.push_back(rich);
  }
  // What is left is full but for rounding; a key without weight is never left over alone.
  for (const uint32_t i : large) slots_[i].other = i;
  for (const uint32_t i : small) slots_[i].other = i;
}

double Distribution::probability(Key key) const {
  if (key.value < first_ || key.value - first_ >= count_) return 0;
  return weights_ ? (*weights_)[key.value - first_] / total_ : 1.0 / count_;
}

}  // namespace hemiola
