// The losses of knowledge-graph embeddings; kge.h names their source.
#pragma once

#include "hemiola/models/kge_simd_rows.h"

namespace hemiola {
namespace {

struct LargestPart {
  const float* x;
  float most;
  Floats<kWidth> wide = all<kWidth>(kKgeNoScore);

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> value = load<W>(x + i);
    if constexpr (W == kWidth) {
      wide = larger<W>(wide, value);
    } else {
      const float here = largest_of<W>(value);
      most = here > most ? here : most;
    }
  }
};

HEMIOLA_INLINE float largest(const float* x, size_t n, float most) {
  LargestPart part{x, most};
  sweep<kWidth>(n, 0, part);
  const float wide = largest_of<kWidth>(part.wide);
  return wide > part.most ? wide : part.most;
}

// x = exp(heat * x - most), but 0 for no score.
struct PowerPart {
  float* x;
  float heat, most;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> value = load<W>(x + i), none{};
    const Floats<W> e = value > 0.5f * kKgeNoScore ? power<W>(heat * value - most) : none;
    store<W>(x + i, e);
    total.add<W>(e);
  }
};

struct ScalePart {
  float* x;
  float by;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    store<W>(x + i, by * load<W>(x + i));
  }
};

float softmax(float* scores, size_t n, float* positive, const KgeLossStep&) {
  const float most = largest(scores, n, *positive);
  PowerPart part{scores, 1, most, {}};
  sweep<kWidth>(n, 0, part);
  const float mine = __builtin_expf(*positive - most), others = part.total.sum();
  ScalePart scale{scores, 1 / (mine + others)};
  sweep<kWidth>(n, 0, scale);
  const float loss = __builtin_logf(mine + others) + (most - *positive);
  *positive = -others / (mine + others);
  return loss;
}

HEMIOLA_INLINE float positive_loss(float* positive, float margin) {
  const Softplus<1> loss(-(*positive + margin));
  *positive = -loss.slope;
  return loss.value;
}

struct LogisticPart {
  float* scores;
  float share;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Softplus<W> loss(load<W>(scores + i));
    store<W>(scores + i, share * loss.slope);
    total.add<W>(share * loss.value);
  }
};

float logistic(float* scores, size_t n, float* positive, const KgeLossStep&) {
  const float loss = positive_loss(positive, 0);
  LogisticPart part{scores, 1 / static_cast<float>(n), {}};
  sweep<kWidth>(n, 0, part);
  return loss + part.total.sum();
}

// How much each negative weighs, of all: the sum of exp(heat * score), and its terms as they come.
struct WeightPart {
  const float* scores;
  float heat, most;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> value = load<W>(scores + i), none{};
    total.add<W>(value > 0.5f * kKgeNoScore ? power<W>(heat * value - most) : none);
  }
};

struct AdversarialPart {
  float* scores;
  float heat, most, share, margin;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> value = load<W>(scores + i), none{};
    const Floats<W> weight =
        value > 0.5f * kKgeNoScore ? share * power<W>(heat * value - most) : none;
    const Softplus<W> loss(value + margin);
    store<W>(scores + i, weight * loss.slope);
    total.add<W>(weight * loss.value);
  }
};

float self_adversarial(float* scores, size_t n, float* positive, const KgeLossStep& step) {
  const float most = step.temperature * largest(scores, n, kKgeNoScore);
  WeightPart weights{scores, step.temperature, most, {}};
  sweep<kWidth>(n, 0, weights);
  const float sum = weights.total.sum();
  const float loss = positive_loss(positive, step.margin);
  AdversarialPart part{scores, step.temperature, most, sum > 0 ? 1 / sum : 0, step.margin, {}};
  sweep<kWidth>(n, 0, part);
  return loss + part.total.sum();
}

constexpr KgeKernels kernels() {
  return {kPanel,
          pack_columns,
          pack_rows,
          multiply,
          distances,
          distance_gradients,
          match_rows,
          match_gradient,
          from_dots,
          by_distance,
          softmax,
          logistic,
          self_adversarial,
          complex_product,
          product,
          cos_sin,
          drop,
          update,
          count,
          prefetch};
}

}  // namespace
}  // namespace hemiola
