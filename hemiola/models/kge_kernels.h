// The inner loops of knowledge-graph embeddings, once per instruction set. Includes nothing that
// defines inline functions, so that the files compiled per instruction set leak none of them.
//
// A question is a row q; the score of an answer e is q.e, or minus a distance of q and e. Rows of
// complex numbers are all real parts, then all imaginary parts.
#pragma once

#include "hemiola/models/row_places.h"

namespace hemiola {

enum class KgeMatch : unsigned char {
  dot,     // q . e
  l1,      // -sum |q - e|
  l2,      // -sqrt(sum (q - e)^2)
  moduli,  // -sum |q - e| of complex numbers
};

// Loss of a question: its true answer has one score, its negatives have many.
struct KgeLossStep {
  float margin = 0;
  float temperature = 0;
};

struct KgeUpdate {
  size_t values = 0;  // of the row; behind them is AdaGrad's state: as many, or 1 with by_row
  bool adagrad = false;
  bool by_row = false;
  bool complex = false;  // for n3: the row is of complex numbers
  float rate = 0;
  float l2 = 0;  // weights of the penalties, times how often the row stands in the batch
  float n3 = 0;
};

// Matrices are in rows, `ld` floats apart. A packed matrix is cut into panels of `panel` columns,
// each with its k rows side by side; columns that are missing in the last panel are zero.
struct KgeKernels {
  size_t panel = 0;

  // Packs n rows of k floats as columns: k x n.
  void (*pack_columns)(const RowPlaces& rows, size_t n, size_t k, float* packed) = nullptr;
  // Packs k rows of n floats: k x n.
  void (*pack_rows)(const RowPlaces& rows, size_t k, size_t n, float* packed) = nullptr;

  // c = a b, or c += a b with `add`: m x k times k x n. a(i, j) is a[i * row_step + j * k_step].
  // Whole panels of c are written. A value of c depends on its row of a and column of b only, to
  // the last bit.
  void (*multiply)(const float* a, size_t row_step, size_t k_step, size_t m, size_t k,
                   const float* packed, size_t n, float* c, size_t ld, bool add) = nullptr;
  // scores(i, j) of m questions of k floats and n answers packed as columns; l1 and moduli only.
  // Whole panels are written, with the same promise as above.
  void (*distances)(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k,
                    const float* packed, size_t n, float* scores, size_t ld) = nullptr;
  // For the losses' gradients w(i, j) by those scores: adds the gradient of q to dq, and that of
  // the answers to de. Answers are rows with ld_e; l1 and moduli only.
  void (*distance_gradients)(KgeMatch match, const float* q, size_t ld_q, size_t m, size_t k,
                             const float* e, size_t ld_e, size_t n, const float* w, size_t ld_w,
                             float* dq, float* de) = nullptr;

  // One question, n answers, each a row of k floats.
  void (*match)(KgeMatch match, const float* q, const RowPlaces& rows, size_t n, size_t k,
                float* scores) = nullptr;
  // One question, one answer: dq += w d score / d q, de += w d score / d e. `score` is theirs.
  void (*match_gradient)(KgeMatch match, const float* q, const float* e, size_t k, float score,
                         float w, float* dq, float* de) = nullptr;

  // For l2: scores of n answers from their dots with q, and the squares of q and of the answers.
  void (*from_dots)(float* scores, size_t n, float q_square, const float* squares) = nullptr;
  // For l2: w /= distance. Returns the sum of w.
  float (*by_distance)(float* w, const float* scores, size_t n) = nullptr;

  // In: scores; out: the loss's gradient by each. Returns the loss. A score of kKgeNoScore stands
  // for no negative at all: its gradient is 0. REQUIRES: n > 0.
  float (*softmax)(float* scores, size_t n, float* positive, const KgeLossStep& step) = nullptr;
  float (*logistic)(float* scores, size_t n, float* positive, const KgeLossStep& step) = nullptr;
  float (*self_adversarial)(float* scores, size_t n, float* positive,
                            const KgeLossStep& step) = nullptr;

  // out = a b of complex numbers, with the conjugate of b if asked; or out += a b. n: numbers.
  void (*complex_product)(float* out, const float* a, const float* b, size_t n, bool conjugate,
                          bool add) = nullptr;
  void (*product)(float* out, const float* a, const float* b, size_t n, bool add) = nullptr;
  // out: n cosines, then n sines.
  void (*cos_sin)(float* out, const float* phases, size_t n) = nullptr;

  // Leaves values out: with chance `share` becomes 0, else grows by 1 / (1 - share). Which ones is
  // a pure function of seed and place.
  void (*drop)(float* x, size_t n, float share, unsigned seed) = nullptr;

  // Adds the penalties' gradients to g, and steps down: changes the row, and g.
  void (*update)(float* row, float* g, const KgeUpdate& step) = nullptr;

  // How many scores are above, and how many equal.
  void (*count)(const float* scores, size_t n, float than, size_t* above, size_t* equal) = nullptr;

  // Brings a row of n floats on its way into the cache.
  void (*prefetch)(const float* row, size_t n) = nullptr;
};

inline constexpr float kKgeNoScore = -1e30f;

extern const KgeKernels kKgePlain;  // the oracle of the tests
extern const KgeKernels kKgeBaseline;
#if defined(__x86_64__)
extern const KgeKernels kKgeAvx2;
extern const KgeKernels kKgeAvx512;
#endif

}  // namespace hemiola
