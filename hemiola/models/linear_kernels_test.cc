#include "hemiola/models/linear_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

const LinearKernels& kernels_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kLinearAvx512;
  if (simd == Simd::avx2) return kLinearAvx2;
#endif
  (void)simd;
  return kLinearBaseline;
}

struct World {
  static constexpr size_t kRows = 200, kStride = 2;
  LinearStep step;
  std::vector<float> rows, value, penalty;
  std::vector<unsigned> index;
  std::vector<float*> at;
  std::vector<float> buffer;
  LinearEntries entries;

  World(size_t n, const LinearStep& s) : step(s) {
    Random random(n);
    for (size_t i = 0; i < kRows * kStride; ++i) {
      rows.push_back(static_cast<float>(i % 2 ? random.uniform(1, 4) : random.uniform(-1, 1)));
    }
    for (size_t i = 0; i < kRows; ++i) at.push_back(rows.data() + i * kStride);
    for (unsigned i = 0; i < n; ++i) {
      index.push_back(2 * i + static_cast<unsigned>(random.below(2)));
      value.push_back(static_cast<float>(random.uniform(-2, 2)));
      penalty.push_back(static_cast<float>(random.uniform(1, 3)));
    }
    const size_t room = (n + kLinearPadding) / kLinearPadding * kLinearPadding;
    buffer.assign(6 * room, 7);
    float* b = buffer.data();
    entries = {b, b + room, b + 2 * room, b + 3 * room, b + 4 * room, b + 5 * room};
  }

  float run(const LinearKernels& k, bool ones, bool by_pointer, float slope) {
    const LinearExample example{index.data(), ones ? nullptr : value.data(), penalty.data(),
                                index.size(), rows.data() + (kRows - 1) * kStride};
    const RowPlaces places =
        by_pointer ? RowPlaces{at.data()} : RowPlaces{nullptr, rows.data(), kStride};
    k.fetch(index.data(), index.size(), places);
    const float score = k.take(example, places, step, entries);
    k.change(index.size(), slope, step, entries);
    k.put(example, places, step, entries);
    return score;
  }
};

class LinearKernelsTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
};

TEST_P(LinearKernelsTest, A_step_does_what_the_plain_twin_does) {
  for (size_t n = 0; n < 70; ++n) {
    for (const int way : {0, 1, 2, 3, 4, 5, 6, 7}) {
      SCOPED_TRACE(testing::Message() << n << " entries, way " << way);
      LinearStep step{(way & 1) != 0, 0.3f};
      if (way & 2) step.l1 = 0.2f, step.l2 = 0.1f;
      World got(n, step), want(n, step), pointed(n, step);
      const bool ones = way & 4;
      EXPECT_NEAR(got.run(kernels_for(GetParam()), ones, false, 0.7f),
                  want.run(kLinearPlain, ones, false, 0.7f), 1e-4);
      pointed.run(kernels_for(GetParam()), ones, true, 0.7f);
      EXPECT_EQ(got.rows, pointed.rows);
      for (size_t i = 0; i < got.rows.size(); ++i) ASSERT_NEAR(got.rows[i], want.rows[i], 1e-5);
    }
  }
}

// Without penalties and with a small rate, each weight goes down the loss' gradient.
TEST_P(LinearKernelsTest, A_step_goes_down_the_gradient_that_finite_differences_find) {
  World world(5, {false, 1e-3f});
  const std::vector<float> before = world.rows;
  const auto loss = [&](size_t changed, double by) {
    double score = before[(World::kRows - 1) * 2] + (changed == 5 ? by : 0);
    for (size_t i = 0; i < 5; ++i) {
      score += world.value[i] * (before[2 * world.index[i]] + (changed == i ? by : 0));
    }
    return std::log1p(std::exp(-score));
  };
  const double score = std::log(1 / std::expm1(loss(9, 0)));
  world.run(kernels_for(GetParam()), false, false, static_cast<float>(-1 / (1 + std::exp(score))));
  for (size_t i = 0; i <= 5; ++i) {
    const size_t row = i < 5 ? world.index[i] : World::kRows - 1;
    const double gradient = (loss(i, 1e-5) - loss(i, -1e-5)) / 2e-5;
    EXPECT_NEAR((world.rows[2 * row] - before[2 * row]) / -1e-3, gradient, 1e-3);
  }
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, LinearKernelsTest,
                         testing::Values(Simd::baseline, Simd::avx2, Simd::avx512), name_of);

}  // namespace
}  // namespace hemiola
