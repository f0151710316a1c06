#include "hemiola/models/kge_batch.h"

namespace hemiola {

KgeTrainer::KgeTrainer(const KgeShape& shape, const KgeOptions& options, const KgeKernels& kernels)
    : shape_(shape), options_(options), kernels_(kernels), questions_(shape, kernels) {}

float KgeTrainer::loss(float* scores, size_t n, float* positive) const {
  const KgeLossStep step{options_.margin, options_.temperature};
  switch (options_.loss) {
    case KgeLoss::softmax:
      return kernels_.softmax(scores, n, positive, step);
    case KgeLoss::logistic:
      return kernels_.logistic(scores, n, positive, step);
    case KgeLoss::self_adversarial:
      return kernels_.self_adversarial(scores, n, positive, step);
  }
  return 0;
}

KgeUpdate KgeTrainer::update_of(TableId table, float rate) const {
  KgeUpdate update;
  update.values = table == kKgeEntities ? shape_.values : shape_.relation_values;
  update.adagrad = options_.optimizer == Optimizer::adagrad;
  update.by_row = options_.state == KgeState::row;
  update.complex = shape_.complex;
  update.rate = rate;
  // Phases wind round, so their size says nothing.
  const bool penalised = table == kKgeEntities || shape_.scorer != KgeScorer::rotate;
  update.l2 = penalised ? options_.l2 : 0;
  update.n3 = penalised ? options_.n3 : 0;
  return update;
}

void KgeTrainer::spread(const KgeRows& relations) {
  if (!questions_.spreads()) return;
  spread_.resize(relations.size() * shape_.spread);
  for (size_t s = 0; s < relations.size(); ++s) {
    questions_.spread(relations[s], spread_.data() + s * shape_.spread);
  }
}

const float* KgeTrainer::relation(const KgeRows& relations, size_t slot) const {
  return questions_.spreads() ? spread_.data() + slot * shape_.spread : relations[slot];
}

void KgeTrainer::update_relations(const KgeRows& relations, float rate, float* d, size_t ld,
                                  Latches& latches) {
  const KgeUpdate step = update_of(kKgeRelations, rate);
  for (size_t s = 0; s < relations.size(); ++s, d += ld) {
    questions_.gather(relation(relations, s), d, d);
    KgeUpdate update = step;
    update.l2 *= static_cast<float>(relations.uses(s));
    update.n3 *= static_cast<float>(relations.uses(s));
    LatchGuard guard(latches, relations[s]);
    kernels_.update(relations[s], d, update);
  }
}

}  // namespace hemiola
