// One pass of a worker over one block of the text: what it will want is said some steps ahead.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "hemiola/models/parameters.h"
#include "hemiola/models/word2vec_kernels.h"
#include "hemiola/models/word2vec_windows.h"

namespace hemiola {

struct Word2VecShape {
  uint32_t words = 0;  // that there are
  uint32_t dim = 0;
  uint32_t negatives = 0;
  bool shared = false;  // the pairs of a centre word share their negatives
  uint32_t lookahead = 0;
};

class Word2VecPass {
 public:
  using Block = Word2VecWindows::Block;

  // All are borrowed. `next`: the first steps of the block that follows, perhaps none of them.
  Word2VecPass(const Word2VecShape& shape, const Word2VecKernels& kernels, const Block& block,
               const Block& next, Parameters& params);

  // Trains on the next step of the block and gives its loss; the caller ends the step.
  double train(float rate);

 private:
  struct Planned {
    Word2VecSpan span;
    Parameters::Samples samples;
  };

  uint32_t draws(const Word2VecSpan& span) const;
  // The step that is `ahead` steps from now.
  void announce(size_t ahead);
  void intend(const Block& block, const Word2VecSpan& span, size_t ahead);
  void lay_out(const Planned& step);
  void find_rows(TableId table, std::span<const uint32_t> words, std::vector<float*>& rows);
  double train_laid_out(const Word2VecGroups& groups, const RowPlaces& input,
                        const RowPlaces& output, const Word2VecStep& step);
  double train_latched(const Word2VecGroups& groups, const RowPlaces& input,
                       const RowPlaces& output, const Word2VecStep& step);

  const Word2VecShape shape_;
  const Word2VecKernels& kernels_;
  const Block& block_;
  const Block& next_;
  Parameters& params_;
  std::optional<Parameters::Direct> input_, output_;

  size_t now_ = 0;
  std::deque<Planned> planned_;  // from now_ on
  std::vector<Key> keys_;
  std::vector<uint32_t> inputs_, outputs_, counts_;  // as in Word2VecGroups
  size_t groups_ = 0;
  std::vector<float*> input_rows_, output_rows_;  // of inputs_ and outputs_, by pointer
  std::vector<float> before_, change_;            // of one row
};

}  // namespace hemiola
