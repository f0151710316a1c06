// Word vectors: skip-gram with negative sampling.
//
// Tables "input" (TableId 0: the vectors that are the result) and "output" (TableId 1), a row per
// word in each. For a word and a word near it a step makes input row . output row larger, and that
// of the input row and the output rows of a few words drawn at random smaller.
//
// Source: Mikolov, Sutskever, Chen, Corrado, Dean: "Distributed Representations of Words and
// Phrases and their Compositionality", NIPS 2013, sections 2.2 (negative sampling) and 2.3
// (subsampling).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/models/task.h"
#include "hemiola/models/word2vec_evaluate.h"
#include "hemiola/models/word2vec_kernels.h"
#include "hemiola/models/word2vec_windows.h"

namespace hemiola {

struct Word2VecOptions {
  // Which pairs of words draw negatives together. own: each its own, as published. window: all
  // pairs of one centre word share theirs, which needs a fifth of the rows.
  enum class Sharing : uint8_t { own, window };

  uint32_t dim = 100;
  uint32_t window = 5;  // most words on each side; each centre word draws its own from 1 .. window
  uint32_t negatives = 5;
  Sharing sharing = Sharing::own;
  float power = 0.75f;      // a word is drawn as a negative as often as its count ^ power
  float subsample = 1e-4f;  // words with a larger share of the text are thinned out; 0: none is
  float init_scale = 4;     // input rows begin within +- it / dim. The published program's is 0.5,
                            // gensim's 1; docs/word2vec.md has what that is worth
  float rate = 0.025f;      // at the start
  float rate_end = 1e-4f;   // share of `rate` that it falls to, in a straight line over all epochs
  uint32_t epochs = 5;      // how many there will be: the rate depends on it
  uint32_t batch = 2048;    // words of the text in a step
  uint32_t lookahead = 8;   // steps ahead that rows and negatives are asked for
  uint32_t block = 0;       // words in a block; 0: by `workers` and the size of the text
  uint32_t workers = 1;     // how many there are; for block = 0
  uint32_t analogy_words = 30'000;  // analogies are asked of, and answered by, the commonest
  uint64_t seed = 1;
};

// Everything is borrowed and must outlive the task. A word is its number, the commonest is 0.
struct Word2VecData {
  std::span<const uint32_t> tokens;         // the text
  std::span<const uint64_t> sentence_ends;  // places in `tokens`, ascending; a window never passes
                                            // one. Empty: all is one sentence
  std::span<const uint64_t> counts;         // by word: how often it is in the text; falling
  WordQuestions questions;
};

class Word2VecTask : public Task {
 public:
  static constexpr TableId kInput{0};
  static constexpr TableId kOutput{1};

  // Throws UserError when a setting cannot be, or a number of a word is out of range.
  Word2VecTask(const Word2VecData& data, const Word2VecOptions& options);

  std::vector<TableSpec> tables() const override;
  std::vector<SamplerSpec> samplers() const override;
  bool looks_ahead() const override { return true; }
  // The cut is made for Word2VecOptions::workers; the argument changes nothing.
  BlockPlan plan(uint32_t workers) const override;

  // Examples are words of the text, thinned out or not; the loss is the sum over the pairs of
  // words that they form. Throws UserError when it is not finite any more.
  LossSum train(const Work& work, Parameters& params) const override;

  // analogy, semantic, syntactic: shares of the questions answered right; then a rank correlation
  // for each set of similarities. What nothing is known about is left out.
  uint32_t evaluation_parts() const override { return evaluation_.parts(); }
  size_t metric_sums() const override { return evaluation_.sums(); }
  void evaluate(uint32_t part, Parameters& params, std::span<double> sums) const override;
  std::vector<Metric> metrics(std::span<const double> sums) const override;

  // The rate of the step that begins at `place` of the text: so it does not matter who does it.
  float rate_at(uint32_t epoch, uint64_t place) const;

 private:
  Word2VecOptions options_;
  Word2VecWindows windows_;
  WordEvaluation evaluation_;
  std::shared_ptr<const std::vector<float>> weights_;  // of the sampler
  const Word2VecKernels& kernels_;
};

}  // namespace hemiola
