#include "hemiola/models/dense_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/core/random.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

const DenseKernels& kernels_for(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kDenseAvx512;
  if (simd == Simd::avx2) return kDenseAvx2;
#endif
  (void)simd;
  return kDenseBaseline;
}

using Floats = std::vector<float>;

Floats floats(size_t n, uint64_t seed) {
  Random random(seed);
  Floats x(n);
  for (float& v : x) v = static_cast<float>(random.uniform(-1, 1));
  return x;
}

void expect_near(const Floats& got, const Floats& want, double share) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], share * (1 + std::abs(want[i]))) << "at " << i;
  }
}

size_t rounded(size_t n) { return (n + kDenseWidest - 1) / kDenseWidest * kDenseWidest; }

class DenseKernelsTest : public testing::TestWithParam<Simd> {
 protected:
  void SetUp() override {
    if (GetParam() > simd_here()) GTEST_SKIP() << "this machine lacks the instruction set";
  }
  const DenseKernels& fast() const { return kernels_for(GetParam()); }
};

struct Shape {
  size_t m, k, n;
};

// a times b in the middle of c, with the values of a strewn over its memory.
Floats product(const DenseKernels& kernels, const Shape& s, bool by_pointer, bool transposed,
               bool add) {
  Floats a = floats(s.m * s.k + 7, 1), b = floats(s.n * s.k, 2), c = floats(s.m * (s.n + 5), 3);
  std::vector<uint32_t> row, column;
  for (uint32_t i = 0; i < s.m; ++i) row.push_back(i % 3 + static_cast<uint32_t>(i * s.k));
  for (uint32_t i = 0; i < s.k; ++i) column.push_back((i * 5 + 2) % static_cast<uint32_t>(s.k));
  const size_t stride = transposed ? s.k : s.n, rows = transposed ? s.n : s.k;
  std::vector<float*> at;
  for (size_t i = 0; i < rows; ++i) at.push_back(b.data() + i * stride);
  const auto places = [&](size_t first, size_t skip) {
    return by_pointer ? RowPlaces{at.data() + first}
                      : RowPlaces{nullptr, b.data() + first * stride + skip, stride};
  };
  const Arena<float> packed(s.k * rounded(s.n));
  if (!transposed) {
    kernels.pack(places(0, 0), s.k, s.n, packed.data());
  } else if (by_pointer) {
    kernels.pack_transposed(places(0, 0), s.n, s.k, 0, s.k, packed.data());
  } else {
    const size_t half = s.k / 2;
    kernels.pack_transposed(places(0, half), s.n, s.k - half, half, s.k, packed.data());
    kernels.pack_transposed(places(0, 0), s.n, half, 0, s.k, packed.data());
  }
  kernels.multiply({a.data(), row.data(), column.data()}, s.m, s.k, packed.data(), s.n, 0.5f,
                   c.data() + 2, s.n + 5, add);
  return c;
}

TEST_P(DenseKernelsTest, Products_are_what_the_plain_twin_says) {
  for (const Shape& s : {Shape{1, 1, 1},
                         {3, 5, 10},
                         {6, 300, 16},
                         {13, 257, 33},
                         {17, 64, 48},
                         {64, 31, 64},
                         {25, 70, 65},
                         {9, 513, 130},
                         {8, 40, 100}}) {
    for (int way = 0; way < 8; ++way) {
      SCOPED_TRACE(testing::Message() << s.m << " x " << s.k << " x " << s.n << ", way " << way);
      expect_near(product(fast(), s, way & 1, way & 2, way & 4),
                  product(kDensePlain, s, way & 1, way & 2, way & 4), 1e-5);
    }
  }
}

TEST_P(DenseKernelsTest, Bytes_biases_masks_and_sums_are_what_the_plain_twin_says) {
  for (const size_t n : {1, 7, 16, 30, 100}) {
    const auto run = [&](const DenseKernels& kernels) {
      std::vector<uint8_t> bytes(n);
      for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(mix(i));
      Floats all(n), y = floats(3 * n, 5);
      kernels.normalise(bytes.data(), floats(n, 4).data(), floats(n, 6).data(), n, all.data());
      for (const bool relu : {false, true}) {
        kernels.add_bias(y.data(), 3, n, floats(n, 7).data(), relu);
        all.insert(all.end(), y.begin(), y.end());
      }
      Floats d = floats(3 * n, 8);
      kernels.mask(d.data(), y.data(), 3 * n);
      all.insert(all.end(), d.begin(), d.end());
      kernels.add_columns(d.data(), 3, n - n / 2, n, 0.5f, all.data());
      return all;
    };
    expect_near(run(fast()), run(kDensePlain), 1e-6);
  }
}

TEST_P(DenseKernelsTest, Pooling_and_its_way_back_are_what_the_plain_twin_says) {
  for (const size_t n : {1, 5, 16, 32, 52}) {
    constexpr size_t kPixels = 3;
    const auto run = [&](const DenseKernels& kernels) {
      Floats top = floats(2 * kPixels * n, 1), bottom = floats(2 * kPixels * n, 2);
      top[n] = top[0], bottom[0] = top[0];  // of equals the first counts
      Floats all(kPixels * n);
      std::vector<uint8_t> which(kPixels * n);
      kernels.pool(top.data(), bottom.data(), kPixels, n, floats(n, 3).data(), all.data(),
                   which.data());
      kernels.unpool(floats(kPixels * n, 4).data(), which.data(), kPixels, n, top.data(),
                     bottom.data());
      all.insert(all.end(), which.begin(), which.end());
      all.insert(all.end(), top.begin(), top.end());
      all.insert(all.end(), bottom.begin(), bottom.end());
      return all;
    };
    EXPECT_EQ(run(fast()), run(kDensePlain));
  }
}

TEST_P(DenseKernelsTest, Updates_are_what_the_plain_twin_says) {
  using Kind = DenseStep::Kind;
  for (const Kind kind : {Kind::sgd, Kind::momentum, Kind::adagrad}) {
    for (const size_t n : {1, 10, 37, 128}) {
      const auto run = [&](const DenseKernels& kernels) {
        Floats row = floats(2 * n, 1);
        for (float& s : row) s += 2;
        for (uint64_t i = 0; i < 3; ++i) {
          kernels.update(row.data(), row.data() + n, floats(n, 2 + i).data(), n,
                         {kind, 0.1f, 0.9f, 0.01f});
        }
        return row;
      };
      expect_near(run(fast()), run(kDensePlain), 1e-5);
    }
  }
}

std::string name_of(const testing::TestParamInfo<Simd>& tried) {
  const char* const names[] = {"baseline", "avx2", "avx512"};
  return names[static_cast<int>(tried.param)];
}

INSTANTIATE_TEST_SUITE_P(Simd, DenseKernelsTest,
                         testing::Values(Simd::baseline, Simd::avx2, Simd::avx512), name_of);

}  // namespace
}  // namespace hemiola
