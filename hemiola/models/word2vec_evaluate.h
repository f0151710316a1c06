// How good word vectors are: analogies, and similarities as people see them.
//
// An analogy "a is to b as c is to d" is answered right when, of all words but a, b and c, d has
// the largest cosine with b - a + c, all vectors of length 1 (3CosAdd: Mikolov, Yih, Zweig:
// "Linguistic Regularities in Continuous Space Word Representations", NAACL 2013). So each part of
// the words can say on its own how many of its words come before d, and those numbers add up.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hemiola/models/task.h"
#include "hemiola/models/word2vec_kernels.h"

namespace hemiola {

// Pairs of words with scores that people gave them.
struct SimilaritySet {
  std::string name;  // the metric's name: "ws353"
  std::span<const std::array<uint32_t, 2>> pairs;
  std::span<const float> scores;  // by pair
};

// All spans are borrowed.
struct WordQuestions {
  std::span<const std::array<uint32_t, 4>> semantic;  // a, b, c, d
  std::span<const std::array<uint32_t, 4>> syntactic;
  std::vector<SimilaritySet> similarity;
};

class WordEvaluation {
 public:
  // Analogies with a word of number `analogy_words` or above are left out, and only the words
  // below it are answers. Throws UserError when a number is not below `words`.
  WordEvaluation(const WordQuestions& questions, TableId table, uint32_t dim, uint32_t words,
                 uint32_t analogy_words, const Word2VecKernels& kernels);

  uint32_t parts() const;
  size_t sums() const { return analogies_.size() + pairs_.size(); }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const;
  std::vector<Metric> metrics(std::span<const double> sums) const;

  size_t analogies() const { return analogies_.size(); }

 private:
  using Four = std::array<uint32_t, 4>;
  struct Asked;  // the analogies' vectors

  void find_places();
  void ask(Parameters& params, Asked& asked) const;
  void rank(uint32_t first, uint32_t last, Parameters& params, std::span<double> sums) const;
  void compare(Parameters& params, std::span<double> sums) const;

  TableId table_;
  uint32_t dim_;
  uint32_t answers_;             // words 0 .. answers_ - 1
  std::vector<Four> analogies_;  // first the semantic ones
  size_t semantic_ = 0;
  std::vector<Key> asked_;                      // the words of all analogies, each once
  std::vector<Four> places_;                    // by analogy: its words in asked_
  std::vector<std::array<uint32_t, 2>> pairs_;  // of all sets
  std::vector<SimilaritySet> sets_;
  const Word2VecKernels& kernels_;
};

// The rank correlation of two lists, equal values sharing their mean rank; 0 if one is constant.
double spearman(std::span<const double> a, std::span<const double> b);

}  // namespace hemiola
