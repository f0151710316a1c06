#include "hemiola/average/error_feedback.h"

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {

size_t ErrorFeedback::encode(std::span<const float> x, Random& random, std::span<std::byte> out) {
  if (residual_.empty()) residual_.resize(x.size(), 0.0f);
  HEMIOLA_CHECK(residual_.size() == x.size());
  before_ = residual_;
  vec().add(residual_.data(), x.data(), x.size());
  const size_t used = codec_->encode(residual_, memory_, random, out);
  const Refusal refused = codec_->decode_add(out.first(used), -1.0f, residual_);
  HEMIOLA_CHECK(refused.empty());
  return used;
}

void ErrorFeedback::take_back(std::span<float> x, float times, bool unsent) {
  if (residual_.empty()) return;
  HEMIOLA_CHECK(residual_.size() == x.size());
  const std::vector<float>& left = unsent ? before_ : residual_;
  for (size_t i = 0; i < left.size(); ++i) x[i] += times * left[i];
  residual_.clear();
}

void ErrorFeedback::restore(std::vector<float> residual, CodecMemory memory) {
  residual_ = std::move(residual);
  memory_ = std::move(memory);
}

void ErrorFeedback::state(const std::string& name, StateFields& fields) {
  fields.floats(name + ".residual", residual_);
  fields.floats(name + ".memory", memory_.warm);
}

}  // namespace hemiola
