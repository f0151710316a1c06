#include "hemiola/models/kge_shared.h"

#include <algorithm>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr size_t kTriplesInChunk = 48;
constexpr size_t kQuestionsInChunk = 2 * kTriplesInChunk;
constexpr size_t kAhead = 4;  // rows, on their way into the cache

void at_least(Arena<float>& arena, size_t floats) {
  if (arena.size() < floats) arena = Arena<float>(floats + floats / 8);
}

}  // namespace

double KgeShared::train(const KgeBatch& batch, Parameters& params) {
  find_rows(batch);
  entities_.fetch(params, Access::write);
  relations_.fetch(params, Access::write);
  make_room();
  spread(relations_);
  pack_negatives();
  double sum = 0;
  for (size_t first = 0; first < batch.triples.size(); first += kTriplesInChunk) {
    sum += train_chunk(batch, first, std::min(kTriplesInChunk, batch.triples.size() - first));
  }
  finish_negatives();
  update_entities(batch.rate, params.latches(kKgeEntities));
  update_relations(relations_, batch.rate, d_relations_.data(), ld_relation_,
                   params.latches(kKgeRelations));
  return sum;
}

// A key that is drawn twice is one negative.
void KgeShared::find_rows(const KgeBatch& batch) {
  entities_.clear();
  relations_.clear();
  slots_.resize(batch.triples.size());
  for (const Key key : batch.negatives) entities_.slot(key);
  negatives_ = entities_.size();
  for (size_t i = 0; i < slots_.size(); ++i) {
    const KgeTriple& t = batch.triples[i];
    slots_[i].head = entities_.use(Key{t.head});
    slots_[i].tail = entities_.use(Key{t.tail});
    slots_[i].relation[0] = relations_.use(Key{shape_.relation_row(KgeSide::tail, t.relation)});
    const uint32_t other = shape_.relation_row(KgeSide::head, t.relation);
    slots_[i].relation[1] = shape_.reciprocal ? relations_.use(Key{other}) : slots_[i].relation[0];
  }
}

void KgeShared::make_room() {
  ld_ = KgeShape::ld(shape_.values);
  ld_scores_ = KgeShape::ld(negatives_ + 1);
  ld_relation_ = KgeShape::ld(std::max(shape_.spread, shape_.relation_values));
  at_least(q_, kQuestionsInChunk * ld_);
  at_least(dq_, kQuestionsInChunk * ld_);
  at_least(scores_, kQuestionsInChunk * ld_scores_);
  at_least(packed_q_, kQuestionsInChunk * KgeShape::panels(shape_.values));
  at_least(columns_, KgeShape::panels(negatives_) * shape_.values);
  at_least(rows_, negatives_ * ld_);
  at_least(d_entities_, entities_.size() * ld_);
  at_least(d_relations_, relations_.size() * ld_relation_);
  std::fill_n(d_entities_.data(), entities_.size() * ld_, 0.0f);
  std::fill_n(d_relations_.data(), relations_.size() * ld_relation_, 0.0f);
  for (auto* by_question :
       {&positive_scores_, &positive_weights_, &start_scores_, &start_weights_}) {
    by_question->resize(kQuestionsInChunk);
  }
  if (shape_.match == KgeMatch::l2) {
    kept_.resize(kQuestionsInChunk * ld_scores_);
    squares_.resize(ld_scores_);
    weight_sums_.assign(ld_scores_, 0);
  }
}

void KgeShared::pack_negatives() {
  const size_t n = shape_.values;
  const RowPlaces places{entities_.at()};
  kernels_.pack_columns(places, negatives_, n, columns_.data());
  if (straight()) {
    kernels_.pack_rows(places, negatives_, n, rows_.data());
  } else {
    for (size_t j = 0; j < negatives_; ++j) vec().copy(rows_.data() + j * ld_, entities_[j], n);
  }
  if (shape_.match == KgeMatch::l2) {
    for (size_t j = 0; j < negatives_; ++j) {
      squares_[j] = vec().dot(entities_[j], entities_[j], n);
    }
  }
}

template <class Use>
void KgeShared::for_questions(const KgeBatch& batch, size_t first, size_t count, Use use) {
  for (const KgeSide side : kKgeSides) {
    const size_t s = side == KgeSide::tail ? 0 : 1;
    for (size_t i = 0; i < count; ++i) {
      const auto seed = static_cast<unsigned>(mix(batch.seed, 2 * (first + i) + s));
      use(Question{slots_[first + i], side, s * count + i, seed});
    }
  }
}

double KgeShared::train_chunk(const KgeBatch& batch, size_t first, size_t count) {
  double sum = 0;
  for (size_t i = first; i < std::min(first + count + kAhead, slots_.size()); ++i) {
    kernels_.prefetch(entities_[slots_[i].head], shape_.values);
    kernels_.prefetch(entities_[slots_[i].tail], shape_.values);
  }
  for_questions(batch, first, count, [&](const Question& q) { ask(q); });
  score(2 * count);
  for_questions(batch, first, count, [&](const Question& q) { sum += weigh(q); });
  pull_on_negatives(2 * count);
  for_questions(batch, first, count, [&](const Question& q) { go_back(q); });
  return sum;
}

void KgeShared::ask(const Question& question) {
  const auto& [slots, side, row, seed] = question;
  float* q = q_.data() + row * ld_;
  questions_.ask(side, entities_[slots.from(side)],
                 relation(relations_, slots.relation[side == KgeSide::tail ? 0 : 1]), q);
  if (options_.dropout > 0) kernels_.drop(q, shape_.values, options_.dropout, seed);
}

void KgeShared::score(size_t questions) {
  const size_t n = shape_.values;
  float* scores = scores_.data();
  if (!straight()) {
    return kernels_.distances(shape_.match, q_.data(), ld_, questions, n, columns_.data(),
                              negatives_, scores, ld_scores_);
  }
  kernels_.multiply(q_.data(), ld_, 1, questions, n, columns_.data(), negatives_, scores,
                    ld_scores_, false);
  if (shape_.match != KgeMatch::l2) return;
  for (size_t i = 0; i < questions; ++i, scores += ld_scores_) {
    const float* q = q_.data() + i * ld_;
    kernels_.from_dots(scores, negatives_, vec().dot(q, q, n), squares_.data());
    vec().copy(kept_.data() + i * ld_scores_, scores, negatives_);
  }
}

// From scores to the loss's gradients by them.
double KgeShared::weigh(const Question& question) {
  const auto& [slots, side, row, seed] = question;
  const uint32_t answer = slots.answer(side);
  float* scores = scores_.data() + row * ld_scores_;
  float* const at = entities_[answer];
  kernels_.match(shape_.match, q_.data() + row * ld_, {&at}, 1, shape_.values,
                 &positive_scores_[row]);
  if (answer < negatives_) scores[answer] = kKgeNoScore;
  // The entity that the question starts from is one more negative, in the column behind.
  const uint32_t from = slots.from(side);
  float* const start = entities_[from];
  kernels_.match(shape_.match, q_.data() + row * ld_, {&start}, 1, shape_.values,
                 &start_scores_[row]);
  const bool counted = from < negatives_ || from == answer;
  scores[negatives_] = counted ? kKgeNoScore : start_scores_[row];
  positive_weights_[row] = positive_scores_[row];
  const double sum = loss(scores, negatives_ + 1, &positive_weights_[row]);
  start_weights_[row] = scores[negatives_];
  return sum;
}

void KgeShared::pull_on_negatives(size_t questions) {
  if (straight()) return pull_straight(questions);
  std::fill_n(dq_.data(), questions * ld_, 0.0f);
  kernels_.distance_gradients(shape_.match, q_.data(), ld_, questions, shape_.values, rows_.data(),
                              ld_, negatives_, scores_.data(), ld_scores_, dq_.data(),
                              d_entities_.data());
}

// With v the weight by a negative e, for l2 divided by its distance, the gradient of q is the sum
// of v e, for l2 of v (e - q), and that of e likewise.
void KgeShared::pull_straight(size_t questions) {
  const size_t n = shape_.values;
  float* w = scores_.data();
  std::vector<float> sums(questions);
  if (shape_.match == KgeMatch::l2) {
    for (size_t i = 0; i < questions; ++i) {
      sums[i] = kernels_.by_distance(w + i * ld_scores_, kept_.data() + i * ld_scores_, negatives_);
      vec().add(weight_sums_.data(), w + i * ld_scores_, negatives_);
    }
  }
  kernels_.multiply(w, ld_scores_, 1, questions, negatives_, rows_.data(), n, dq_.data(), ld_,
                    false);
  kernels_.pack_rows({nullptr, q_.data(), ld_}, questions, n, packed_q_.data());
  kernels_.multiply(w, 1, ld_scores_, negatives_, questions, packed_q_.data(), n,
                    d_entities_.data(), ld_, true);
  if (shape_.match == KgeMatch::l2) {
    for (size_t i = 0; i < questions; ++i) {
      vec().axpy(dq_.data() + i * ld_, -sums[i], q_.data() + i * ld_, n);
    }
  }
}

void KgeShared::go_back(const Question& question) {
  const auto& [slots, side, row, seed] = question;
  const uint32_t answer = slots.answer(side), from = slots.from(side);
  const uint32_t r = slots.relation[side == KgeSide::tail ? 0 : 1];
  float* dq = dq_.data() + row * ld_;
  kernels_.match_gradient(shape_.match, q_.data() + row * ld_, entities_[answer], shape_.values,
                          positive_scores_[row], positive_weights_[row], dq,
                          d_entities_.data() + answer * ld_);
  if (start_weights_[row] != 0) {
    kernels_.match_gradient(shape_.match, q_.data() + row * ld_, entities_[from], shape_.values,
                            start_scores_[row], start_weights_[row], dq,
                            d_entities_.data() + from * ld_);
  }
  if (options_.dropout > 0) kernels_.drop(dq, shape_.values, options_.dropout, seed);
  questions_.go_back(side, entities_[from], relation(relations_, r), dq,
                     d_entities_.data() + from * ld_, d_relations_.data() + r * ld_relation_);
}

void KgeShared::finish_negatives() {
  if (shape_.match != KgeMatch::l2) return;
  for (size_t j = 0; j < negatives_; ++j) {
    vec().axpy(d_entities_.data() + j * ld_, -weight_sums_[j], entities_[j], shape_.values);
  }
}

void KgeShared::update_entities(float rate, Latches& latches) {
  const KgeUpdate step = update_of(kKgeEntities, rate);
  const size_t state = step.adagrad ? (step.by_row ? 1 : step.values) : 0;
  for (size_t s = 0; s < entities_.size(); ++s) {
    if (s + kAhead < entities_.size()) {
      kernels_.prefetch(entities_[s + kAhead], step.values + state);
    }
    KgeUpdate update = step;
    update.l2 *= static_cast<float>(entities_.uses(s));
    update.n3 *= static_cast<float>(entities_.uses(s));
    LatchGuard guard(latches, entities_[s]);
    kernels_.update(entities_[s], d_entities_.data() + s * ld_, update);
  }
}

}  // namespace hemiola
