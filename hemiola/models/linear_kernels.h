// The inner loops of linear models, once per instruction set. Includes nothing that defines inline
// functions, so that the files compiled per instruction set leak none of them.
#pragma once

#include "hemiola/models/row_places.h"

namespace hemiola {

// A row is: the weight, with AdaGrad the sum of its squared gradients.
struct LinearStep {
  bool adagrad = false;
  float rate = 0;
  float l1 = 0;
  float l2 = 0;
};

// One example: row numbers, no number twice; values (null: all are 1); and by what to multiply
// the penalties of each entry (may be null when l1 and l2 are 0). The bias is never penalised.
struct LinearExample {
  const unsigned* index = nullptr;
  const float* value = nullptr;
  const float* penalty = nullptr;
  size_t n = 0;
  float* bias = nullptr;  // the row of the bias
};

// The entries of one example side by side, the bias last, then padding: arrays of n + 1 floats,
// rounded up to a multiple of kLinearPadding.
struct LinearEntries {
  float* x = nullptr;
  float* penalty = nullptr;
  float* weight = nullptr;  // as read
  float* squares = nullptr;
  float* new_weight = nullptr;
  float* new_squares = nullptr;
};

inline constexpr size_t kLinearPadding = 16;

struct LinearKernels {
  // Asks the caches for the rows.
  void (*fetch)(const unsigned* index, size_t n, const RowPlaces& rows) = nullptr;
  // Reads the example's rows into `entries` and returns bias + sum of value * weight.
  float (*take)(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
                const LinearEntries& entries) = nullptr;
  // Computes the new weights for a loss whose derivative by the score is `slope`.
  void (*change)(size_t n, float slope, const LinearStep& step,
                 const LinearEntries& entries) = nullptr;
  // Writes them.
  void (*put)(const LinearExample& example, const RowPlaces& rows, const LinearStep& step,
              const LinearEntries& entries) = nullptr;
};

extern const LinearKernels kLinearPlain;  // the oracle of the tests
extern const LinearKernels kLinearBaseline;
#if defined(__x86_64__)
extern const LinearKernels kLinearAvx2;
extern const LinearKernels kLinearAvx512;
#endif

}  // namespace hemiola
