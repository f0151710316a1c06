// How well the answers of questions are ranked among all entities.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/models/kge_questions.h"
#include "hemiola/models/kge_rows.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// All answers that are known, for the questions of some triples.
class KgeFilter {
 public:
  KgeFilter() = default;
  // Questions are those of `asked`; answers come from all three sets of `data`.
  KgeFilter(const KgeData& data, std::span<const TripleSpans> asked);

  // In ascending order, each once.
  std::span<const uint32_t> answers(KgeSide side, const KgeTriple& triple) const;

 private:
  uint64_t key(KgeSide side, uint32_t relation, uint32_t from) const;

  uint64_t entities_ = 0, relations_ = 0;
  std::vector<uint64_t> questions_;  // sorted
  std::vector<size_t> first_;        // of a question's answers
  std::vector<uint32_t> answers_;
};

// The rank of an answer is 1 + the number of better ones + half the number of equal ones, where
// other known answers do not count. Scores come from one kernel for all entities, so that equal
// rows have equal scores to the last bit.
class KgeRanking {
 public:
  KgeRanking(const KgeShape& shape, const KgeKernels& kernels, const KgeFilter& filter)
      : shape_(shape), kernels_(kernels), questions_(shape, kernels), filter_(filter) {}

  // A rank for each triple's question about the tail, then one for each about the head.
  std::vector<double> ranks(std::span<const KgeTriple> triples, Parameters& params);

 private:
  // What is known of a question so far.
  struct Count {
    float score = 0;  // of the true answer
    uint32_t answer = 0;
    std::span<const uint32_t> known;  // those of entities that are still to come
    int64_t above = 0, equal = 0;
  };

  void ask(std::span<const KgeTriple> triples, Parameters& params);
  void score_answers();
  // Scores of questions first .. first + n - 1 and the columns packed last.
  void score(size_t first, size_t n, size_t columns);
  void pack(float* const* rows, size_t n);
  void compare(Count& count, const float* scores, uint32_t begin, size_t n) const;

  const KgeShape& shape_;
  const KgeKernels& kernels_;
  KgeQuestions questions_;
  const KgeFilter& filter_;
  size_t ld_ = 0, ld_scores_ = 0;
  std::vector<Count> counts_;
  std::vector<float*> answers_;
  std::vector<float> squares_;
  Arena<float> q_, columns_, scores_;
};

}  // namespace hemiola
