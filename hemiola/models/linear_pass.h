// One worker's way over sparse examples: the score of each, and the step that follows.
#pragma once

#include <span>
#include <vector>

#include "hemiola/core/latches.h"
#include "hemiola/models/linear_fetch.h"
#include "hemiola/models/linear_kernels.h"

namespace hemiola {

class LinearPass {
 public:
  // longest: entries of the longest example to come. penalty: by feature, or empty.
  LinearPass(const LinearKernels& kernels, const LinearStep& step, const SparseSpans& data,
             std::span<const float> penalty, size_t longest);

  struct Rows {
    RowPlaces places;
    float* bias = nullptr;
  };

  // `numbers`: of the example's rows, as `rows` counts them.
  void prefetch(uint32_t example, const uint32_t* numbers, const Rows& rows) const;
  float score(uint32_t example, const uint32_t* numbers, const Rows& rows);
  // Steps on the example last scored. With latches that are needed no change of another thread
  // is lost.
  void learn(float slope, const Rows& rows, Latches& latches);

  // How many examples ahead rows are to be fetched.
  size_t ahead() const { return ahead_; }

 private:
  size_t entries(uint32_t example) const {
    return data_.offset[example + 1] - data_.offset[example];
  }

  const LinearKernels& kernels_;
  LinearStep step_;
  const SparseSpans& data_;
  std::span<const float> penalty_;
  size_t ahead_;
  std::vector<float> buffer_;
  LinearEntries at_;  // in buffer_
  std::vector<float> example_penalty_;
  LinearExample example_;
};

}  // namespace hemiola
