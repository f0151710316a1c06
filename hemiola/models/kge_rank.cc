#include "hemiola/models/kge_rank.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr size_t kEntitiesAtOnce = 2048;
constexpr size_t kQuestionsAtOnce = 48;

template <class Use>
void for_questions(const TripleSpans& spans, Use use) {
  for (size_t i = 0; i < spans.size(); ++i) {
    use(KgeSide::tail, spans.relation[i], spans.head[i], spans.tail[i]);
    use(KgeSide::head, spans.relation[i], spans.tail[i], spans.head[i]);
  }
}

}  // namespace

KgeFilter::KgeFilter(const KgeData& data, std::span<const TripleSpans> asked)
    : entities_(data.entities), relations_(data.relations) {
  for (const TripleSpans& spans : asked) {
    for_questions(spans, [&](KgeSide side, uint32_t relation, uint32_t from, uint32_t) {
      questions_.push_back(key(side, relation, from));
    });
  }
  std::sort(questions_.begin(), questions_.end());
  questions_.erase(std::unique(questions_.begin(), questions_.end()), questions_.end());

  std::vector<uint64_t> pairs;  // number of the question, answer
  for (const TripleSpans* spans : {&data.train, &data.valid, &data.test}) {
    for_questions(*spans, [&](KgeSide side, uint32_t relation, uint32_t from, uint32_t answer) {
      const uint64_t wanted = key(side, relation, from);
      const auto at = std::lower_bound(questions_.begin(), questions_.end(), wanted);
      if (at == questions_.end() || *at != wanted) return;
      pairs.push_back(static_cast<uint64_t>(at - questions_.begin()) << 32 | answer);
    });
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  first_.assign(questions_.size() + 1, 0);
  for (const uint64_t pair : pairs) {
    ++first_[(pair >> 32) + 1];
    answers_.push_back(static_cast<uint32_t>(pair));
  }
  for (size_t q = 0; q < questions_.size(); ++q) first_[q + 1] += first_[q];
}

uint64_t KgeFilter::key(KgeSide side, uint32_t relation, uint32_t from) const {
  const uint64_t row = side == KgeSide::tail ? relation : relations_ + relation;
  return row * entities_ + from;
}

std::span<const uint32_t> KgeFilter::answers(KgeSide side, const KgeTriple& triple) const {
  const uint32_t from = side == KgeSide::tail ? triple.head : triple.tail;
  const uint64_t wanted = key(side, triple.relation, from);
  const auto at = std::lower_bound(questions_.begin(), questions_.end(), wanted);
  if (at == questions_.end() || *at != wanted) return {};
  const auto q = static_cast<size_t>(at - questions_.begin());
  return {answers_.data() + first_[q], first_[q + 1] - first_[q]};
}

std::vector<double> KgeRanking::ranks(std::span<const KgeTriple> triples, Parameters& params) {
  ask(triples, params);
  score_answers();
  std::vector<Key> keys;
  std::vector<float*> rows;
  for (uint32_t begin = 0; begin < shape_.entities; begin += kEntitiesAtOnce) {
    keys.clear();
    for (uint32_t e = begin; e < std::min<uint32_t>(shape_.entities, begin + kEntitiesAtOnce);
         ++e) {
      keys.push_back(Key{e});
    }
    rows.resize(keys.size());
    kge_fetch(kKgeEntities, keys, Access::read, params, rows);
    pack(rows.data(), rows.size());
    for (size_t first = 0; first < counts_.size(); first += kQuestionsAtOnce) {
      const size_t n = std::min(kQuestionsAtOnce, counts_.size() - first);
      score(first, n, rows.size());
      for (size_t i = 0; i < n; ++i) {
        compare(counts_[first + i], scores_.data() + i * ld_scores_, begin, rows.size());
      }
    }
  }
  std::vector<double> ranks;
  for (const Count& count : counts_) {
    // Nothing compares with a score that is no number: the answer is then the last one.
    ranks.push_back(std::isfinite(count.score) ? 1.0 + static_cast<double>(count.above) +
                                                     static_cast<double>(count.equal) / 2
                                               : static_cast<double>(shape_.entities));
  }
  return ranks;
}

void KgeRanking::ask(std::span<const KgeTriple> triples, Parameters& params) {
  const size_t n = triples.size();
  ld_ = KgeShape::ld(shape_.values);
  ld_scores_ = KgeShape::ld(kEntitiesAtOnce);
  q_ = Arena<float>(2 * n * ld_);
  scores_ = Arena<float>(kQuestionsAtOnce * ld_scores_);
  columns_ = Arena<float>(KgeShape::panels(kEntitiesAtOnce) * shape_.values);
  squares_.resize(kEntitiesAtOnce);

  std::vector<Key> entities, relations;
  for (const KgeSide side : kKgeSides) {
    for (const KgeTriple& t : triples) {
      entities.push_back(Key{side == KgeSide::tail ? t.head : t.tail});
      relations.push_back(Key{shape_.relation_row(side, t.relation)});
    }
  }
  std::vector<float*> from(2 * n), relation(2 * n);
  kge_fetch(kKgeEntities, entities, Access::read, params, from);
  kge_fetch(kKgeRelations, relations, Access::read, params, relation);
  counts_.assign(2 * n, {});
  answers_.clear();
  std::vector<float> spread(shape_.spread);
  for (size_t i = 0; i < 2 * n; ++i) {
    const KgeSide side = i < n ? KgeSide::tail : KgeSide::head;
    const KgeTriple& t = triples[i % n];
    questions_.spread(relation[i], spread.data());
    questions_.ask(side, from[i], spread.data(), q_.data() + i * ld_);
    counts_[i].answer = side == KgeSide::tail ? t.tail : t.head;
    counts_[i].known = filter_.answers(side, t);
    answers_.push_back(from[i < n ? i + n : i - n]);
  }
}

// By the kernel that scores all others, of which only the diagonal is wanted.
void KgeRanking::score_answers() {
  for (size_t first = 0; first < counts_.size(); first += kQuestionsAtOnce) {
    const size_t n = std::min(kQuestionsAtOnce, counts_.size() - first);
    pack(answers_.data() + first, n);
    score(first, n, n);
    for (size_t i = 0; i < n; ++i) counts_[first + i].score = scores_[i * ld_scores_ + i];
  }
}

void KgeRanking::pack(float* const* rows, size_t n) {
  kernels_.pack_columns({rows}, n, shape_.values, columns_.data());
  if (shape_.match != KgeMatch::l2) return;
  for (size_t j = 0; j < n; ++j) squares_[j] = vec().dot(rows[j], rows[j], shape_.values);
}

void KgeRanking::score(size_t first, size_t n, size_t columns) {
  const float* q = q_.data() + first * ld_;
  if (shape_.match == KgeMatch::l1 || shape_.match == KgeMatch::moduli) {
    return kernels_.distances(shape_.match, q, ld_, n, shape_.values, columns_.data(), columns,
                              scores_.data(), ld_scores_);
  }
  kernels_.multiply(q, ld_, 1, n, shape_.values, columns_.data(), columns, scores_.data(),
                    ld_scores_, false);
  if (shape_.match != KgeMatch::l2) return;
  for (size_t i = 0; i < n; ++i, q += ld_) {
    kernels_.from_dots(scores_.data() + i * ld_scores_, KgeShape::panels(columns),
                       vec().dot(q, q, shape_.values), squares_.data());
  }
}

void KgeRanking::compare(Count& count, const float* scores, uint32_t begin, size_t n) const {
  size_t above = 0, equal = 0;
  kernels_.count(scores, n, count.score, &above, &equal);
  count.above += static_cast<int64_t>(above);
  count.equal += static_cast<int64_t>(equal);
  for (; !count.known.empty() && count.known[0] < begin + n; count.known = count.known.subspan(1)) {
    const float score = scores[count.known[0] - begin];
    count.above -= score > count.score;
    count.equal -= score == count.score;
  }
}

}  // namespace hemiola
