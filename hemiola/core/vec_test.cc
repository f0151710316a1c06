#include "hemiola/core/vec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "hemiola/core/random.h"

namespace hemiola {
namespace {

using Floats = std::vector<float>;

Floats random_floats(size_t n, uint64_t seed) {
  Random random(seed);
  Floats values(n);
  for (float& v : values) v = static_cast<float>(random.uniform(-2, 2));
  return values;
}

void expect_near(const Floats& got, const Floats& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5) << "at " << i;
}

// Every length, one float off alignment, with a guard value behind the end.
class VecTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }

  template <class Run>
  void for_all_lengths(Run run) {
    for (size_t n = 0; n <= 150; ++n) {
      SCOPED_TRACE(n);
      run(n, vec_for(GetParam()));
    }
  }
};

TEST_P(VecTest, Copy_add_subtract_and_axpy_do_what_their_plain_twins_do) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    const Floats from = random_floats(n + 1, 1);
    const Floats start = random_floats(n + 2, 2);
    const auto both = [&](auto run) {
      Floats got = start, want = start;
      run(fast, got.data() + 1);
      run(kVecPlain, want.data() + 1);
      expect_near(got, want);
    };
    both([&](const VecKernels& k, float* to) { k.copy(to, from.data(), n); });
    both([&](const VecKernels& k, float* to) { k.add(to, from.data() + 1, n); });
    both([&](const VecKernels& k, float* to) { k.subtract(to, from.data() + 1, n); });
    both([&](const VecKernels& k, float* to) { k.axpy(to, 0.7f, from.data() + 1, n); });
  });
}

TEST_P(VecTest, Adding_and_scaling_gives_the_bits_of_the_plain_twin_also_in_place) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    const Floats x = random_floats(n + 1, 3), y = random_floats(n + 2, 4);
    Floats want(n + 1), want_also(n + 2);
    kVecPlain.add_and_scale(want.data(), want_also.data(), x.data(), y.data() + 1, 0.3f, n);
    for (const bool in_place : {false, true}) {
      Floats got(n + 1), also = y;
      const float* second = in_place ? also.data() + 1 : y.data() + 1;
      fast.add_and_scale(got.data(), also.data() + 1, x.data(), second, 0.3f, n);
      EXPECT_EQ(got, want);
      EXPECT_TRUE(std::equal(also.begin() + 1, also.end() - 1, want_also.begin()));
      EXPECT_EQ(also.front(), y.front());
      EXPECT_EQ(also.back(), y.back());
    }
  });
}

TEST_P(VecTest, The_dot_product_is_that_of_the_plain_twin) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    const Floats x = random_floats(n + 1, 3), y = random_floats(n + 1, 4);
    EXPECT_NEAR(fast.dot(x.data() + 1, y.data() + 1, n),
                kVecPlain.dot(x.data() + 1, y.data() + 1, n), 1e-4);
  });
}

TEST_P(VecTest, Taking_the_delta_moves_the_base_to_the_value) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    const Floats value = random_floats(n + 2, 5);
    Floats base = random_floats(n + 2, 6), delta(n + 2, 9);
    Floats base2 = base, delta2 = delta;
    EXPECT_EQ(fast.take_delta(value.data(), base.data() + 1, delta.data() + 1, n), n > 0);
    kVecPlain.take_delta(value.data(), base2.data() + 1, delta2.data() + 1, n);
    EXPECT_EQ(base, base2);
    EXPECT_EQ(delta, delta2);
    EXPECT_FALSE(fast.take_delta(value.data(), base.data() + 1, delta.data() + 1, n));
  });
}

TEST_P(VecTest, A_single_changed_float_is_noticed_wherever_it_stands) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    Floats value = random_floats(n, 7), base = value, delta(n);
    for (size_t i = 0; i < n; ++i) {
      value[i] += 1e-3f;
      EXPECT_TRUE(fast.take_delta(value.data(), base.data(), delta.data(), n)) << "at " << i;
    }
    EXPECT_FALSE(fast.take_delta(value.data(), base.data(), delta.data(), n));
  });
}

TEST_P(VecTest, A_value_that_is_not_a_number_counts_as_changed) {
  const VecKernels& fast = vec_for(GetParam());
  Floats value(20, 1), base(20, 1), delta(20);
  value[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(fast.take_delta(value.data(), base.data(), delta.data(), 20));
  EXPECT_TRUE(std::isnan(delta[17]));
}

TEST_P(VecTest, A_refresh_keeps_what_was_added_since_the_last_base) {
  for_all_lengths([](size_t n, const VecKernels& fast) {
    const Floats fresh = random_floats(n + 1, 8);
    Floats value = random_floats(n + 2, 9), base = random_floats(n + 2, 10);
    Floats value2 = value, base2 = base;
    fast.refresh(value.data() + 1, base.data() + 1, fresh.data(), n);
    kVecPlain.refresh(value2.data() + 1, base2.data() + 1, fresh.data(), n);
    EXPECT_EQ(value, value2);
    EXPECT_EQ(base, base2);
  });
}

// With small integers every sum is exact, so nothing may be lost or doubled.
TEST_P(VecTest, Deltas_taken_while_another_thread_adds_sum_up_to_what_it_added) {
  constexpr size_t kLength = 37;
  constexpr int kAdds = 20000;
  const VecKernels& fast = vec_for(GetParam());
  Floats value(kLength, 0), base(kLength, 0), delta(kLength), sum(kLength, 0);
  const Floats one(kLength, 1);
  std::thread writer([&] {
    for (int i = 0; i < kAdds; ++i) fast.add(value.data(), one.data(), kLength);
  });
  for (int i = 0; i < 2000; ++i) {
    fast.take_delta(value.data(), base.data(), delta.data(), kLength);
    fast.add(sum.data(), delta.data(), kLength);
  }
  writer.join();
  fast.take_delta(value.data(), base.data(), delta.data(), kLength);
  fast.add(sum.data(), delta.data(), kLength);
  EXPECT_EQ(sum, Floats(kLength, kAdds));
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, VecTest, testing::Values(Simd::baseline, Simd::avx2, Simd::avx512),
                         name_of);

TEST(Vec, The_kernels_chosen_are_the_widest_that_the_machine_has) {
  EXPECT_EQ(&vec(), &vec_for(simd_here()));
}

}  // namespace
}  // namespace hemiola
