// Own negatives for each question: one triple after the other, and rows changed in place, as in
// stochastic gradient descent with batches of one. A batch is only what is fetched together.
#pragma once

#include "hemiola/models/kge_batch.h"

namespace hemiola {

class KgeOwn : public KgeTrainer {
 public:
  KgeOwn(const KgeShape& shape, const KgeOptions& options, const KgeKernels& kernels);
  double train(const KgeBatch& batch, Parameters& params) override;

 private:
  // Where the rows of a triple are.
  struct Places {
    float* entity[2] = {};              // the head, the tail
    float* relation[2] = {};            // as each side sees it
    float* const* negatives = nullptr;  // of the question about the tail, then of the other
  };

  void find_rows(const KgeBatch& batch, Parameters& params);
  Places places(size_t triple) const;
  void prefetch(size_t triple) const;
  double train_one(const Places& at, uint64_t seed, Parameters& params);
  double train_side(KgeSide side, const Places& at, unsigned seed, Latches& latches);
  void step_negatives(float* const* rows, Latches& latches);
  void update(float* row, float* gradient, const KgeUpdate& step, Latches& latches);

  size_t triples_ = 0;
  KgeUpdate entity_step_, negative_step_, relation_step_;
  std::vector<Key> entity_keys_, relation_keys_;
  std::vector<float*> entity_rows_, relation_rows_;
  std::vector<float> scores_, weights_, q_, dq_, d_row_, spread_;
  std::vector<float> d_entity_[2], d_relation_[2];
};

}  // namespace hemiola
