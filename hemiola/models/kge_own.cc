#include "hemiola/models/kge_own.h"

#include <algorithm>

#include "hemiola/core/random.h"

namespace hemiola {

KgeOwn::KgeOwn(const KgeShape& shape, const KgeOptions& options, const KgeKernels& kernels)
    : KgeTrainer(shape, options, kernels),
      scores_(options.negatives + 1),
      weights_(options.negatives + 1),
      q_(shape.values),
      dq_(shape.values),
      d_row_(shape.values) {
  for (auto& d : d_entity_) d.resize(shape.values);
  for (auto& d : d_relation_) d.resize(std::max(shape.spread, shape.relation_values));
  if (questions_.spreads()) spread_.resize(shape.spread);
}

double KgeOwn::train(const KgeBatch& batch, Parameters& params) {
  find_rows(batch, params);
  entity_step_ = negative_step_ = update_of(kKgeEntities, batch.rate);
  negative_step_.l2 = negative_step_.n3 = 0;
  relation_step_ = update_of(kKgeRelations, batch.rate);
  double sum = 0;
  for (size_t i = 0; i < triples_; ++i) {
    if (i + 1 < triples_) prefetch(i + 1);
    sum += train_one(places(i), mix(batch.seed, i), params);
  }
  return sum;
}

void KgeOwn::find_rows(const KgeBatch& batch, Parameters& params) {
  triples_ = batch.triples.size();
  entity_keys_.clear();
  relation_keys_.clear();
  for (const KgeTriple& t : batch.triples) {
    entity_keys_.push_back(Key{t.head});
    entity_keys_.push_back(Key{t.tail});
    for (const KgeSide side : kKgeSides) {
      relation_keys_.push_back(Key{shape_.relation_row(side, t.relation)});
    }
  }
  entity_keys_.insert(entity_keys_.end(), batch.negatives.begin(), batch.negatives.end());
  entity_rows_.resize(entity_keys_.size());
  relation_rows_.resize(relation_keys_.size());
  kge_fetch(kKgeEntities, entity_keys_, Access::write, params, entity_rows_);
  kge_fetch(kKgeRelations, relation_keys_, Access::write, params, relation_rows_);
}

KgeOwn::Places KgeOwn::places(size_t triple) const {
  return {{entity_rows_[2 * triple], entity_rows_[2 * triple + 1]},
          {relation_rows_[2 * triple], relation_rows_[2 * triple + 1]},
          entity_rows_.data() + 2 * triples_ + 2 * triple * options_.negatives};
}

void KgeOwn::prefetch(size_t triple) const {
  const KgeUpdate& step = entity_step_;
  const size_t length = step.values + (step.adagrad ? (step.by_row ? 1 : step.values) : 0);
  const Places at = places(triple);
  for (float* const row : at.entity) kernels_.prefetch(row, length);
  for (size_t j = 0; j < 2 * options_.negatives; ++j) kernels_.prefetch(at.negatives[j], length);
}

double KgeOwn::train_one(const Places& at, uint64_t seed, Parameters& params) {
  for (auto& d : d_entity_) std::fill(d.begin(), d.end(), 0.0f);
  std::fill(d_relation_[0].begin(), d_relation_[0].end(), 0.0f);
  if (shape_.reciprocal) std::fill(d_relation_[1].begin(), d_relation_[1].end(), 0.0f);
  Latches& latches = params.latches(kKgeEntities);
  double sum = 0;
  for (const KgeSide side : kKgeSides) {
    sum += train_side(side, at, static_cast<unsigned>(mix(seed, side == KgeSide::head)), latches);
  }
  for (size_t e = 0; e < 2; ++e) update(at.entity[e], d_entity_[e].data(), entity_step_, latches);
  for (size_t s = 0; s < (shape_.reciprocal ? 2 : 1); ++s) {
    float* d = d_relation_[s].data();
    if (questions_.spreads()) questions_.spread(at.relation[s], spread_.data());
    questions_.gather(spread_.data(), d, d);
    update(at.relation[s], d, relation_step_, params.latches(kKgeRelations));
  }
  return sum;
}

double KgeOwn::train_side(KgeSide side, const Places& at, unsigned seed, Latches& latches) {
  const size_t n = options_.negatives, s = side == KgeSide::tail ? 0 : 1;
  float *const from = at.entity[s], *const answer = at.entity[1 - s];
  float* const* negatives = at.negatives + s * n;
  const float* relation = at.relation[s];
  if (questions_.spreads()) {
    questions_.spread(at.relation[s], spread_.data());
    relation = spread_.data();
  }
  questions_.ask(side, from, relation, q_.data());
  if (options_.dropout > 0) kernels_.drop(q_.data(), shape_.values, options_.dropout, seed);

  kernels_.match(shape_.match, q_.data(), {negatives}, n, shape_.values, scores_.data());
  kernels_.match(shape_.match, q_.data(), {&from}, 1, shape_.values, &scores_[n]);
  weights_ = scores_;
  bool counted = from == answer;
  for (size_t j = 0; j < n; ++j) {
    if (negatives[j] == answer) weights_[j] = kKgeNoScore;
    counted = counted || negatives[j] == from;
  }
  if (counted) weights_[n] = kKgeNoScore;
  float score = 0;
  kernels_.match(shape_.match, q_.data(), {&answer}, 1, shape_.values, &score);
  float weight = score;
  const double sum = loss(weights_.data(), n + 1, &weight);

  std::fill(dq_.begin(), dq_.end(), 0.0f);
  step_negatives(negatives, latches);
  kernels_.match_gradient(shape_.match, q_.data(), answer, shape_.values, score, weight, dq_.data(),
                          d_entity_[1 - s].data());
  if (weights_[n] != 0) {
    kernels_.match_gradient(shape_.match, q_.data(), from, shape_.values, scores_[n], weights_[n],
                            dq_.data(), d_entity_[s].data());
  }
  if (options_.dropout > 0) kernels_.drop(dq_.data(), shape_.values, options_.dropout, seed);
  questions_.go_back(side, from, relation, dq_.data(), d_entity_[s].data(),
                     d_relation_[shape_.reciprocal ? s : 0].data());
  return sum;
}

void KgeOwn::step_negatives(float* const* rows, Latches& latches) {
  for (size_t j = 0; j < options_.negatives; ++j) {
    std::fill(d_row_.begin(), d_row_.end(), 0.0f);
    kernels_.match_gradient(shape_.match, q_.data(), rows[j], shape_.values, scores_[j],
                            weights_[j], dq_.data(), d_row_.data());
    update(rows[j], d_row_.data(), negative_step_, latches);
  }
}

void KgeOwn::update(float* row, float* gradient, const KgeUpdate& step, Latches& latches) {
  LatchGuard guard(latches, row);
  kernels_.update(row, gradient, step);
}

}  // namespace hemiola
