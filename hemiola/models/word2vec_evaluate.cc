#include "hemiola/models/word2vec_evaluate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr uint32_t kWordsInPart = 2048;
constexpr size_t kQuestionsAtOnce = 512;

// Rows of a table, copied, one after the other with `dim` floats each, of length 1.
std::vector<float> unit_rows(TableId table, std::span<const Key> keys, size_t dim,
                             Parameters& params) {
  std::vector<float*> at(keys.size());
  if (const auto direct = params.direct(table)) {
    for (size_t i = 0; i < keys.size(); ++i) {
      at[i] = direct->base + size_t{keys[i].value} * direct->stride;
    }
  } else {
    params.rows(table, keys, Access::read, at);
  }
  std::vector<float> rows(keys.size() * dim);
  for (size_t i = 0; i < keys.size(); ++i) {
    float* row = rows.data() + i * dim;
    vec().copy(row, at[i], dim);
    const float length = std::sqrt(vec().dot(row, row, dim));
    for (size_t c = 0; c < dim && length > 0; ++c) row[c] /= length;
  }
  return rows;
}

// The rank of each value, counted from 1; equal ones share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (size_t i = 0, end = 0; i < order.size(); i = end) {
    for (end = i; end < order.size() && values[order[end]] == values[order[i]];) ++end;
    const double mean = static_cast<double>(i + 1 + end) / 2;
    for (size_t k = i; k < end; ++k) rank[order[k]] = mean;
  }
  return rank;
}

}  // namespace

double spearman(std::span<const double> a, std::span<const double> b) {
  HEMIOLA_CHECK(a.size() == b.size());
  const auto x = ranks(a), y = ranks(b);
  const double middle = (static_cast<double>(a.size()) + 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

// Of each analogy: the vector b - a + c, and its product with d's, which others must not pass.
struct WordEvaluation::Asked {
  std::vector<float> wanted;
  std::vector<float> right;
};

WordEvaluation::WordEvaluation(const WordQuestions& questions, TableId table, uint32_t dim,
                               uint32_t words, uint32_t analogy_words,
                               const Word2VecKernels& kernels)
    : table_(table),
      dim_(dim),
      answers_(std::min(words, analogy_words)),
      sets_(questions.similarity),
      kernels_(kernels) {
  const auto check = [&](uint32_t word) {
    if (word < words) return;
    throw UserError("word2vec: a question asks for word " + std::to_string(word) +
                    "; there are only " + std::to_string(words) + " words");
  };
  const auto take = [&](std::span<const Four> kind) {
    for (const Four& four : kind) {
      for (const uint32_t word : four) check(word);
      const bool common = std::ranges::all_of(four, [&](uint32_t w) { return w < answers_; });
      if (common) analogies_.push_back(four);
    }
  };
  take(questions.semantic);
  semantic_ = analogies_.size();
  take(questions.syntactic);
  find_places();
  for (const SimilaritySet& set : sets_) {
    HEMIOLA_CHECK(set.pairs.size() == set.scores.size());
    for (const auto& pair : set.pairs) {
      for (const uint32_t word : pair) check(word);
      pairs_.push_back(pair);
    }
  }
}

void WordEvaluation::find_places() {
  std::vector<uint32_t> place(answers_, UINT32_MAX);
  for (const Four& four : analogies_) {
    Four& places = places_.emplace_back();
    for (size_t i = 0; i < 4; ++i) {
      uint32_t& at = place[four[i]];
      if (at == UINT32_MAX) {
        at = static_cast<uint32_t>(asked_.size());
        asked_.push_back(Key{four[i]});
      }
      places[i] = at;
    }
  }
}

uint32_t WordEvaluation::parts() const {
  return 1 + (analogies_.empty() ? 0 : (answers_ + kWordsInPart - 1) / kWordsInPart);
}

void WordEvaluation::evaluate(uint32_t part, Parameters& params, std::span<double> sums) const {
  HEMIOLA_CHECK(part < parts() && sums.size() == this->sums());
  if (part == 0) return compare(params, sums.subspan(analogies_.size()));
  const uint32_t first = (part - 1) * kWordsInPart;
  rank(first, std::min(answers_, first + kWordsInPart), params, sums.first(analogies_.size()));
}

void WordEvaluation::ask(Parameters& params, Asked& asked) const {
  const auto rows = unit_rows(table_, asked_, dim_, params);
  asked.wanted.resize(analogies_.size() * dim_);
  asked.right.resize(analogies_.size());
  for (size_t q = 0; q < analogies_.size(); ++q) {
    const auto row = [&](size_t i) { return rows.data() + size_t{places_[q][i]} * dim_; };
    float* wanted = asked.wanted.data() + q * dim_;
    for (size_t c = 0; c < dim_; ++c) wanted[c] = row(1)[c] - row(0)[c] + row(2)[c];
    kernels_.dots(row(3), wanted, dim_, 1, dim_, &asked.right[q]);
    // What is asked with is never an answer, so such a question is never answered right.
    const Four& four = analogies_[q];
    if (std::find(four.begin(), four.begin() + 3, four[3]) != four.begin() + 3) {
      asked.right[q] = -std::numeric_limits<float>::infinity();
    }
  }
}

// Adds to each analogy's sum how many of the words [first, last) come before its answer.
void WordEvaluation::rank(uint32_t first, uint32_t last, Parameters& params,
                          std::span<double> sums) const {
  Asked asked;
  ask(params, asked);
  std::vector<Key> keys;
  for (uint32_t w = first; w < last; ++w) keys.push_back(Key{w});
  const auto rows = unit_rows(table_, keys, dim_, params);
  std::vector<float> products(kQuestionsAtOnce);
  for (size_t q = 0; q < analogies_.size(); q += kQuestionsAtOnce) {
    const size_t n = std::min(kQuestionsAtOnce, analogies_.size() - q);
    for (uint32_t w = first; w < last; ++w) {
      kernels_.dots(rows.data() + size_t{w - first} * dim_, asked.wanted.data() + q * dim_, dim_, n,
                    dim_, products.data());
      for (size_t i = 0; i < n; ++i) {
        if (products[i] <= asked.right[q + i]) continue;
        const Four& four = analogies_[q + i];
        if (std::find(four.begin(), four.end(), w) == four.end()) ++sums[q + i];
      }
    }
  }
}

void WordEvaluation::compare(Parameters& params, std::span<double> sums) const {
  std::vector<Key> keys;
  for (const auto& [a, b] : pairs_) keys.insert(keys.end(), {Key{a}, Key{b}});
  const auto rows = unit_rows(table_, keys, dim_, params);
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const float* a = rows.data() + 2 * i * dim_;
    sums[i] += vec().dot(a, a + dim_, dim_);
  }
}

std::vector<Metric> WordEvaluation::metrics(std::span<const double> sums) const {
  std::vector<Metric> metrics;
  const auto share_right = [&](const char* name, size_t from, size_t to) {
    if (from == to) return;
    const auto part = sums.subspan(from, to - from);
    const auto right = static_cast<double>(std::count(part.begin(), part.end(), 0.0));
    metrics.push_back({name, right / static_cast<double>(to - from)});
  };
  share_right("analogy", 0, analogies_.size());
  share_right("semantic", 0, semantic_);
  share_right("syntactic", semantic_, analogies_.size());
  size_t at = analogies_.size();
  for (const SimilaritySet& set : sets_) {
    const std::vector<double> scores(set.scores.begin(), set.scores.end());
    if (!scores.empty()) {
      metrics.push_back({set.name, spearman(sums.subspan(at, scores.size()), scores)});
    }
    at += scores.size();
  }
  return metrics;
}

}  // namespace hemiola
