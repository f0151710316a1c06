// The inner loop of skip-gram with negative sampling, once per instruction set. Includes nothing
// that defines inline functions, so that the files compiled per instruction set leak none of them.
#pragma once

#include "hemiola/models/row_places.h"

namespace hemiola {

// Groups of pairs that share their output rows. Group g has counts[g] input rows, which stand in
// `inputs` one group after the other, and outputs[g * width ..]: the right word, then width - 1
// that were drawn. A drawn one that is the right one is left out.
//
// Where rows are given by pointers (RowPlaces::at), these stand in the order of the lists: at[i] is
// the row of inputs[i], or of outputs[i].
struct Word2VecGroups {
  const unsigned* inputs = nullptr;
  const unsigned* outputs = nullptr;
  const unsigned* counts = nullptr;  // null: one input row in each group
  size_t size = 0;
  size_t width = 0;  // REQUIRES: 1 .. kWord2VecWidest
};

inline constexpr size_t kWord2VecWidest = 64;

struct Word2VecStep {
  size_t dim = 0;
  float rate = 0;
};

struct Word2VecKernels {
  // A gradient step for each input row in turn, on it and all output rows of its group at once.
  // Returns the sum of -log sigmoid(x.y) of the right and -log sigmoid(-x.y) of the drawn output
  // rows, as they were before their step. Other threads may change the same rows: single floats
  // of theirs or ours may then be lost.
  double (*train)(const Word2VecGroups& groups, const RowPlaces& input, const RowPlaces& output,
                  const Word2VecStep& step) = nullptr;

  // The slopes of one pair, changing nothing: gains[j] is the rate times -d loss / d (x.y_j).
  // Returns the loss. `rows`: pointers to the `width` output rows.
  double (*gains)(const float* x, const float* const* rows, const unsigned* outputs, size_t width,
                  const Word2VecStep& step, float* gains) = nullptr;

  // What a pair does to one of its output rows, and what that row does to x: change += gain * y,
  // then y += gain * x.
  void (*trade)(float* y, const float* x, float* change, float gain, size_t dim) = nullptr;

  // products[j] = x.y_j for rows y_j = ys + j * stride.
  void (*dots)(const float* x, const float* ys, size_t stride, size_t n, size_t dim,
               float* products) = nullptr;
};

extern const Word2VecKernels kWord2VecPlain;  // the oracle of the tests
extern const Word2VecKernels kWord2VecBaseline;
#if defined(__x86_64__)
extern const Word2VecKernels kWord2VecAvx2;
extern const Word2VecKernels kWord2VecAvx512;
#endif

}  // namespace hemiola
