// The inner loop of matrix factorisation, once per instruction set. Includes nothing that defines
// inline functions, so that the files compiled per instruction set leak none of them.
#pragma once

#include "hemiola/models/row_places.h"

namespace hemiola {

struct MfRating {
  unsigned user = 0;  // numbers of rows, as the RowPlaces count them
  unsigned item = 0;
  float value = 0;
};

// A row is: factors, the bias if there are biases, with AdaGrad one sum of squared gradients.
struct MfStep {
  size_t factors = 0;
  bool biases = false;
  bool adagrad = false;
  float rate = 0;
  float l2 = 0;
  float bias_l2 = 0;
  float mean = 0;  // subtracted from each rating
};

struct MfKernels {
  // One pass of stochastic gradient steps over the ratings in order, in place. Returns the sum of
  // the squared errors, each as it was before its own step. Other threads may change the same
  // rows: single floats of theirs or ours may then be lost.
  double (*train)(const MfRating* ratings, size_t n, const RowPlaces& users, const RowPlaces& items,
                  const MfStep& step) = nullptr;
  // The sum of the squared errors; changes nothing.
  double (*squared_error)(const MfRating* ratings, size_t n, const RowPlaces& users,
                          const RowPlaces& items, const MfStep& step) = nullptr;
};

extern const MfKernels kMfPlain;  // the oracle of the tests
extern const MfKernels kMfBaseline;
#if defined(__x86_64__)
extern const MfKernels kMfAvx2;
extern const MfKernels kMfAvx512;
#endif

}  // namespace hemiola
