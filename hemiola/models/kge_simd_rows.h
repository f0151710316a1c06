// The bodies of the knowledge-graph kernels over single rows.
#pragma once

#include "hemiola/models/kge_simd_matrix.h"

namespace hemiola {
namespace {

// A sum for each width of register.
struct Total {
  Floats<kWidth> wide{};
  Floats<8> eight{};
  Floats<4> four{};
  float one = 0;

  template <size_t W>
  HEMIOLA_INLINE void add(Floats<W> x) {
    if constexpr (W == kWidth)
      wide += x;
    else if constexpr (W == 8)
      eight += x;
    else if constexpr (W == 4)
      four += x;
    else
      one += x;
  }

  HEMIOLA_INLINE float sum() const {
    float all_of = one + sum_of<kWidth>(wide);
    if constexpr (kWidth > 8) all_of += sum_of<8>(eight);
    if constexpr (kWidth > 4) all_of += sum_of<4>(four);
    return all_of;
  }
};

template <KgeMatch M>
struct MatchPart {
  const float* q;
  const float* e;
  size_t half;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, q + i);
    HEMIOLA_LOAD(W, b, e + i);
    if constexpr (M == KgeMatch::dot) {
      total.add<W>(a * b);
    } else if constexpr (M == KgeMatch::moduli) {
      HEMIOLA_LOAD(W, c, q + half + i);
      HEMIOLA_LOAD(W, d, e + half + i);
      total.add<W>(root<W>((a - b) * (a - b) + (c - d) * (c - d)));
    } else if constexpr (M == KgeMatch::l1) {
      total.add<W>(magnitude<W>(a - b));
    } else {
      total.add<W>((a - b) * (a - b));
    }
  }
};

template <KgeMatch M>
HEMIOLA_INLINE void match_all(const float* q, const RowPlaces& rows, size_t n, size_t k,
                              float* scores) {
  for (size_t j = 0; j < n; ++j) {
    MatchPart<M> part{q, row_of(rows, j), k / 2, {}};
    sweep<kWidth>(M == KgeMatch::moduli ? k / 2 : k, 0, part);
    const float sum = part.total.sum();
    scores[j] = M == KgeMatch::dot ? sum : M == KgeMatch::l2 ? -__builtin_sqrtf(sum) : -sum;
  }
}

void match_rows(KgeMatch match, const float* q, const RowPlaces& rows, size_t n, size_t k,
                float* scores) {
  switch (match) {
    case KgeMatch::dot:
      return match_all<KgeMatch::dot>(q, rows, n, k, scores);
    case KgeMatch::l1:
      return match_all<KgeMatch::l1>(q, rows, n, k, scores);
    case KgeMatch::l2:
      return match_all<KgeMatch::l2>(q, rows, n, k, scores);
    case KgeMatch::moduli:
      return match_all<KgeMatch::moduli>(q, rows, n, k, scores);
  }
}

template <KgeMatch M>
struct GradientPart {
  const float* q;
  const float* e;
  size_t half;
  float w;  // l2: by the distance already
  float* dq;
  float* de;

  template <size_t W>
  HEMIOLA_INLINE void apply(size_t i, Floats<W> to_q, Floats<W> to_e) {
    store<W>(dq + i, load<W>(dq + i) + to_q);
    store<W>(de + i, load<W>(de + i) + to_e);
  }

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, a, q + i);
    HEMIOLA_LOAD(W, b, e + i);
    if constexpr (M == KgeMatch::dot) {
      apply<W>(i, w * b, w * a);
    } else if constexpr (M == KgeMatch::moduli) {
      HEMIOLA_LOAD(W, c, q + half + i);
      HEMIOLA_LOAD(W, d, e + half + i);
      const Floats<W> x = a - b, y = c - d;
      const Floats<W> by = w * inverse_root<W>(x * x + y * y + 1e-30f);
      apply<W>(i, -by * x, by * x);
      apply<W>(i + half, -by * y, by * y);
    } else if constexpr (M == KgeMatch::l1) {
      const Floats<W> x = a - b, zero{};
      const Floats<W> by = x > zero ? all<W>(w) : (x < zero ? all<W>(-w) : zero);
      apply<W>(i, -by, by);
    } else {
      apply<W>(i, w * (b - a), w * (a - b));
    }
  }
};

void match_gradient(KgeMatch match, const float* q, const float* e, size_t k, float score, float w,
                    float* dq, float* de) {
  const auto go = [&]<KgeMatch M>(size_t n, float by) {
    GradientPart<M> part{q, e, k / 2, by, dq, de};
    sweep<kWidth>(n, 0, part);
  };
  switch (match) {
    case KgeMatch::dot:
      return go.operator()<KgeMatch::dot>(k, w);
    case KgeMatch::l1:
      return go.operator()<KgeMatch::l1>(k, w);
    case KgeMatch::l2:
      return go.operator()<KgeMatch::l2>(k, score < 0 ? -w / score : 0);
    case KgeMatch::moduli:
      return go.operator()<KgeMatch::moduli>(k / 2, w);
  }
}

struct FromDotsPart {
  float* scores;
  float q_square;
  const float* squares;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> square = q_square + load<W>(squares + i) - 2 * load<W>(scores + i), zero{};
    store<W>(scores + i, -root<W>(larger<W>(square, zero)));
  }
};

void from_dots(float* scores, size_t n, float q_square, const float* squares) {
  FromDotsPart part{scores, q_square, squares};
  sweep<kWidth>(n, 0, part);
}

struct ByDistancePart {
  float* w;
  const float* scores;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> by = load<W>(w + i) / larger<W>(-load<W>(scores + i), all<W>(1e-6f));
    store<W>(w + i, by);
    total.add<W>(by);
  }
};

float by_distance(float* w, const float* scores, size_t n) {
  ByDistancePart part{w, scores, {}};
  sweep<kWidth>(n, 0, part);
  return part.total.sum();
}

struct ComplexPart {
  float* out;
  const float* a;
  const float* b;
  size_t n;
  bool conjugate, add;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, ar, a + i);
    HEMIOLA_LOAD(W, ai, a + n + i);
    HEMIOLA_LOAD(W, br, b + i);
    HEMIOLA_LOAD(W, bi, b + n + i);
    if (conjugate) bi = -bi;
    Floats<W> re = ar * br - ai * bi, im = ar * bi + ai * br;
    if (add) {
      re += load<W>(out + i);
      im += load<W>(out + n + i);
    }
    store<W>(out + i, re);
    store<W>(out + n + i, im);
  }
};

void complex_product(float* out, const float* a, const float* b, size_t n, bool conjugate,
                     bool add) {
  ComplexPart part{out, a, b, n, conjugate, add};
  sweep<kWidth>(n, 0, part);
}

struct ProductPart {
  float* out;
  const float* a;
  const float* b;
  bool add;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, a + i);
    HEMIOLA_LOAD(W, y, b + i);
    const Floats<W> both = x * y;
    store<W>(out + i, add ? load<W>(out + i) + both : both);
  }
};

void product(float* out, const float* a, const float* b, size_t n, bool add) {
  ProductPart part{out, a, b, add};
  sweep<kWidth>(n, 0, part);
}

struct CosSinPart {
  float* out;
  const float* phases;
  size_t n;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, phases + i);
    const CosSin<W> both(x);
    store<W>(out + i, both.cos);
    store<W>(out + n + i, both.sin);
  }
};

void cos_sin(float* out, const float* phases, size_t n) {
  CosSinPart part{out, phases, n};
  sweep<kWidth>(n, 0, part);
}

void drop(float* x, size_t n, float share, unsigned seed) {
  const auto limit = static_cast<unsigned>(share * 16777216.0f);
  const float grow = 1 / (1 - share);
  for (size_t c = 0; c < n; ++c) {
    unsigned bits = (static_cast<unsigned>(c) + seed) * 0x9e3779b1U;
    bits = (bits ^ (bits >> 15)) * 0x85ebca77U;
    bits = (bits ^ (bits >> 13)) * 0xc2b2ae3dU;
    x[c] *= (bits ^ (bits >> 16)) >> 8 < limit ? 0.0f : grow;
  }
}

// Adds the gradients of the penalties to g.
struct PenaltyPart {
  const float* row;
  float* g;
  size_t half;  // 0: real numbers
  float l2, n3;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, row + i);
    if (half > 0) {
      HEMIOLA_LOAD(W, y, row + half + i);
      const Floats<W> by = 2 * l2 + 3 * n3 * root<W>(x * x + y * y);
      store<W>(g + i, load<W>(g + i) + by * x);
      store<W>(g + half + i, load<W>(g + half + i) + by * y);
    } else {
      const Floats<W> by = 2 * l2 + 3 * n3 * magnitude<W>(x);
      store<W>(g + i, load<W>(g + i) + by * x);
    }
  }
};

struct SquaresPart {
  const float* x;
  Total total;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> value = load<W>(x + i);
    total.add<W>(value * value);
  }
};

struct StepPart {
  float* row;
  const float* g;
  float rate;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, row + i);
    HEMIOLA_STORE(W, row + i, x - rate * load<W>(g + i));
  }
};

struct AdagradPart {
  float* row;
  float* state;
  const float* g;
  float rate;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    HEMIOLA_LOAD(W, x, row + i);
    HEMIOLA_LOAD(W, s, state + i);
    const Floats<W> slope = load<W>(g + i);
    const Floats<W> sum = s + slope * slope;
    HEMIOLA_STORE(W, state + i, sum);
    HEMIOLA_STORE(W, row + i, x - rate * slope * inverse_root<W>(sum + 1e-20f));
  }
};

void update(float* row, float* g, const KgeUpdate& step) {
  const size_t n = step.values;
  if (step.l2 != 0 || step.n3 != 0) {
    PenaltyPart part{row, g, step.complex ? n / 2 : 0, step.l2, step.n3};
    sweep<kWidth>(step.complex ? n / 2 : n, 0, part);
  }
  if (step.adagrad && !step.by_row) {
    AdagradPart part{row, row + n, g, step.rate};
    return sweep<kWidth>(n, 0, part);
  }
  float rate = step.rate;
  if (step.adagrad) {
    SquaresPart squares{g, {}};
    sweep<kWidth>(n, 0, squares);
    row[n] += squares.total.sum() / static_cast<float>(n);
    rate /= __builtin_sqrtf(row[n] + 1e-20f);
  }
  StepPart part{row, g, rate};
  sweep<kWidth>(n, 0, part);
}

struct CountPart {
  const float* scores;
  float than;
  Ints<kWidth> above{}, equal{};
  size_t above_rest = 0, equal_rest = 0;

  template <size_t W>
  HEMIOLA_INLINE void run(size_t i) {
    const Floats<W> x = load<W>(scores + i);
    if constexpr (W == kWidth) {
      above -= x > than;
      equal -= x == than;
    } else if constexpr (W > 1) {
      for (size_t j = 0; j < W; ++j) {
        above_rest += x[j] > than;
        equal_rest += x[j] == than;
      }
    } else {
      above_rest += x > than;
      equal_rest += x == than;
    }
  }
};

void count(const float* scores, size_t n, float than, size_t* above, size_t* equal) {
  CountPart part{scores, than};
  sweep<kWidth>(n, 0, part);
  for (size_t j = 0; j < kWidth; ++j) {
    part.above_rest += static_cast<size_t>(part.above[j]);
    part.equal_rest += static_cast<size_t>(part.equal[j]);
  }
  *above = part.above_rest;
  *equal = part.equal_rest;
}

void prefetch(const float* row, size_t n) { fetch(row, n); }

}  // namespace
}  // namespace hemiola
