#include "hemiola/models/kge_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

const KgeKernels& kernels_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kKgeAvx512;
  if (simd == Simd::avx2) return kKgeAvx2;
#endif
  (void)simd;
  return kKgeBaseline;
}

using Floats = std::vector<float>;

Floats floats(size_t n, uint64_t seed, double low = -1, double high = 1) {
  Random random(seed);
  Floats x(n);
  for (float& v : x) v = static_cast<float>(random.uniform(low, high));
  return x;
}

void expect_near(const Floats& got, const Floats& want, double share) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], share * (1 + std::abs(want[i]))) << "at " << i;
  }
}

constexpr size_t kWidest = 32;  // columns in a panel, at most
size_t panels(size_t n) { return (n + kWidest - 1) / kWidest * kWidest; }

class KgeKernelsTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
  const KgeKernels& fast() const { return kernels_for(GetParam()); }
};

constexpr KgeMatch kMatches[] = {KgeMatch::dot, KgeMatch::l1, KgeMatch::l2, KgeMatch::moduli};

// a times b and a' times b', with b given as columns in the first case and as rows in the second.
Floats products(const KgeKernels& kernels, size_t m, size_t k, size_t n, bool add) {
  const Floats a = floats(m * k, 1), b = floats(n * k, 2);
  std::vector<float*> columns;
  for (size_t j = 0; j < n; ++j) columns.push_back(const_cast<float*>(b.data()) + j * k);
  Floats packed(panels(n) * k), c(m * panels(n), 0.5f), out;
  kernels.pack_columns({columns.data()}, n, k, packed.data());
  kernels.multiply(a.data(), k, 1, m, k, packed.data(), n, c.data(), panels(n), add);
  for (size_t i = 0; i < m; ++i) {
    out.insert(out.end(), c.begin() + i * panels(n), c.begin() + i * panels(n) + n);
  }
  kernels.pack_rows({nullptr, const_cast<float*>(b.data()), n}, k, n, packed.data());
  kernels.multiply(a.data(), 1, m, m, k, packed.data(), n, c.data(), panels(n), add);
  for (size_t i = 0; i < m; ++i) {
    out.insert(out.end(), c.begin() + i * panels(n), c.begin() + i * panels(n) + n);
  }
  return out;
}

TEST_P(KgeKernelsTest, Products_of_matrices_are_those_of_the_plain_twin) {
  for (const size_t m : {1, 3, 6, 12, 23}) {
    for (const size_t k : {1, 7, 64, 1030}) {
      for (const size_t n : {1, 5, 32, 33, 70}) {
        SCOPED_TRACE(testing::Message() << m << " x " << k << " x " << n);
        for (const bool add : {false, true}) {
          expect_near(products(fast(), m, k, n, add), products(kKgePlain, m, k, n, add), 1e-4);
        }
      }
    }
  }
}

Floats distances(const KgeKernels& kernels, KgeMatch match, const Floats& q, size_t m, size_t k,
                 const Floats& e, size_t n) {
  Floats packed(panels(n) * k), scores(m * panels(n)), out;
  kernels.pack_columns({nullptr, const_cast<float*>(e.data()), k}, n, k, packed.data());
  if (match == KgeMatch::dot) {
    kernels.multiply(q.data(), k, 1, m, k, packed.data(), n, scores.data(), panels(n), false);
  } else {
    kernels.distances(match, q.data(), k, m, k, packed.data(), n, scores.data(), panels(n));
  }
  for (size_t i = 0; i < m; ++i) {
    out.insert(out.end(), scores.begin() + i * panels(n), scores.begin() + i * panels(n) + n);
  }
  return out;
}

TEST_P(KgeKernelsTest, Distances_are_those_of_the_plain_twin) {
  for (const KgeMatch match : {KgeMatch::l1, KgeMatch::moduli}) {
    for (const size_t m : {1, 4, 13}) {
      for (const size_t n : {1, 33, 64}) {
        const Floats q = floats(m * 10, 3), e = floats(n * 10, 4);
        expect_near(distances(fast(), match, q, m, 10, e, n),
                    distances(kKgePlain, match, q, m, 10, e, n), 1e-5);
      }
    }
  }
}

TEST_P(KgeKernelsTest, A_score_is_the_same_to_the_last_bit_wherever_question_and_answer_stand) {
  const size_t m = 17, k = 40, n = 71;
  const Floats q = floats(m * k, 5), e = floats(n * k, 6);
  for (const KgeMatch match : {KgeMatch::dot, KgeMatch::l1, KgeMatch::moduli}) {
    const Floats all = distances(fast(), match, q, m, k, e, n);
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; j += 5) {
        const Floats one_q(q.begin() + i * k, q.begin() + (i + 1) * k);
        const Floats one_e(e.begin() + j * k, e.begin() + (j + 1) * k);
        ASSERT_EQ(distances(fast(), match, one_q, 1, k, one_e, 1)[0], all[i * n + j]);
      }
    }
  }
}

TEST_P(KgeKernelsTest, Gradients_of_distances_are_those_of_the_plain_twin) {
  for (const KgeMatch match : {KgeMatch::l1, KgeMatch::moduli}) {
    for (const size_t k : {2, 10, 48, 70}) {
      const size_t m = 6, n = 9;
      const Floats q = floats(m * k, 7), e = floats(n * k, 8), w = floats(m * n, 9);
      Floats dq[2], de[2];
      for (const int way : {0, 1}) {
        dq[way] = floats(m * k, 10), de[way] = floats(n * k, 11);
        (way == 0 ? fast() : kKgePlain)
            .distance_gradients(match, q.data(), k, m, k, e.data(), k, n, w.data(), n,
                                dq[way].data(), de[way].data());
      }
      expect_near(dq[0], dq[1], 2e-3);  // of 11 bits, where roots are rough
      expect_near(de[0], de[1], 2e-3);
    }
  }
}

TEST_P(KgeKernelsTest, One_question_meets_its_answers_as_in_the_plain_twin) {
  for (const KgeMatch match : kMatches) {
    for (const size_t k : {2, 6, 16, 34, 100, 256}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(match) << " of " << k);
      const size_t n = 7;
      const Floats q = floats(k, 12), e = floats(n * k, 13);
      const RowPlaces rows{nullptr, const_cast<float*>(e.data()), k};
      Floats scores[2] = {Floats(n), Floats(n)}, dq[2], de[2];
      for (const int way : {1, 0}) {
        const KgeKernels& kernels = way == 0 ? fast() : kKgePlain;
        kernels.match(match, q.data(), rows, n, k, scores[way].data());
        dq[way] = floats(k, 14), de[way] = floats(k, 15);
        kernels.match_gradient(match, q.data(), e.data(), k, scores[1][0], 0.7f, dq[way].data(),
                               de[way].data());
      }
      expect_near(scores[0], scores[1], 1e-5);
      expect_near(dq[0], dq[1], 1e-5);
      expect_near(de[0], de[1], 1e-5);
      Floats dots(n), squares(n), w[2] = {floats(n, 16), floats(n, 16)};
      kKgePlain.match(KgeMatch::dot, q.data(), rows, n, k, dots.data());
      for (size_t j = 0; j < n; ++j) {
        const float* row = e.data() + j * k;
        kKgePlain.match(KgeMatch::dot, row, {nullptr, const_cast<float*>(row)}, 1, k, &squares[j]);
      }
      if (match != KgeMatch::l2) continue;
      float square = 0;
      kKgePlain.match(KgeMatch::dot, q.data(), {nullptr, const_cast<float*>(q.data())}, 1, k,
                      &square);
      fast().from_dots(dots.data(), n, square, squares.data());
      expect_near(dots, scores[1], 1e-4);
      const float sum = fast().by_distance(w[0].data(), scores[1].data(), n);
      EXPECT_NEAR(sum, kKgePlain.by_distance(w[1].data(), scores[1].data(), n), 1e-5);
      expect_near(w[0], w[1], 1e-5);
    }
  }
}

TEST_P(KgeKernelsTest, Losses_and_their_gradients_are_those_of_the_plain_twin) {
  using Loss = float (*KgeKernels::*)(float*, size_t, float*, const KgeLossStep&);
  for (const Loss loss :
       {&KgeKernels::softmax, &KgeKernels::logistic, &KgeKernels::self_adversarial}) {
    for (const size_t n : {1, 2, 10, 37, 100}) {
      for (const double spread : {0.1, 3.0, 60.0}) {
        for (const float temperature : {0.0f, 0.5f, 2.0f}) {
          Floats got = floats(n, n, -spread, spread), want = got;
          if (n > 9) got[3] = want[3] = kKgeNoScore;
          float positive[2] = {0.4f, 0.4f};
          const KgeLossStep step{2, temperature};
          const float a = (fast().*loss)(got.data(), n, &positive[0], step);
          const float b = (kKgePlain.*loss)(want.data(), n, &positive[1], step);
          ASSERT_NEAR(a, b, 1e-4 * (1 + std::abs(b)));
          ASSERT_NEAR(positive[0], positive[1], 1e-5);
          expect_near(got, want, 3e-5);
          if (n > 9) {
            ASSERT_EQ(got[3], 0);
          }
        }
      }
    }
  }
}

TEST_P(KgeKernelsTest, Products_of_rows_are_those_of_the_plain_twin) {
  for (const size_t n : {1, 4, 13, 16, 100}) {
    const Floats a = floats(2 * n, 17), b = floats(2 * n, 18);
    for (const bool conjugate : {false, true}) {
      for (const bool add : {false, true}) {
        Floats got = floats(2 * n, 19), want = got;
        fast().complex_product(got.data(), a.data(), b.data(), n, conjugate, add);
        kKgePlain.complex_product(want.data(), a.data(), b.data(), n, conjugate, add);
        expect_near(got, want, 1e-6);
        fast().product(got.data(), a.data(), b.data(), n, add);
        kKgePlain.product(want.data(), a.data(), b.data(), n, add);
        expect_near(got, want, 1e-6);
      }
    }
    const Floats phases = floats(n, 20, -40, 40);
    Floats got(2 * n), want(2 * n);
    fast().cos_sin(got.data(), phases.data(), n);
    kKgePlain.cos_sin(want.data(), phases.data(), n);
    expect_near(got, want, 1e-5);
  }
}

TEST_P(KgeKernelsTest, What_is_left_out_is_left_out_again_with_the_same_seed) {
  Floats got(10'000, 1.0f), want(10'000, 1.0f);
  fast().drop(got.data(), got.size(), 0.25f, 77);
  kKgePlain.drop(want.data(), want.size(), 0.25f, 77);
  expect_near(got, want, 1e-6);
  size_t out = 0;
  for (const float x : got) out += x == 0;
  EXPECT_NEAR(static_cast<double>(out), 2'500, 200);
  Floats other(10'000, 1.0f);
  fast().drop(other.data(), other.size(), 0.25f, 78);
  EXPECT_NE(got, other);
}

TEST_P(KgeKernelsTest, A_step_down_is_that_of_the_plain_twin) {
  for (const size_t n : {2, 14, 16, 50, 256}) {
    for (int way = 0; way < 16; ++way) {
      KgeUpdate step;
      step.values = n;
      step.adagrad = way & 1, step.by_row = way & 2, step.complex = way & 4;
      step.rate = 0.3f;
      if (way & 8) step.l2 = 0.2f, step.n3 = 0.1f;
      Floats row = floats(2 * n, 21, 0.1, 1), same = row, g = floats(n, 22), g_same = g;
      fast().update(row.data(), g.data(), step);
      kKgePlain.update(same.data(), g_same.data(), step);
      expect_near(row, same, 1e-5);
    }
  }
}

TEST_P(KgeKernelsTest, A_row_that_nothing_pulls_at_stays_where_it_is) {
  Floats row(64), g(32);
  for (size_t i = 0; i < 32; ++i) row[i] = 0.5f;
  const Floats before = row;
  KgeUpdate step;
  step.values = 32, step.adagrad = true, step.rate = 1;
  fast().update(row.data(), g.data(), step);
  EXPECT_EQ(row, before);
  step.by_row = true;
  fast().update(row.data(), g.data(), step);
  EXPECT_EQ(row, before);
}

TEST_P(KgeKernelsTest, Scores_above_and_equal_are_counted) {
  for (const size_t n : {1, 15, 64, 1001}) {
    Floats scores = floats(n, 23);
    for (size_t j = 0; j < n; j += 3) scores[j] = scores[0];
    size_t got[2], want[2];
    fast().count(scores.data(), n, scores[0], &got[0], &got[1]);
    kKgePlain.count(scores.data(), n, scores[0], &want[0], &want[1]);
    EXPECT_EQ(got[0], want[0]);
    EXPECT_EQ(got[1], want[1]);
    EXPECT_EQ(want[1], (n + 2) / 3);
  }
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, KgeKernelsTest,
                         testing::Values(Simd::baseline, Simd::avx2, Simd::avx512), name_of);

}  // namespace
}  // namespace hemiola
