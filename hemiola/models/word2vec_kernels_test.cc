#include "hemiola/models/word2vec_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

std::vector<const Word2VecKernels*> all_kernels() {
  std::vector<const Word2VecKernels*> kernels{&kWord2VecBaseline};
#if defined(__x86_64__)
  if (simd_here() >= Simd::avx2) kernels.push_back(&kWord2VecAvx2);
  if (simd_here() >= Simd::avx512) kernels.push_back(&kWord2VecAvx512);
#endif
  return kernels;
}

// Rows of two tables and groups of pairs over them.
struct Example {
  static constexpr size_t kRows = 40;

  size_t dim, stride, width;
  std::vector<float> input, output;
  std::vector<unsigned> inputs, outputs, counts;
  bool shared;

  Example(size_t d, size_t w, bool several, float scale, uint64_t seed)
      : dim(d),
        stride(d + 3),
        width(w),
        input(kRows * stride),
        output(kRows * stride),
        shared(several) {
    Random random(seed);
    for (float& v : input) v = static_cast<float>(random.uniform(-scale, scale));
    for (float& v : output) v = static_cast<float>(random.uniform(-scale, scale));
    for (size_t g = 0; g < 30; ++g) {
      counts.push_back(several ? static_cast<unsigned>(1 + random.below(6)) : 1);
      for (size_t i = 0; i < counts.back(); ++i) {
        inputs.push_back(static_cast<unsigned>(random.below(kRows)));
      }
      for (size_t j = 0; j < width; ++j) {
        outputs.push_back(static_cast<unsigned>(random.below(kRows)));
      }
    }
  }

  double train(const Word2VecKernels& kernels, bool by_pointer) {
    const Word2VecGroups groups{inputs.data(), outputs.data(), shared ? counts.data() : nullptr,
                                counts.size(), width};
    std::vector<float*> input_at, output_at;
    for (const unsigned i : inputs) input_at.push_back(&input[i * stride]);
    for (const unsigned o : outputs) output_at.push_back(&output[o * stride]);
    const RowPlaces in =
        by_pointer ? RowPlaces{input_at.data()} : RowPlaces{nullptr, input.data(), stride};
    const RowPlaces out =
        by_pointer ? RowPlaces{output_at.data()} : RowPlaces{nullptr, output.data(), stride};
    return kernels.train(groups, in, out, {dim, 0.05f});
  }
};

TEST(Word2VecKernels, All_give_what_the_plain_one_gives) {
  for (const Word2VecKernels* kernels : all_kernels()) {
    for (const size_t dim : {1, 3, 4, 17, 60, 100, 128, 200, 300}) {
      for (const size_t width : {2, 6, 9, 16, 64}) {
        for (const bool shared : {false, true}) {
          Example plain(dim, width, shared, 0.5f, dim + width);
          Example fast = plain;
          const double right = plain.train(kWord2VecPlain, false);
          const double loss = fast.train(*kernels, dim % 2 == 0);
          EXPECT_NEAR(loss, right, 1e-4 * right) << dim << " " << width;
          for (size_t i = 0; i < plain.input.size(); ++i) {
            ASSERT_NEAR(fast.input[i], plain.input[i], 2e-4) << dim << " " << width;
            ASSERT_NEAR(fast.output[i], plain.output[i], 2e-4) << dim << " " << width;
          }
        }
      }
    }
  }
}

TEST(Word2VecKernels, A_step_goes_down_the_slope_of_the_loss_by_finite_differences) {
  constexpr size_t kDim = 20, kWidth = 6;
  const float rate = 1e-3f;
  Example example(kDim, kWidth, false, 0.7f, 3);
  const unsigned outputs[kWidth] = {0, 1, 2, 3, 4, 5};
  const auto loss = [&](const std::vector<float>& x, const std::vector<float>& ys) {
    const float* rows[kWidth];
    for (size_t j = 0; j < kWidth; ++j) rows[j] = &ys[j * example.stride];
    float gains[kWidth];
    return kWord2VecPlain.gains(x.data(), rows, outputs, kWidth, {kDim, rate}, gains);
  };
  for (const Word2VecKernels* kernels : all_kernels()) {
    std::vector<float> x(example.input.begin(), example.input.begin() + kDim);
    std::vector<float> ys(example.output.begin(),
                          example.output.begin() + static_cast<ptrdiff_t>(6 * example.stride));
    auto new_x = x, new_ys = ys;
    const unsigned input = 0;
    kernels->train({&input, outputs, nullptr, 1, kWidth}, {nullptr, new_x.data(), 0},
                   {nullptr, new_ys.data(), example.stride}, {kDim, rate});
    const auto slope = [&](std::vector<float>& values, size_t at) {
      constexpr float kStep = 1e-2f;
      const float before = values[at];
      values[at] = before + kStep;
      const double above = loss(x, ys);
      values[at] = before - kStep;
      const double below = loss(x, ys);
      values[at] = before;
      return (above - below) / (2 * kStep);
    };
    for (size_t c = 0; c < kDim; ++c) {
      EXPECT_NEAR((new_x[c] - x[c]) / rate, -slope(x, c), 3e-3);
      for (size_t j = 0; j < kWidth; ++j) {
        const size_t at = j * example.stride + c;
        EXPECT_NEAR((new_ys[at] - ys[at]) / rate, -slope(ys, at), 3e-3);
      }
    }
  }
}

TEST(Word2VecKernels, A_drawn_word_that_is_the_right_one_is_left_out) {
  for (const Word2VecKernels* kernels : all_kernels()) {
    const float x[4] = {1, 2, 3, 4}, y[4] = {0.1f, -0.2f, 0.3f, 0.1f};
    const float* rows[6] = {y, y, y, y, y, y};
    const unsigned outputs[6] = {7, 7, 8, 7, 7, 7};
    float gains[6];
    kernels->gains(x, rows, outputs, 6, {4, 1.0f}, gains);
    EXPECT_GT(gains[0], 0);
    EXPECT_LT(gains[2], 0);
    for (const size_t j : {1, 3, 4, 5}) EXPECT_EQ(gains[j], 0);
  }
}

TEST(Word2VecKernels, Slopes_and_losses_are_right_however_large_the_products) {
  for (const Word2VecKernels* kernels : all_kernels()) {
    for (const float z : {-200.0f, -88.0f, -20.0f, -6.0f, -1.0f, -1e-3f, 0.0f, 1e-3f, 0.4f, 5.0f,
                          30.0f, 90.0f, 300.0f}) {
      const float one = 1;
      const float* rows[2] = {&z, &z};
      const unsigned outputs[2] = {0, 1};
      float gains[2], right[2];
      const double expected = kWord2VecPlain.gains(&one, rows, outputs, 2, {1, 1.0f}, right);
      const double loss = kernels->gains(&one, rows, outputs, 2, {1, 1.0f}, gains);
      EXPECT_NEAR(loss, expected, 1e-6 + 1e-5 * expected) << z;
      for (size_t j = 0; j < 2; ++j) EXPECT_NEAR(gains[j], right[j], 1e-6) << z;
    }
  }
}

TEST(Word2VecKernels, A_trade_gives_each_row_its_share_of_the_other_as_it_was) {
  Random random(6);
  for (const size_t dim : {1, 5, 16, 100, 131}) {
    std::vector<float> x(dim), y(dim), change(dim);
    for (auto* values : {&x, &y, &change}) {
      for (float& v : *values) v = static_cast<float>(random.uniform(-1, 1));
    }
    auto right_y = y, right_change = change;
    kWord2VecPlain.trade(right_y.data(), x.data(), right_change.data(), 0.3f, dim);
    EXPECT_NEAR(right_y[dim - 1], y[dim - 1] + 0.3f * x[dim - 1], 1e-6);
    EXPECT_NEAR(right_change[dim - 1], change[dim - 1] + 0.3f * y[dim - 1], 1e-6);
    for (const Word2VecKernels* kernels : all_kernels()) {
      auto new_y = y, new_change = change;
      kernels->trade(new_y.data(), x.data(), new_change.data(), 0.3f, dim);
      for (size_t c = 0; c < dim; ++c) {
        EXPECT_NEAR(new_y[c], right_y[c], 1e-6);
        EXPECT_NEAR(new_change[c], right_change[c], 1e-6);
      }
    }
  }
}

TEST(Word2VecKernels, Dots_are_those_of_the_plain_one) {
  Random random(5);
  std::vector<float> x(103), ys(103 * 21);
  for (float& v : x) v = static_cast<float>(random.uniform(-1, 1));
  for (float& v : ys) v = static_cast<float>(random.uniform(-1, 1));
  for (const Word2VecKernels* kernels : all_kernels()) {
    std::vector<float> right(21), products(21);
    kWord2VecPlain.dots(x.data(), ys.data(), 103, 21, 100, right.data());
    kernels->dots(x.data(), ys.data(), 103, 21, 100, products.data());
    for (size_t j = 0; j < right.size(); ++j) EXPECT_NEAR(products[j], right[j], 1e-5);
  }
}

}  // namespace
}  // namespace hemiola
