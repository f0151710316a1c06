#include "hemiola/models/mf_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

const MfKernels& kernels_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kMfAvx512;
  if (simd == Simd::avx2) return kMfAvx2;
#endif
  (void)simd;
  return kMfBaseline;
}

// A few users and items in one array, as a table has them; `stride` leaves a gap.
struct World {
  MfStep step;
  size_t stride;
  std::vector<float> rows;
  std::vector<float*> at;
  std::vector<MfRating> ratings;

  static constexpr uint32_t kUsers = 7, kItems = 5;

  World(size_t factors, bool biases, bool adagrad) {
    step = {factors, biases, adagrad, 0.1f, 0.05f, 0.02f, 3.0f};
    stride = factors + 3;
    Random random(factors);
    for (size_t i = 0; i < stride * (kUsers + kItems); ++i) {
      rows.push_back(static_cast<float>(random.uniform(0, 0.5)));
    }
    for (uint32_t i = 0; i < 60; ++i) {
      ratings.push_back({static_cast<uint32_t>(random.below(kUsers)),
                         static_cast<uint32_t>(random.below(kItems)),
                         static_cast<float>(random.uniform(1, 5))});
    }
  }

  RowPlaces users() { return {nullptr, rows.data(), stride}; }
  RowPlaces items() { return {nullptr, rows.data() + kUsers * stride, stride}; }
  double train(const MfKernels& k, bool by_pointer = false) {
    at.clear();
    for (size_t i = 0; i < kUsers + kItems; ++i) at.push_back(rows.data() + i * stride);
    const RowPlaces u = by_pointer ? RowPlaces{at.data()} : users();
    const RowPlaces v = by_pointer ? RowPlaces{at.data() + kUsers} : items();
    return k.train(ratings.data(), ratings.size(), u, v, step);
  }
  double error(const MfKernels& k) {
    return k.squared_error(ratings.data(), ratings.size(), users(), items(), step);
  }
};

class MfKernelsTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
};

TEST_P(MfKernelsTest, Training_does_what_the_plain_twin_does) {
  const MfKernels& fast = kernels_for(GetParam());
  for (const size_t factors : {1, 3, 4, 7, 8, 13, 16, 30, 32, 64, 100, 128, 200}) {
    for (const int way : {0, 1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << factors << " factors, way " << way);
      World got(factors, way & 1, way & 2), want(factors, way & 1, way & 2);
      World pointed(factors, way & 1, way & 2);
      const double error = want.error(kMfPlain);
      EXPECT_NEAR(got.error(fast), error, 1e-5 * error);
      const double loss = want.train(kMfPlain);
      EXPECT_NEAR(got.train(fast), loss, 1e-4 * loss);
      pointed.train(fast, true);
      EXPECT_EQ(got.rows, pointed.rows);
      for (size_t i = 0; i < got.rows.size(); ++i) {
        ASSERT_NEAR(got.rows[i], want.rows[i], 1e-4 * (1 + std::abs(want.rows[i]))) << i;
      }
    }
  }
}

// With the rate r, a step must change each value x by -r d/dx of the penalised loss.
TEST_P(MfKernelsTest, A_step_goes_down_the_gradient_that_finite_differences_find) {
  World world(9, true, false);
  world.step.rate = 1e-3f;
  const MfRating rating{2, 3, 4.5f};
  world.ratings = {rating};
  const size_t p = 2 * world.stride, q = (World::kUsers + 3) * world.stride;
  std::vector<double> x(world.rows.begin(), world.rows.end());
  const auto loss = [&] {
    double e = rating.value - world.step.mean - x[p + 9] - x[q + 9];
    double penalty = world.step.bias_l2 * (x[p + 9] * x[p + 9] + x[q + 9] * x[q + 9]);
    for (size_t c = 0; c < 9; ++c) {
      e -= x[p + c] * x[q + c];
      penalty += world.step.l2 * (x[p + c] * x[p + c] + x[q + c] * x[q + c]);
    }
    return (e * e + penalty) / 2;
  };
  world.train(kernels_for(GetParam()));
  for (const size_t row : {p, q}) {
    for (size_t c = 0; c < 10; ++c) {
      const double h = 1e-5, before = x[row + c];
      x[row + c] = before + h;
      const double up = loss();
      x[row + c] = before - h;
      const double gradient = (up - loss()) / (2 * h);
      x[row + c] = before;
      EXPECT_NEAR((world.rows[row + c] - before) / -1e-3, gradient, 1e-3);
    }
  }
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, MfKernelsTest,
                         testing::Values(Simd::baseline, Simd::avx2, Simd::avx512), name_of);

}  // namespace
}  // namespace hemiola
