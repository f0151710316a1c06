// One set of negatives for all questions of a batch: matrix products, and one change of each row.
#pragma once

#include "hemiola/core/arena.h"
#include "hemiola/models/kge_batch.h"

namespace hemiola {

class KgeShared : public KgeTrainer {
 public:
  using KgeTrainer::KgeTrainer;
  double train(const KgeBatch& batch, Parameters& params) override;

 private:
  struct Slots {
    uint32_t head = 0, tail = 0;
    uint32_t relation[2] = {};  // by side

    uint32_t from(KgeSide side) const { return side == KgeSide::tail ? head : tail; }
    uint32_t answer(KgeSide side) const { return side == KgeSide::tail ? tail : head; }
  };
  // One question of the chunk at work: its triple, its side and its row in the matrices.
  struct Question {
    const Slots& slots;
    KgeSide side;
    size_t row;
    unsigned seed;
  };

  template <class Use>
  void for_questions(const KgeBatch& batch, size_t first, size_t count, Use use);
  void find_rows(const KgeBatch& batch);
  void make_room();
  void pack_negatives();
  double train_chunk(const KgeBatch& batch, size_t first, size_t count);
  void ask(const Question& question);
  void score(size_t questions);
  double weigh(const Question& question);
  void pull_on_negatives(size_t questions);
  void pull_straight(size_t questions);
  void go_back(const Question& question);
  void finish_negatives();
  void update_entities(float rate, Latches& latches);
  bool straight() const { return shape_.match == KgeMatch::dot || shape_.match == KgeMatch::l2; }

  size_t negatives_ = 0;  // they have the first slots
  size_t ld_ = 0, ld_scores_ = 0, ld_relation_ = 0;
  KgeRows entities_{kKgeEntities}, relations_{kKgeRelations};
  std::vector<Slots> slots_;
  std::vector<float> positive_scores_, positive_weights_, start_scores_, start_weights_;
  // By question of a chunk: the question, its gradient, the scores of negatives and then the
  // loss's gradients by them.
  Arena<float> q_, dq_, scores_, packed_q_;
  // By negative: as columns and as rows of matrices.
  Arena<float> columns_, rows_;
  Arena<float> d_entities_, d_relations_;  // by slot
  // l2 only: scores as they were, squares of negatives, and the sum of each one's weights.
  std::vector<float> kept_, squares_, weight_sums_;
};

}  // namespace hemiola
