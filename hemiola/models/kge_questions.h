// From two rows of a triple to a question, and back from the question's gradient to theirs.
#pragma once

#include "hemiola/models/kge_kernels.h"
#include "hemiola/models/kge_shape.h"

namespace hemiola {

// Relations are spread: shape.spread floats, made by spread().
class KgeQuestions {
 public:
  KgeQuestions(const KgeShape& shape, const KgeKernels& kernels)
      : shape_(shape), kernels_(kernels) {}

  // `from` is the head for the side of tails, else the tail.
  void ask(KgeSide side, const float* from, const float* relation, float* q) const;
  // Adds the gradients of `from` and of the spread relation.
  void go_back(KgeSide side, const float* from, const float* relation, const float* dq,
               float* d_from, float* d_relation) const;

  // Whether spread() does more than copy.
  bool spreads() const { return shape_.scorer == KgeScorer::rotate; }
  void spread(const float* row, float* relation) const;
  // The gradient of the row from that of the spread relation; may be in place.
  void gather(const float* relation, const float* d_relation, float* d_row) const;

 private:
  // With a relation of its own, a question about the head is asked like one about the tail.
  bool forward(KgeSide side) const { return side == KgeSide::tail || shape_.reciprocal; }
  void rescal_back(bool forward, const float* from, const float* relation, const float* dq,
                   float* d_from, float* d_relation) const;

  const KgeShape& shape_;
  const KgeKernels& kernels_;
};

}  // namespace hemiola
